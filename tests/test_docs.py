"""The code in docs/changing.md runs as it stands there, with smaller budgets; settings files and links of all pages are right."""

from __future__ import annotations

import importlib
import math
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from maddpg import MADDPG, preset
from maddpg.algorithm.state import assemble
from maddpg.cli.main import read_defaults
from maddpg.config import AlgorithmConfig, TrainingConfig
from maddpg.environments.particles import from_scenario
from maddpg.particles import SCENARIOS
from maddpg.training.fused import Fused
from tests.runs import SMALL, command

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "changing.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [match.group(1) for match in re.finditer(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)]
FILES = {match.group(1): block for block in BLOCKS if (match := re.match(r"# (\w+)\.py\n", block))}
TINY = AlgorithmConfig(actor_layers=(8,), critic_layers=(8,))
BUDGET = TrainingConfig(steps=400, warmup_steps=100, environments=10, batch_size=32)


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """Import a file of the page by name."""
    folder = tmp_path_factory.mktemp("docs")
    for name, text in FILES.items():
        (folder / f"{name}.py").write_text(text)
    sys.path.insert(0, str(folder))
    yield importlib.import_module
    sys.path.remove(str(folder))
    for name in FILES:
        sys.modules.pop(name, None)


def test_a_world_of_ones_own_trains_from_the_command_line(example, monkeypatch, tmp_path):
    monkeypatch.setitem(SCENARIOS, "gather", example("gather").make)

    assert command(f"train gather {SMALL} --out", tmp_path / "run") == 0
    assert (tmp_path / "run" / "evaluation.json").is_file()


def test_an_environment_and_a_network_of_ones_own_train_by_hand(example):
    environment, network = example("meeting").make(), example("networks_own").layer_norm_mlp((8,))

    result = example("by_hand").train_by_hand(environment, TINY, BUDGET, actor=network, critic=network)

    assert all(math.isfinite(score.mean) for score in result.seeds[0].agents.values())


def test_an_environment_of_ones_own_trains_from_the_command_line(example, tmp_path, capsys):
    del example  # its folder is on the path
    assert command("check-env meeting:make") == 0
    assert command(f"train meeting:make {SMALL} --out", tmp_path / "run") == 0
    assert (tmp_path / "run" / "checkpoints").is_dir()
    assert (tmp_path / "run" / "evaluation.json").is_file()
    said = " ".join(capsys.readouterr().err.split())
    assert f"evaluate {tmp_path / 'run'} --env meeting:make" in said  # the next line to type works


def test_an_environment_and_a_network_of_ones_own_train_as_objects(example, tmp_path):
    environment, network = example("meeting").make(), example("networks_own").layer_norm_mlp((8,))
    config = replace(preset("tuned", ""), algorithm=TINY, training=BUDGET)

    with MADDPG(environment, config, seed=0, actor=network, critic=network) as model:
        model.learn(200).save(tmp_path / "run")
    loaded = MADDPG.load(tmp_path / "run", env=environment, actor=network, critic=network)

    assert 0 <= loaded.evaluate(episodes=10).seeds[0].metrics["met"] <= 1


def test_a_reward_of_ones_own_is_added_and_shared(example):
    rewards = example("rewards_own")
    environment = rewards.share_rewards(from_scenario(rewards.make()))

    assert "reward/chase" in environment.aggregates
    assert Fused(assemble(TINY, environment.spec), environment, BUDGET).shapes(1).learner is not None


@pytest.mark.skipif(shutil.which("git") is None, reason="a patch is applied by git")
def test_a_head_of_ones_own_is_trained_inferred_and_exported(tmp_path):
    """In a copy of the package that has the page's patch, and a process of its own, which imports that."""
    shutil.copytree(ROOT / "src" / "maddpg", tmp_path / "src" / "maddpg", ignore=shutil.ignore_patterns("__pycache__", "zoo", "results"))
    (patch,) = re.findall(r"```diff\n(.*?)```", PAGE.read_text(), re.DOTALL)
    no_repository = {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}  # within one, git would pass over what it does not know
    subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=tmp_path, env={**os.environ, **no_repository}, check=True)
    for name in ("meeting", "stepping"):
        (tmp_path / "src" / f"{name}.py").write_text(FILES[name])

    program = [sys.executable, "-W", "error", str(ROOT / "tests" / "head_of_ones_own.py")]
    path = {"PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run(program, env={**os.environ, **path}, cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_blocks_that_are_not_files_use_names_that_exist():
    for block in BLOCKS:
        for module, names in re.findall(r"^from (maddpg[\w.]*) import ([\w, ]+)$", block, re.MULTILINE):
            for name in names.split(", "):
                assert hasattr(importlib.import_module(module), name), f"docs/changing.md imports {name} from {module}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_files_are_read(page, tmp_path):
    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)):
        (tmp_path / f"{number}.toml").write_text(text)
        config = read_defaults(["simple_tag", "--config", str(tmp_path / f"{number}.toml")])

        assert config != preset("tuned", "")
        assert tomllib.loads(text).keys() <= {"arguments", "world", "algorithm", "training", "reward_design", "channel", "host", "teams"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_name_that_links_to_a_file_occurs_in_it(page):
    for name, target in re.findall(r"\[`([^`\]]+)`\]\(([^)#]*\.py)\)", page.read_text()):
        text = target if name.endswith(".py") else (page.parent / target).read_text()
        missing = [part for part in name.split(".") if not re.search(rf"\b{re.escape(part)}\b", text)]

        assert not missing, f"{page.name} links {name} to {target}, where there is no {' and no '.join(missing)}"
