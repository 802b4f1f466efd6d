"""Finding NaN: which agent, which tensor, which seed."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.state import assemble
from maddpg.config import AlgorithmConfig, TrainingConfig
from maddpg.training.fused import Fused
from maddpg.training.health import first_not_finite
from tests.games import UNIT, probe

SEEDS, AGENTS = 2, 3


@pytest.fixture(scope="module")
def healthy():
    """A run's state, all zeros."""
    game = probe(lambda clock, coin, action: coin, spaces=(UNIT,) * AGENTS)
    config = AlgorithmConfig(actor_layers=(4,), critic_layers=(4,))
    training = TrainingConfig(steps=20, warmup_steps=10, environments=10, batch_size=4)
    fused = Fused(assemble(config, game.spec), game, training)
    shapes = fused.shapes(SEEDS)
    looked_at = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), (shapes.learner, shapes.totals))
    return fused.algorithm, replace(shapes, learner=looked_at[0], totals=looked_at[1])


def spoil(array, seed: int, agent: int, value: float):
    """One number of one seed's agent."""
    place = (seed, agent, *[-1] * (array.ndim - 2))
    return jnp.asarray(np.asarray(array)).at[place].set(value)


def with_parameter(run, name: str, seed: int, agent: int, value: float):
    """`run` with one number of the second layer's weight of the network `name` spoilt."""
    layers = [*getattr(run.learner, name)]
    layers[1] = {**layers[1], "weight": spoil(layers[1]["weight"], seed, agent, value)}
    return replace(run, learner=replace(run.learner, **{name: layers}))


def with_loss(run, name: str, seed: int, agent: int, value: float):
    """`run` with one sum of losses spoilt."""
    updates = {**run.totals.updates, name: spoil(run.totals.updates[name], seed, agent, value)}
    return replace(run, totals=replace(run.totals, updates=updates))


def with_reward(run, seed: int, agent: int, value: float):
    """`run` with one sum of rewards spoilt."""
    return replace(run, totals=replace(run.totals, reward=spoil(run.totals.reward, seed, agent, value)))


def test_all_is_well(healthy):
    algorithm, run = healthy

    assert first_not_finite(run, algorithm, 7) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("seed", "agent"), [(0, 2), (1, 0)])
def test_the_agent_and_the_seed_are_named(seed, agent, value, healthy):
    algorithm, run = healthy

    assert first_not_finite(with_reward(run, seed, agent, value), algorithm, 7) == f"reward of agent_{agent} (seed {7 + seed})"


@pytest.mark.parametrize("name", ["critic_loss", "actor_loss", "actor_gradient_norm", "target"])
def test_losses_are_looked_at(name, healthy):
    algorithm, run = healthy

    assert first_not_finite(with_loss(run, name, 1, 1, np.nan), algorithm, 0) == f"{name} of agent_1 (seed 1)"


@pytest.mark.parametrize("name", ["critic", "actor", "target_critic", "target_actor"])
def test_every_network_is_looked_at(name, healthy):
    algorithm, run = healthy

    assert first_not_finite(with_parameter(run, name, 1, 2, np.nan), algorithm, 0) == f"parameters/{name}/1/weight of agent_2 (seed 1)"


def test_the_cause_comes_before_the_effect(healthy):
    """A bad reward spoils losses, and those spoil parameters."""
    algorithm, run = healthy

    spoilt = with_parameter(run, "actor", 0, 0, np.nan)
    assert first_not_finite(spoilt, algorithm, 0) == "parameters/actor/1/weight of agent_0 (seed 0)"
    spoilt = with_loss(spoilt, "critic_loss", 0, 1, np.nan)
    assert first_not_finite(spoilt, algorithm, 0) == "critic_loss of agent_1 (seed 0)"
    spoilt = with_reward(spoilt, 1, 2, np.nan)
    assert first_not_finite(spoilt, algorithm, 0) == "reward of agent_2 (seed 1)"
