"""Memory, counted before it is taken."""

from __future__ import annotations

import pytest

from maddpg.algorithm.state import assemble
from maddpg.config import AlgorithmConfig, TrainingConfig
from maddpg.training import memory
from maddpg.training.fused import Fused
from maddpg.training.memory import available_bytes, gigabytes, require_memory, required_bytes
from tests.games import probe


def fused(replay_capacity: int) -> Fused:
    game = probe(lambda clock, coin, action: coin)
    training = TrainingConfig(steps=1_000_000, warmup_steps=100, environments=10, batch_size=4, replay_capacity=replay_capacity)
    return Fused(assemble(AlgorithmConfig(actor_layers=(4,), critic_layers=(4,)), game.spec), game, training)


def test_each_transition_takes_its_row():
    few, many = fused(1_000), fused(500_000)

    # For each of two agents: observation, next observation, action, reward and discount, one number of 4 bytes each.
    assert required_bytes(many, 1) - required_bytes(few, 1) == (500_000 - 1_000) * 2 * 5 * 4


def test_each_seed_takes_the_same(monkeypatch):
    clock = 4  # the seeds share one

    assert required_bytes(fused(1_000), 3) - clock == 3 * (required_bytes(fused(1_000), 1) - clock)


def test_this_machine_has_memory():
    assert available_bytes() > 2**28


def test_nine_tenths_may_be_taken(monkeypatch):
    required = required_bytes(fused(1_000), 1)

    monkeypatch.setattr(memory, "available_bytes", lambda: int(required / 0.9) + 1)
    assert require_memory(fused(1_000), 1) == required

    monkeypatch.setattr(memory, "available_bytes", lambda: int(required / 0.9) - 1)
    with pytest.raises(ValueError, match="this run needs") as refusal:
        require_memory(fused(1_000), 1)
    assert "1 seed(s) with 1_000 transitions of 40 bytes each" in str(refusal.value)
    assert str(refusal.value).endswith("give a smaller replay_capacity or fewer seeds")


def test_where_the_memory_cannot_be_told_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: None)

    assert require_memory(fused(500_000), 1_000) > 10**10


def test_bytes_for_people():
    assert gigabytes(3 * 2**29) == "1.50 GiB"
