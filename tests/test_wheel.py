"""What people install: a wheel that holds the package, its types and its program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent


def run(*words: object, **options) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel):
    """A folder where it is installed, alone; what it needs comes from the environment of the tests."""
    target = wheel.parent / "installed"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", target, wheel)
    return target


def test_it_holds_every_module_the_mark_of_types_the_zoo_and_the_paper_s_results(wheel):
    names, source = ZipFile(wheel).namelist(), ROOT / "src"

    results = (source / "maddpg" / "paper" / "results").glob("*.json")
    files = [*source.rglob("*.py"), *(source / "maddpg" / "zoo").rglob("*.*"), source / "maddpg" / "zoo" / "SHA256SUMS", *results]
    package = {str(path.relative_to(source)) for path in files} | {"maddpg/py.typed"}
    assert {name for name in names if name.startswith("maddpg/")} == package
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"maddpg"}


def test_it_runs_where_it_is_installed(installed):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PYTHONPATH": str(installed)}
    program = "import maddpg, maddpg.cli; print(maddpg.__file__); maddpg.cli.main(['envs'])"

    origin, heading, *rows = run(sys.executable, "-P", "-c", program, env=environment, cwd=installed.parent).splitlines()

    assert Path(origin) == installed / "maddpg" / "__init__.py"
    assert heading.startswith("environment")
    assert len(rows) == 9
    assert (installed / "bin" / "maddpg").exists()
