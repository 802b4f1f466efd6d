"""Memory, counted before it is taken."""

from __future__ import annotations

import jax
import pytest

from maddpg.algorithm.state import assemble
from maddpg.config import AlgorithmConfig, TrainingConfig
from maddpg.training import memory
from maddpg.training.fused import Fused
from maddpg.training.memory import available_bytes, exhaustion_told, gigabytes, minibatch_bytes, require_memory, required_bytes
from tests.games import probe


def fused(replay_capacity: int, **algorithm) -> Fused:
    game = probe(lambda clock, coin, action: coin)
    training = TrainingConfig(steps=1_000_000, warmup_steps=100, environments=10, batch_size=4, replay_capacity=replay_capacity)
    return Fused(assemble(AlgorithmConfig(actor_layers=(4,), critic_layers=(4,), **algorithm), game.spec), game, training)


def test_each_transition_takes_its_row():
    few, many = fused(1_000), fused(500_000)

    # For each of two agents: observation, next observation, action, reward and discount, one number of 4 bytes each.
    assert required_bytes(many, 1) - required_bytes(few, 1) == (500_000 - 1_000) * 2 * 5 * 4


def test_each_seed_takes_the_same(monkeypatch):
    clock = 4  # the seeds share one

    assert required_bytes(fused(1_000), 3) - clock == 3 * (required_bytes(fused(1_000), 1) - clock)


@pytest.mark.parametrize(
    ("algorithm", "draws"),
    [({}, 1), ({"minibatch": "per_agent"}, 2), ({"inference": True}, 1 + 1), ({"ensemble_size": 3}, 1 + 2 * 3)],
    ids=["shared", "one each", "latest", "ensemble"],
)
def test_each_draw_takes_its_transitions(algorithm, draws):
    """4 transitions of two agents, of 5 numbers each; with ensembles of 6, and how many rows each sub-policy has is one byte."""
    numbers, flags = (6, 2 * 3) if "ensemble_size" in algorithm else (5, 0)

    assert minibatch_bytes(fused(1_000, **algorithm), 1) == draws * 4 * 2 * numbers * 4 + flags
    assert minibatch_bytes(fused(1_000, **algorithm), 3) == 3 * minibatch_bytes(fused(1_000, **algorithm), 1)


def test_memory_that_runs_out_after_all_is_told_in_a_line():
    with pytest.raises(ValueError, match="memory ran out") as told, exhaustion_told(fused(1_000)):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 10624 bytes.\nBuffer assignment: ...")
    assert str(told.value) == (
        "memory ran out with a replay of 1_000 transitions, batch_size = 4, environments = 10, seeds = 1 "
        "(Out of memory allocating 10624 bytes); give a smaller replay_capacity or batch_size, or fewer environments or seeds"
    )
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"), exhaustion_told(fused(1_000)):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")


def test_this_machine_has_memory():
    assert available_bytes() > 2**28


def test_nine_tenths_may_be_taken(monkeypatch):
    required = required_bytes(fused(1_000), 1) + minibatch_bytes(fused(1_000), 1)

    monkeypatch.setattr(memory, "available_bytes", lambda: int(required / 0.9) + 1)
    assert require_memory(fused(1_000), 1) == required

    monkeypatch.setattr(memory, "available_bytes", lambda: int(required / 0.9) - 1)
    with pytest.raises(ValueError, match="this run needs") as refusal:
        require_memory(fused(1_000), 1)
    assert "(a replay of 1_000 transitions, batch_size = 4, environments = 10, seeds = 1, 40 bytes for each transition)" in str(
        refusal.value
    )
    assert str(refusal.value).endswith("give a smaller replay_capacity or batch_size, or fewer environments or seeds")


def test_where_the_memory_cannot_be_told_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: None)

    assert require_memory(fused(500_000), 1_000) > 10**10


def test_bytes_for_people():
    assert gigabytes(3 * 2**29) == "1.50 GiB"
