"""The program that damages files finds nothing, and would find what is planted."""

from __future__ import annotations

import ctypes
import subprocess
import time
from collections import Counter

import numpy as np
import pytest

from benchmarks.fuzzed import summarise, try_inputs
from benchmarks.fuzzing import readers
from benchmarks.fuzzing.inputs import MAKERS, SHARES, make_input
from benchmarks.fuzzing.readers import make_originals

NEVER = 2**62
READ = "benchmarks.fuzzing.readers.load_policy"
UNLINK = ctypes.CDLL(None).unlink  # which Python's audit does not hear


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    return make_originals(tmp_path_factory.mktemp("originals"))


def test_no_damage_does_more_than_be_refused(originals, tmp_path):
    outcomes = list(try_inputs(originals, range(400), 0, NEVER, tmp_path / "place"))

    assert [outcome for outcome in outcomes if outcome.failed] == []
    counts = Counter((outcome.kind, outcome.result) for outcome in outcomes)
    assert all(counts[kind, "refused"] > 10 for kind in SHARES)
    assert sum(counts[kind, "loaded"] for kind in SHARES) > 50
    assert summarise(outcomes)["kinds"]["config"]["failed"] == 0


def test_the_command_line_does_no_more_either(originals, tmp_path):
    numbers = [number for number in range(100) if make_input(originals, 1, number).kind in ("config", "networks")]

    outcomes = [next(try_inputs(originals, range(number, number + 1), 1, 1, tmp_path / "place")) for number in numbers[:3]]

    assert [outcome for outcome in outcomes if outcome.failed] == []


def test_what_is_not_damaged_is_loaded(originals, tmp_path, monkeypatch):
    for kind in MAKERS:
        files = {"settings.toml": originals.settings.encode()} if kind == "settings" else dict(originals.run)
        files = {name: content for name, content in originals.exports.items() if "onnx" in name} if kind == "export" else files
        monkeypatch.setitem(MAKERS, kind, lambda source, originals, files=files: ("none", dict(files)))

    outcomes = list(try_inputs(originals, range(0, 200, 10), 0, NEVER, tmp_path / "place"))

    assert {outcome.kind for outcome in outcomes} == set(SHARES)
    assert [outcome for outcome in outcomes if outcome.result != "loaded"] == []


def test_an_input_is_the_same_every_time(originals):
    assert all(make_input(originals, 3, number) == make_input(originals, 3, number) for number in range(50))
    assert len({str(make_input(originals, seed, number)) for seed in (3, 4) for number in range(50)}) > 95


def refuse(line):
    raise ValueError(line)


def work(seconds):
    began = time.process_time()
    while time.process_time() < began + seconds:
        pass


def beside(path):
    """The folder in which that of the input lies."""
    return path.parent.parent


@pytest.mark.parametrize(
    ("kind", "place", "planted", "found"),
    [
        ("config", "maddpg.storage.run_folder.from_dict", lambda tables: __import__("maddpg_canary"), "touched: import of maddpg_canary"),
        ("checkpoint", "maddpg.storage.lock.require_plain", lambda folder: None, "touched: opened for writing"),
        ("checkpoint", "maddpg.training.checkpointing.read_noted", lambda table, seeds: {}["journal"], "KeyError in test_fuzzed.py"),
        ("export", READ, lambda path: time.sleep(10), "hang: "),
        ("export", READ, lambda path: work(0.1), "slow: "),
        ("export", READ, lambda path: np.ones(2**24).sum(), "memory: "),
        ("export", READ, lambda path: (beside(path) / "here" / "new").write_text(""), "touched: opened for writing"),
        ("export", READ, lambda path: (beside(path) / "outside" / ".lock").unlink(), "touched: os.remove"),
        ("export", READ, lambda path: (beside(path) / "secret" / "secret.json").read_text(), "touched: read"),
        ("export", READ, lambda path: subprocess.run(["true"], check=True), "touched: subprocess.Popen"),
        ("export", READ, lambda path: UNLINK(bytes(beside(path) / "outside" / ".lock")), "changed something outside"),
        ("export", READ, lambda path: refuse("two\nlines"), "not one line (control characters): two"),
        ("export", READ, lambda path: refuse("x" * 3000), "not one line (long): xxx"),
    ],
)
def test_a_planted_fault_is_found(kind, place, planted, found, originals, tmp_path, monkeypatch):
    monkeypatch.setattr(place, planted)
    if found in ("hang: ", "slow: "):
        monkeypatch.setattr(readers, "LONGEST", 0.05)
    if found == "memory: ":
        monkeypatch.setattr(readers, "LARGEST", 2**26)
    numbers = (number for number in range(2_000) if make_input(originals, 0, number).kind == kind)

    for outcome in try_inputs(originals, numbers, 0, NEVER, tmp_path / "place"):
        if f"{outcome.result}: {outcome.line}".startswith(found):
            return
    pytest.fail(f"{found} was not found")
