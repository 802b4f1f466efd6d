"""The code in docs/changing.md runs as it stands there, with smaller budgets."""

from __future__ import annotations

import importlib
import math
import re
import sys
from pathlib import Path

import pytest

from maddpg.algorithm.state import assemble
from maddpg.config import AlgorithmConfig, TrainingConfig
from maddpg.environments.particles import from_scenario
from maddpg.particles import SCENARIOS
from maddpg.training.fused import Fused
from tests.runs import SMALL, command

PAGE = Path(__file__).parent.parent / "docs" / "changing.md"
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


def test_a_reward_of_ones_own_is_added_and_shared(example):
    rewards = example("rewards_own")
    environment = rewards.share_rewards(from_scenario(rewards.make()))

    assert "reward/chase" in environment.aggregates
    assert Fused(assemble(TINY, environment.spec), environment, BUDGET).shapes(1).learner is not None


def test_blocks_that_are_not_files_use_names_that_exist():
    for block in BLOCKS:
        for module, names in re.findall(r"^from (maddpg[\w.]*) import ([\w, ]+)$", block, re.MULTILINE):
            for name in names.split(", "):
                assert hasattr(importlib.import_module(module), name), f"docs/changing.md imports {name} from {module}"
