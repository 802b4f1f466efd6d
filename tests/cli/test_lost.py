"""What environments lose by failing is said on the screen: in training, and in evaluations."""

from __future__ import annotations

import json
import re
import sys

import pytest

from maddpg.evaluation.scores import AgentScore, Evaluation, SeedScore
from maddpg.report.tables import lost_line
from tests.runs import command

WORLD = """
import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

class Brittle(ParallelEnv):
    possible_agents = ["red", "blue"]
    max_cycles = 4
    sight, choice = spaces.Box(-1, 1, (1,)), spaces.Discrete(2)

    def observation_space(self, agent):
        return self.sight

    def action_space(self, agent):
        return self.choice

    def reset(self, seed=None, options=None):
        self.agents, self.clock, self.breaks = self.possible_agents[:], 0, seed % 5 == 0
        return dict.fromkeys(self.agents, np.zeros(1, np.float32)), dict.fromkeys(self.agents, {})

    def step(self, actions):
        self.clock += 1
        if self.breaks and self.clock == 3:
            raise RuntimeError("snap")
        late, everyone = self.clock == 4, self.agents
        self.agents = [] if late else everyone
        told = [np.zeros(1, np.float32), 1.0, False, late, {}]
        return tuple(dict.fromkeys(everyone, each) for each in told)
"""
SMALL = (
    "--workers 0 --actor-layers 8 --critic-layers 8 --batch-size 32 --environments 10 --warmup-steps 50 --steps 300 "
    "--log-interval 100 --evaluation-interval 200 --evaluation-episodes 20"
)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    (tmp_path / "brittle_world.py").write_text(WORLD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("brittle_world", None)


def count(words, printed):
    """The number before the words, in the line that has them."""
    [number] = re.findall(rf"^(\d+) {words}", printed, re.MULTILINE)
    return int(number)


def test_lost_episodes_are_told_after_training(elsewhere, capsys):
    assert command(f"train brittle_world:Brittle {SMALL} --out run") == 0

    said = capsys.readouterr().err
    lines = [json.loads(line) for line in (elsewhere / "run" / "metrics.jsonl").read_text().splitlines()]
    lost = sum(line.get("lost_steps", 0) for line in lines if line["kind"] == "training")
    assert count("episodes of training were lost to environments that failed", said) == lost > 3
    assert any(line.get("lost_episodes", 0) > 0 for line in lines if line["kind"] == "evaluation")
    saved = json.loads((elsewhere / "run" / "evaluation.json").read_text())
    assert count("episodes of this evaluation were lost to environments that failed", said) == saved["lost_episodes"] > 3


@pytest.mark.parametrize("lost", [0, 7])
def test_lost_episodes_are_told_after_an_evaluation(lost, small_run, capsys, monkeypatch):
    score = SeedScore(3, {"agent_0": AgentScore(1.0, 0.1, 0.0, 0.0, None)}, {})
    evaluation = Evaluation("simple_push", 4, "box", {"agent_0": "learned"}, [score], lost)
    monkeypatch.setattr("maddpg.cli.commands.evaluate.evaluate", lambda *_, **__: evaluation)

    assert command("evaluate", small_run, "--json") == 0

    printed = capsys.readouterr()
    assert json.loads(printed.out)["lost_episodes"] == lost
    assert printed.err == lost_line(evaluation)
    assert ("7 episodes" in printed.err) == (lost == 7)
