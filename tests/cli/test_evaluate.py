"""`maddpg evaluate`: on the device and in mpe2, by JSON and by table."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from dataclasses import replace

import pytest

from maddpg.storage.arrays import read_metadata
from maddpg.training.build import Parts
from tests.runs import AGENTS, ROUND, ROUNDS, SEEDS, command

EPISODES = 200


@pytest.fixture(scope="module")
def evaluated(small_run):
    """A function: evaluate the tiny run; its JSON."""

    def run(line: str) -> dict:
        out, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            assert command(f"evaluate --json {line}", small_run) == 0
        assert error.getvalue() == ""
        assert out.getvalue().count("\n") == 1
        return json.loads(out.getvalue(), parse_constant=pytest.fail)

    return run


@pytest.fixture(scope="module")
def alone(evaluated):
    """Of the trained agents among themselves, on the device."""
    return evaluated(f"--episodes {EPISODES}")


def scores(evaluation: dict) -> list[dict]:
    return [seed["agents"][agent] for seed in evaluation["seeds"] for agent in AGENTS]


def test_json_is_one_object_and_nothing_else(alone):
    assert set(alone) == {"environment", "episodes", "action_mode", "players", "seeds", "lost_episodes"}
    assert (alone["environment"], alone["episodes"], alone["action_mode"]) == ("simple_push", EPISODES, "box")
    assert alone["players"] == dict.fromkeys(AGENTS, "learned")
    assert [seed["seed"] for seed in alone["seeds"]] == list(SEEDS)
    for seed in alone["seeds"]:
        assert set(seed) == {"seed", "agents", "metrics"}
        assert tuple(seed["agents"]) == AGENTS
        for score in seed["agents"].values():
            assert set(score) == {"mean", "standard_error", "random", "still", "scripted", "normalised"}
            expected = (score["mean"] - score["random"]) / (score["scripted"] - score["random"])
            assert score["normalised"] == pytest.approx(expected)


def test_seeds_differ_and_share_their_yardsticks(alone):
    first, second = alone["seeds"]

    for agent in AGENTS:
        assert first["agents"][agent]["mean"] != second["agents"][agent]["mean"]
        for yardstick in ("random", "still", "scripted"):
            assert first["agents"][agent][yardstick] == second["agents"][agent][yardstick]


def test_it_finds_what_training_found(small_run, evaluated):
    assert evaluated("--episodes 40") == json.loads((small_run / "evaluation.json").read_text())


def test_the_best_networks_may_play(small_run, alone, evaluated):
    best = json.loads(read_metadata(small_run / "best.safetensors")["best"])
    chosen = evaluated(f"--episodes {EPISODES} --best")

    for before, after in zip(alone["seeds"], chosen["seeds"], strict=True):
        at_the_end = best[str(before["seed"])]["steps"] == ROUND * ROUNDS
        assert (before == after) == at_the_end


def test_a_run_that_was_never_evaluated_has_no_best(small_run, tmp_path, capsys):
    run = shutil.copytree(small_run, tmp_path / "run")
    (run / "best.safetensors").unlink()

    assert command("evaluate --best", run) == 2

    assert capsys.readouterr().err.startswith(f"maddpg: {run} holds no best.safetensors: it was never evaluated while it trained, or")


def test_others_may_play(alone, evaluated):
    mixed = evaluated(f"--episodes {EPISODES} --play good=scripted")
    nobody = evaluated(f"--episodes {EPISODES} --play good=scripted adversary_0=scripted")

    assert mixed["players"] == {"adversary_0": "learned", "agent_0": "scripted"}
    for before, after in zip(scores(alone), scores(mixed), strict=True):
        assert before["mean"] != after["mean"]
    for score in scores(nobody):
        assert score["mean"] == score["scripted"]
        assert score["normalised"] == 1.0


def test_in_mpe2_the_scores_are_the_same_but_for_chance(alone, evaluated):
    there = evaluated("--episodes 30 --env mpe2:simple_push_v3")

    assert there["environment"] == "mpe2:simple_push_v3"
    assert there["episodes"] == 30
    for ours, theirs in zip(scores(alone), scores(there), strict=True):
        error = (ours["standard_error"] ** 2 + theirs["standard_error"] ** 2) ** 0.5
        assert abs(ours["mean"] - theirs["mean"]) < 4 * error


def test_in_mpe2_others_may_play_all_agents(evaluated):
    evaluation = evaluated("--episodes 3 --env mpe2:simple_push --play good=scripted adversary=scripted")

    for score in scores(evaluation):
        assert score["mean"] == score["scripted"]


def test_one_episode_has_no_standard_error(evaluated):
    for score in scores(evaluated("--episodes 1")):
        assert score["standard_error"] is None


def test_the_table_names_who_played(small_run, capsys):
    assert command(f"evaluate --episodes {EPISODES} --play good=still", small_run) == 0

    printed = capsys.readouterr()
    assert printed.err == ""
    for part in (f"simple_push: return of an episode, {EPISODES} greedy episodes", "adversary_0", "(still)", "normalised"):
        assert part in printed.out


def test_without_mpe2_it_says_how_to_install_it(small_run, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "mpe2.simple_push_v3", None)

    assert command("evaluate --env mpe2:simple_push", small_run) == 1

    printed = capsys.readouterr()
    assert printed.err == 'maddpg: the reference worlds need mpe2: pip install "maddpg[mpe2]"\n'


def test_what_is_refused_leaves_no_stage_open(small_run, monkeypatch, capsys):
    closed = []
    stage_of = Parts.stage

    def stage(self, *words):
        opened = stage_of(self, *words)
        return replace(opened, close=lambda: closed.append(opened))

    monkeypatch.setattr(Parts, "stage", stage)

    assert command("evaluate --play good=scriptd", small_run) == 2
    assert len(closed) == 1
