"""A run's README.md: what it says is what the run is."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from maddpg.config import AlgorithmConfig, Config, TrainingConfig
from maddpg.environments.registry import make_environment, resolve
from maddpg.report.card import write_card
from maddpg.storage.run_folder import RunFolder, machine
from tests.runs import AGENTS, ROUND, ROUNDS, command


@pytest.fixture(scope="module")
def card(small_run):
    return (small_run / "README.md").read_text()


def test_it_has_every_score(card, small_run):
    evaluation = json.loads((small_run / "evaluation.json").read_text())
    first, second = (seed["agents"] for seed in evaluation["seeds"])
    for agent in AGENTS:
        middle = (first[agent]["mean"] + second[agent]["mean"]) / 2
        error = abs(first[agent]["mean"] - second[agent]["mean"]) / 2
        yardsticks = " | ".join(f"{first[agent][name]:.2f}" for name in ("random", "still", "scripted"))
        assert f"| {agent} | learned | {middle:.2f} ± {error:.2f} | {yardsticks} |" in card
    assert "40 greedy episodes of each seed; mean and standard error over 2 seeds" in card


def test_it_says_what_was_trained_and_with_what(card):
    assert card.startswith("# simple_push, trained by maddpg\n")
    assert "team adversary: adversary_0; team good: agent_0" in card
    assert f"{ROUND * ROUNDS} environment steps of seeds 3 to 4" in card
    assert "| algorithm.actor_layers | `[8]` | `[64, 64]` |" in card
    assert "| training.seeds | `2` | `1` |" in card
    assert "algorithm.gamma" not in card
    for name, value in machine().items():
        assert f"{name} {value}" in card


def test_its_command_trains_the_same_again(card, small_run, tmp_path, monkeypatch, capsys):
    (line,) = re.findall("`maddpg (train .*)`", card)
    monkeypatch.chdir(small_run.parent)
    monkeypatch.setattr("maddpg.cli.running.FINAL_EPISODES", 40)

    assert command(f"{line} --out {tmp_path / 'again'}") == 0

    for file in ("parameters.safetensors", "best.safetensors", "metrics.jsonl", "evaluation.json", "config.json"):
        assert (tmp_path / "again" / file).read_bytes() == (small_run / file).read_bytes()


def test_a_run_that_was_stopped_has_no_scores_and_a_typed_environment_must_be_typed(tmp_path):
    config = resolve(Config("simple", algorithm=AlgorithmConfig(gamma=0.5), training=TrainingConfig(seed=7)))
    spec = make_environment(config).spec
    write_card(RunFolder(tmp_path), replace(config, environment="my.worlds:make"), spec, 1_000)

    card = (tmp_path / "README.md").read_text()
    assert "1_000 environment steps of seed 7" in card
    assert "Not evaluated yet" in card
    assert f"MADDPG.load(\"{tmp_path.name}\", env='my.worlds:make')" in card
    assert f"`maddpg evaluate {tmp_path.name} --env my.worlds:make`" in card
    assert f"`maddpg train my.worlds:make --config {tmp_path.name}`" in card


def test_the_default_preset_is_named_as_such(tmp_path):
    config = Config("pettingzoo:sisl.pursuit_v5")
    spec = make_environment(resolve(Config("simple"))).spec
    write_card(RunFolder(tmp_path), config, spec, 1)

    assert "The default preset, `tuned`." in (tmp_path / "README.md").read_text()
