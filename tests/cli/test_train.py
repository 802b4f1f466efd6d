"""`maddpg train`: what it says, what it leaves, how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import contextmanager
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.image import imread
from safetensors.numpy import load_file

from maddpg.storage.run_folder import RunFolder
from maddpg.training.fused import Fused
from tests.runs import AGENTS, LINES, SEEDS, train_small

STOPPED = {"README.md", "config.json", "metrics.jsonl", "parameters.safetensors", "checkpoints"}
FILES = STOPPED | {"evaluation.json", "learning_curves.png", "episodes.png", "best.safetensors"}


def names(run):
    return {path.name for path in run.iterdir() if path.name != ".lock"}


def test_the_folder_holds_these_files(small_run):
    assert names(small_run) == FILES


def test_the_configuration_is_whole(small_run):
    tables = json.loads((small_run / "config.json").read_text())

    config = tables["config"]
    assert config["environment"] == "simple_push"
    assert config["world"]["action_mode"] == "box"  # which was left open
    assert config["algorithm"]["actor_layers"] == [8]
    assert config["algorithm"]["gamma"] is not None
    assert (config["training"]["seed"], config["training"]["seeds"], config["training"]["steps"]) == (3, 2, 345)
    assert {"maddpg", "jax", "jaxlib", "numpy", "cores", "device"} <= set(tables["machine"])
    assert tables["checkpoints"]["checkpoints_kept"] == 2


def test_metrics_are_there_at_every_boundary(small_run):
    lines = [json.loads(line) for line in (small_run / "metrics.jsonl").read_text().splitlines()]

    assert [line["steps"] for line in lines if line["kind"] == "training"] == [steps for steps in LINES for _ in SEEDS]


def test_the_evaluation_is_saved(small_run):
    evaluation = json.loads((small_run / "evaluation.json").read_text())

    assert (evaluation["environment"], evaluation["episodes"], evaluation["action_mode"]) == ("simple_push", 40, "box")
    assert evaluation["players"] == dict.fromkeys(AGENTS, "learned")
    assert [seed["seed"] for seed in evaluation["seeds"]] == list(SEEDS)
    for seed in evaluation["seeds"]:
        assert tuple(seed["agents"]) == AGENTS
        for score in seed["agents"].values():
            assert set(score) == {"mean", "standard_error", "random", "still", "scripted", "normalised"}
            assert all(isinstance(value, float) for value in score.values())
        assert seed["metrics"]


@pytest.mark.parametrize("name", ["learning_curves.png", "episodes.png"])
def test_the_pictures_are_pictures(name, small_run):
    height, width, _ = imread(small_run / name).shape

    assert height > 200
    assert width > 400


def test_it_says_what_it_does(small_run):
    said = (small_run.parent / "stderr").read_text().splitlines()

    assert said[0].startswith("simple_push: 350 steps (345, rounded up to whole rounds of 10), 40 updates of every agent, 2 seeds from 3, ")
    assert "0 of 350 steps  compiling" in said[1]
    assert any("350 of 350 steps" in line and "return " in line for line in said)
    assert said[-3].startswith("350 steps and 40 updates of every agent, ")
    assert said[-2] == f"saved in {small_run}: {', '.join(sorted(FILES))}"
    assert said[-1].endswith(f"evaluate {small_run} --env mpe2:simple_push")


def test_only_the_table_is_on_standard_output(small_run):
    table = (small_run.parent / "stdout").read_text()

    assert "simple_push: return of an episode, 40 greedy episodes, box actions" in table
    for score in (score for seed in json.loads((small_run / "evaluation.json").read_text())["seeds"] for score in seed["agents"].values()):
        assert f"{score['mean']:.2f} ± {score['standard_error']:.2f}" in table
    assert "steps/s" not in table


@pytest.fixture
def pressing(monkeypatch):
    """Ctrl-C is pressed as soon as training has begun."""
    pressed = []

    def tell(progress) -> None:
        if progress.phase == "training" and not pressed:
            pressed.append(True)
            os.kill(os.getpid(), signal.SIGINT)

    @contextmanager
    def progress(console):
        yield tell

    monkeypatch.setattr("maddpg.cli.running.training_progress", progress)


@pytest.mark.usefixtures("pressing")
def test_ctrl_c_saves_what_there_is(tmp_path, capsys):
    assert train_small("--out", tmp_path / "run") == 130

    stopped = re.search(r"stopped after (\d+) of 345 steps; saved in .*\nnext: .* resume .*run", capsys.readouterr().err)
    assert stopped
    assert names(tmp_path / "run") >= STOPPED
    last = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["steps"] == int(stopped[1]) < 350


def test_nan_fails_the_run_in_one_line(tmp_path, capsys, monkeypatch):
    work = Fused.warm_up

    def spoilt(self, hyper, run, length):
        run = work(self, hyper, run, length)
        return replace(run, totals=replace(run.totals, reward=run.totals.reward.at[1, 0].set(jnp.nan)))

    monkeypatch.setattr(Fused, "warm_up", spoilt)
    assert train_small("--out", tmp_path / "run") == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    last = printed.err.splitlines()[-1]
    assert last.startswith("maddpg: reward of adversary_0 (seed 4) became NaN or infinite by step 10; the last good state is saved in ")
    assert all(np.isfinite(array).all() for array in load_file(RunFolder(tmp_path / "run").parameters).values())


def test_memory_that_runs_out_after_all_is_told_in_one_line(tmp_path, capsys, monkeypatch):
    def run_out(self, numbers, run, rounds):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 10624000105832 bytes.\nand much more")

    monkeypatch.setattr(Fused, "warm_up", run_out)

    assert train_small("--out", tmp_path / "run") == 2

    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith(
        "maddpg: memory ran out with a replay of 350 transitions, batch_size = 32, environments = 10, seeds = 2 (Out of"
    )
    assert "and much more" not in "".join(said)
