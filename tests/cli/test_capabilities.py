"""All of it at once from the command line: ensembles, inference, a channel, a designed reward; then evaluate, messages, a frozen team."""

from __future__ import annotations

import contextlib
import io
import json
import math
from dataclasses import replace

import pytest

from maddpg.config import ChannelConfig, WorldConfig
from maddpg.environments.registry import read_environment
from maddpg.evaluation import communication
from maddpg.evaluation.conversation import join
from tests.runs import command, train_small
from tests.saved_runs import config_of, save_run

AGENTS = ("adversary_0", "agent_0")
FLAGS = (
    "--ensemble-size 2 --inference --inference-layers 8 --channel-senders all --channel-size 3 --reward-sharing all_mean "
    "--potential good:agent_distance=-1 --tau 1 --target-interval 8 --target-unit episodes --agent-order in_turn"
)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A tiny run with all of it: its folder, and what was said on the way."""
    folder, error = tmp_path_factory.mktemp("runs") / "everything", io.StringIO()
    with contextlib.redirect_stderr(error):
        assert train_small(*FLAGS.split(), "--out", folder) == 0
    return folder, error.getvalue()


@pytest.fixture(scope="module")
def run(told):
    """The folder."""
    return told[0]


@pytest.fixture(scope="module")
def lines(run):
    """The training lines after the warm-up."""
    every = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in every if line["kind"] == "training" and line["updates"]]


def test_all_numbers_are_finite_and_have_names(lines):
    pairs = {"adversary_0": {"agent_0"}, "agent_0": {"adversary_0"}}
    for line in lines:
        assert {learner: set(others) for learner, others in line["inference_kl"].items()} == pairs
        assert all(math.isfinite(value) for others in line["inference_kl"].values() for value in others.values())
        for name in ("critic_loss", "actor_loss", "inference_loss", "designed_reward", "target_moves"):
            assert set(line[name]) == set(AGENTS)
            assert all(math.isfinite(value) for value in line[name].values())


def test_designed_and_raw_rewards_are_logged_apart(lines):
    for line in lines:
        assert line["designed_reward"] != line["reward"]


def test_an_interval_in_episodes_is_told_in_updates_too(told):
    assert "; targets move every 8 episodes, 40 updates" in told[1]


def test_targets_moved_every_eighth_episode(lines):
    """10 environments of 25 steps complete 0.4 episodes a round, in which there are 2 updates: an interval of 8 is 40 updates."""
    moves = sum(line["target_moves"]["agent_0"] * 20 for line in lines if line["seed"] == 3)
    assert moves == pytest.approx(sum(20 for line in lines if line["seed"] == 3) / 40, abs=1)


@pytest.mark.parametrize("sub_policy", ["drawn", "average", "1"])
def test_an_ensemble_is_evaluated_as_asked(run, capsys, sub_policy):
    assert command(f"evaluate --json --episodes 20 --sub-policy {sub_policy}", run) == 0

    assert json.loads(capsys.readouterr().out)["players"] == dict.fromkeys(AGENTS, "learned")


def test_sub_policies_play_differently(run, capsys):
    def mean(sub_policy: str) -> float:
        command(f"evaluate --json --episodes 20 --sub-policy {sub_policy}", run)
        return json.loads(capsys.readouterr().out)["seeds"][0]["agents"]["agent_0"]["mean"]

    assert mean("0") != mean("1")


def test_messages_are_measured(run, capsys):
    assert command("messages --json --episodes 50", run) == 0

    seeds = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["seeds"]
    assert [seed["seed"] for seed in seeds] == [3, 4]
    assert set(seeds[0]["senders"]) == set(AGENTS)
    assert set(seeds[0]["falls"]) == {"cut", "shuffled"}


def test_many_episodes_of_messages_are_played_one_part_after_another(run, capsys, monkeypatch):
    parts = []
    monkeypatch.setattr(communication, "AT_ONCE", 20)
    monkeypatch.setattr(communication, "join", lambda given, episodes: parts.append(given) or join(given, episodes))

    assert command("messages --json --episodes 50", run) == 0

    seeds = json.loads(capsys.readouterr().out)["seeds"]
    assert [seed["episodes"] for seed in seeds] == [50, 50]
    assert [[part.returns.shape[1] for part in given] for given in parts] == [[20, 20, 20]] * 2
    assert len({part.returns.tobytes() for given in parts for part in given}) == 6  # other episodes each time


def test_messages_are_shown(run, capsys):
    assert command("messages --episodes 50", run) == 0

    shown = capsys.readouterr().out
    assert "what messages tell, in bits" in shown
    assert "fall when" in shown
    for seed in (3, 4):
        for agent in AGENTS:
            assert f"seed {seed}: {agent}'s symbol and goal, episodes" in shown


def test_a_run_without_messages_says_so(small_run, capsys):
    assert command("messages --episodes 50", small_run) == 2

    assert capsys.readouterr().err.startswith("maddpg: nobody sends messages in simple_push: add a channel")


def test_messages_in_an_environment_of_ones_own_are_measured_where_it_is_typed_again(tmp_path, capsys):
    name, arguments = "tests.secret_game:secret_game", {"options": 2}
    channel = ChannelConfig(channel_senders=("guide",), channel_size=2)
    config = replace(config_of("simple"), environment=name, arguments=arguments, world=WorldConfig(), channel=channel)
    save_run(tmp_path / "run", config, read_environment(name))

    assert command("messages --json --episodes 50", tmp_path / "run") == 2
    assert f"pass --env {name} if you trust it" in capsys.readouterr().err
    assert command(f"messages --json --episodes 50 --env {name}", tmp_path / "run") == 0
    assert set(json.loads(capsys.readouterr().out)["seeds"][0]["senders"]) == {"guide"}


def test_a_frozen_team_plays_on_as_it_was(small_run, tmp_path, capsys):
    out = tmp_path / "against"
    assert train_small("--team", "adversary.player=frozen", f"adversary.run={small_run}", "--out", out) == 0

    capsys.readouterr()
    config = json.loads((out / "config.json").read_text())["config"]
    assert config["teams"]["adversary"]["player"] == "frozen"
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert all(set(line["critic_loss"]) == {"agent_0"} for line in lines if "critic_loss" in line)
    assert command("evaluate --json --episodes 20", out) == 0
    assert json.loads(capsys.readouterr().out)["players"] == dict.fromkeys(AGENTS, "learned")


def test_mpe2_has_no_channel(run, capsys):
    assert command("evaluate --episodes 2 --env mpe2:simple_push", run) == 2

    assert capsys.readouterr().err.startswith("maddpg: mpe2 has no channel for messages")
