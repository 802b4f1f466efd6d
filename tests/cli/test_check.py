"""`maddpg check-env`: what it prints, and its exit codes."""

from __future__ import annotations

import json
import sys

import pytest

from tests.runs import command

WORLDS = """
import time

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

class Line(ParallelEnv):
    metadata = {"name": "line"}
    possible_agents = ["red_0", "red_1", "blue"]
    sight = spaces.Box(-9, 9, (1,))
    choice = spaces.Discrete(2)
    fault = 0.0

    def __init__(self, length=3):
        self.length = length

    def observation_space(self, agent):
        return self.sight

    def action_space(self, agent):
        return self.choice

    def reset(self, seed=None, options=None):
        self.generator, self.clock, self.agents = np.random.default_rng(seed), 0, self.possible_agents[:]
        return {agent: self.look() for agent in self.agents}, {agent: {} for agent in self.agents}

    def look(self):
        return self.generator.normal(size=1).astype(np.float32)

    def step(self, actions):
        self.clock += 1
        over = self.clock == self.length
        told = [{agent: value() for agent in self.agents} for value in (self.look, lambda: 1.0 + self.fault, bool, lambda: over, dict)]
        self.agents = [] if over else self.agents
        return tuple(told)

class Bad(Line):
    fault = float("nan")

class Loud(Line):
    fault = 999.0

class Stuck(Line):
    def step(self, actions):
        time.sleep(1000)
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Each test in a folder with worlds in it, in which the module has never been imported."""
    (tmp_path / "check_worlds.py").write_text(WORLDS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "argv", ["maddpg"])
    yield
    sys.modules.pop("check_worlds", None)


def test_a_right_world_goes_with_0(capsys):
    assert command("check-env check_worlds:Line --arguments length=4 --episodes 2") == 0

    summary, following = capsys.readouterr().out.splitlines()
    start = "check_worlds:Line: 3 agents on 2 teams, 2 episodes of 4 steps; 0 errors, 0 warnings, 0 notes; "
    assert summary.startswith(start)
    assert "steps/s in one process, " in summary
    assert summary.endswith(" ms a reset")
    assert following == "next: maddpg train check_worlds:Line --arguments length=4"


@pytest.mark.parametrize(
    ("words", "agents", "length"),
    [
        ("mpe2:simple_tag", 4, 25),
        ("mpe2:simple_speaker_listener_v4", 2, 25),
        ("mpe2:simple_world_comm_v3 --arguments continuous_actions=true max_cycles=10", 6, 10),
        ("pettingzoo:sisl.multiwalker_v9 --arguments max_cycles=20", 3, 20),
        ("pettingzoo:sisl.pursuit_v5 --arguments max_cycles=20", 8, 20),
        ("gymnasium:CartPole-v1", 1, 500),
        ("jaxmarl:MPE_simple_tag_v3", 4, 25),
        ("jaxmarl:HeuristicEnemySMAX --arguments scenario=3m", 3, 100),
        ("jaxmarl:coin_game --arguments num_inner_steps=5 num_outer_steps=2", 2, 10),
    ],
    ids=lambda value: value.partition(" ")[0] if isinstance(value, str) else "",
)
def test_known_worlds_go_with_0(words, agents, length, capsys):
    assert command(f"check-env {words} --episodes 2 --json") == 0

    told = json.loads(capsys.readouterr().out)
    assert told["errors"] == 0
    assert len(told["agents"]) == agents
    assert all(1 <= steps <= length for steps in told["measures"]["episode_lengths"])
    assert told["measures"]["steps"] > 1


def test_an_error_goes_with_1(capsys):
    assert command("check-env check_worlds:Bad") == 1

    *table, summary, following = capsys.readouterr().out.splitlines()
    words = " ".join(" ".join(table).split())
    assert "error red_0 and 2 more 1 the reward is nan (27 times) -> make it finite" in words
    assert "3 errors, 0 warnings, 0 notes" in summary
    assert "agents on" not in summary
    assert following == "next: maddpg check-env check_worlds:Bad, when the errors are mended"


def test_a_warning_goes_with_0(capsys):
    assert command("check-env check_worlds:Loud --episodes 1") == 0

    *table, summary, _ = capsys.readouterr().out.splitlines()
    assert "warning red_0 and 2 more - rewards reach 1,000 in size" in " ".join(" ".join(table).split())
    assert "1 episode of 3 steps; 0 errors, 3 warnings, 0 notes" in summary


def test_json_is_one_object(capsys):
    assert command("check-env check_worlds:Bad --json --seed 7 --episodes 1") == 1

    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (told["environment"], told["errors"], told["warnings"], told["notes"]) == ("check_worlds:Bad", 3, 0, 0)
    assert told["agents"] is None
    assert told["findings"][0] == {
        "severity": "error",
        "agent": "red_0",
        "step": 1,
        "what": "the reward is nan",
        "remedy": "make it finite, as a 32-bit float too",
        "times": 3,
    }
    assert told["measures"]["episode_lengths"] == [3]


def test_json_of_a_right_world(capsys):
    assert command("check-env simple --json --episodes 1") == 0

    told = json.loads(capsys.readouterr().out)
    assert told["agents"][0]["name"] == "agent_0"
    assert told["measures"]["reset_seconds"] is None
    assert told["measures"]["steps_per_second"] > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("check-env", "check-env needs an environment, such as simple_spread; `maddpg envs` lists them"),
        ("check-env simple_spraed", "did you mean 'simple_spread'?"),
        ("check-env check_worlds:Lime", "unknown factory in check_worlds 'Lime'; did you mean 'Line'?"),
        ("check-env check_worlds:Line --arguments size=4", "check_worlds:Line got an unexpected keyword argument 'size'. It takes: length"),
        ("check-env check_worlds:Line --arguments length", "argument 'length': it must be NAME=VALUE"),
        ("check-env check_worlds:Line --episodes 0", "--episodes 0: it must be at least 1"),
        ("check-env check_worlds:Line --episodes 1001", "--episodes 1001: it must be at most 1000"),
        ("check-env check_worlds:Line --step-timeout 0", "--step-timeout 0: it must be above 0 and at most a million seconds"),
        ("check-env check_worlds:Line --seed -1", "--seed -1: it must lie between 0 and"),
        ("check-env simple --arguments agents=3", "simple takes flags"),
        ("check-env jaxmarl:MPE_simple_v3 --arguments max_steps=0", "jaxmarl:MPE_simple_v3 has episodes of 0 steps: give it a whole"),
    ],
)
def test_wrong_input_goes_with_2_and_one_line(words, said, capsys):
    assert command(words) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert said in printed.err


def test_one_that_hangs_goes_with_1(capsys):
    assert command("check-env check_worlds:Stuck --step-timeout 0.5") == 1

    *table, _, following = capsys.readouterr().out.splitlines()
    words = " ".join(" ".join(table).split())
    assert "error - 1 step did not return within 0.5 s (check_worlds.py, line" in words
    assert following == "next: maddpg check-env check_worlds:Stuck, when the errors are mended"
