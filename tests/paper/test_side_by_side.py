"""Processes that share a plan: each piece is made once, and all stop together."""

from __future__ import annotations

import multiprocessing
import signal
from dataclasses import replace

import pytest

from maddpg.paper import side_by_side
from maddpg.paper.reproduce import plan
from maddpg.paper.side_by_side import carry_out_side_by_side, require_jobs
from maddpg.training.shelf import Stopped
from tests.paper.tiny import LISTENER, PUSH, SIZE, shelf_in

STUDIES = [replace(PUSH, kinds=("DDPG",)), replace(LISTENER, kinds=("MADDPG",), changes=PUSH.changes)]
"""Two runs, and one meeting."""


def test_each_run_is_trained_once_and_nothing_is_missing(tmp_path, capfd):
    shelf = shelf_in(tmp_path)

    carry_out_side_by_side(STUDIES, shelf, SIZE, SIZE.settings, jobs=2)

    assert plan(STUDIES, shelf, SIZE, SIZE.settings).missing == []
    said = capfd.readouterr().err.splitlines()
    trained = sorted(line.split(":")[0] for line in said if line.startswith("training "))
    assert trained == ["training paper-simple-push-tuned-ddpg", "training paper-simple-speaker-listener-tuned-maddpg"]
    assert any(line.startswith("3 of 3 done, ") for line in said)

    carry_out_side_by_side(STUDIES, shelf, SIZE, SIZE.settings, jobs=2)
    assert capfd.readouterr().err == ""


def test_who_stops_one_stops_all(tmp_path, monkeypatch):
    def interrupted(objects, timeout):
        assert len(multiprocessing.active_children()) == len(objects) > 0
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(side_by_side, "wait", interrupted)

    with pytest.raises(Stopped) as stopped:
        carry_out_side_by_side(STUDIES, shelf_in(tmp_path), SIZE, SIZE.settings, jobs=2)

    assert stopped.value.signal == signal.SIGTERM
    assert multiprocessing.active_children() == []
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(("jobs", "shares"), [(1, [{0, 3, 5}]), (2, [{0}, {3}]), (3, [{0}, {3}, {5}])])
def test_each_process_has_a_core_of_its_own_and_a_single_one_has_all(monkeypatch, jobs, shares):
    monkeypatch.setattr(side_by_side, "_cores", lambda: [0, 3, 5])

    assert side_by_side._shares(jobs) == shares


def test_there_is_a_core_for_each_and_no_accelerator(monkeypatch):
    monkeypatch.setattr(side_by_side, "_cores", lambda: [0, 3, 5])
    require_jobs(1)
    require_jobs(3)
    for jobs in (-1, 0, 4):
        with pytest.raises(ValueError, match=f"--jobs must be from 1 to 3, the cores that are free to use here; got {jobs}"):
            require_jobs(jobs)

    monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    require_jobs(1)
    with pytest.raises(ValueError, match="--jobs 2 is for a CPU, and an accelerator is used here: leave --jobs out"):
        require_jobs(2)
