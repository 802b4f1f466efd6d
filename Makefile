# make train: install, train a team, evaluate it, and say where to look. make test: install and run the tests.
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: install train test lint types clean
.DEFAULT_GOAL := train

# Everything but cuda. The stamp stands in for the installation, so that it is made again when the dependencies change.
install: $(VENV)/installed
$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "maddpg needs Python 3.11 or later; this is %s. Try: make PYTHON=python3.12" % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cli,export,mpe2,jaxmarl,dev]'
	touch $@

train: install
	$(BIN)/maddpg train simple_spread --steps 1_000_000

test: install
	$(BIN)/python -m pytest -n 2

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
