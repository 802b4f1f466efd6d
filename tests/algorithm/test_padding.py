"""Padding changes nothing: a game among wider arrays, or beside a wider agent, starts, acts and learns as it would alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.acting import act, act_greedily, act_randomly
from maddpg.algorithm.actions import output_valid
from maddpg.algorithm.learning import Batches
from maddpg.algorithm.state import Algorithm, TrainState, assemble, hyper, init
from maddpg.algorithm.update import update
from maddpg.config import AlgorithmConfig
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, Simplex, Transition
from tests.algorithm.layers import bias_of, weight_of

BATCH = 6
TALKER = AgentSpec("talker", "a", 2, (Categorical(3), Box((-1.0,), (2.0,))))
BLEND = AgentSpec("blend", "b", 3, (Simplex(2),))
GIANT = AgentSpec("giant", "c", 9, (Box((-1.0,) * 3, (1.0,) * 3), Categorical(5), Simplex(2)))
SMALL = EnvSpec("small", (TALKER, BLEND), 2, 25)


@dataclass(frozen=True)
class Padded(EnvSpec):
    """The same game in arrays wider than any agent needs."""

    @property
    def observation_width(self):
        return super().observation_width + 3

    @property
    def action_width(self):
        return super().action_width + 2


CASES = {
    "wider arrays, critics that see all": (Padded("padded", SMALL.agents, 2, 25), "all"),
    "wider arrays, local critics": (Padded("padded", SMALL.agents, 2, 25), "own"),
    "beside a giant, local critics": (EnvSpec("beside", (TALKER, BLEND, GIANT), 2, 25), "own"),
    "beside a giant, critics of teams": (EnvSpec("beside", (TALKER, BLEND, GIANT), 2, 25), "team"),
}


class Played(NamedTuple):
    """All that a game computes from the same keys."""

    algorithm: Algorithm
    first: TrainState
    drawn: jax.Array
    greedy: jax.Array
    random: jax.Array
    learned: TrainState
    metrics: dict[str, jax.Array]


def transitions(spec: EnvSpec) -> Transition:
    """The same transitions of the first two agents in every game."""

    def floats(number: int, valid: np.ndarray) -> jax.Array:
        drawn = [np.random.default_rng((number, agent)).uniform(-1, 1, (valid.shape[1], BATCH)).T for agent in range(len(valid))]
        return jnp.asarray(np.stack(drawn, axis=1) * valid, jnp.float32)

    alone = np.ones((spec.agent_count, 1), bool)
    return Transition(
        observation=floats(0, spec.observation_valid),
        action=floats(1, spec.action_valid),
        reward=floats(2, alone)[..., 0],
        discount=(floats(3, alone)[..., 0] > -0.3).astype(jnp.float32),
        next_observation=floats(4, spec.observation_valid),
    )


def play(spec: EnvSpec, critic_view: str) -> Played:
    config = AlgorithmConfig(actor_layers=(4,), critic_layers=(5,), critic_view=critic_view, policy="stochastic", logit_regulariser=0.1)
    algorithm = assemble(config, spec)

    @jax.jit
    def game(key):
        init_key, act_key, random_key, learn_key = jax.random.split(key, 4)
        state, batch = init(algorithm, init_key), transitions(spec)
        learned, metrics = update(algorithm, hyper(algorithm), state, Batches(batch), learn_key)
        observation = batch.observation
        return (
            state,
            act(algorithm, state.actor, observation, act_key),
            act_greedily(algorithm, state.actor, observation),
            act_randomly(algorithm, random_key, BATCH),
            learned,
            metrics,
        )

    return Played(algorithm, *game(jax.random.key(0)))


@pytest.fixture(scope="module")
def alone():
    return {view: play(SMALL, view) for view in ("all", "own")}


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES.keys())
def pair(request, alone):
    """The small game alone, and among padding."""
    spec, view = request.param
    return alone["all" if view == "all" else "own"], play(spec, view)  # each of the two is a team of its own


def true_networks(played: Played, state: TrainState, agent: int) -> list[list[np.ndarray]]:
    """Actor, critics and their targets of an agent, the padding cut away, after checking that the padding is zero."""

    def cut(network, inputs, outputs):
        def one(values, axis, valid):
            assert not np.any(np.compress(~valid, values, axis))
            return np.compress(valid, values, axis)

        weights, biases = [[of(layer)[agent] for layer in network] for of in (weight_of, bias_of)]
        weights[0] = one(weights[0], -2, inputs)
        weights[-1], biases[-1] = one(weights[-1], -1, outputs), one(biases[-1], -1, outputs)
        return weights + biases

    seen = played.algorithm.spec.observation_valid[agent]
    output = np.asarray(output_valid(played.algorithm.layout))[agent]
    joint = np.asarray(played.algorithm.view.input_valid)[agent]
    actors = [cut(network, seen, output) for network in (state.actor, state.target_actor)]
    return actors + [cut(network, joint, np.array([True])) for network in (state.critic, state.target_critic)]


def same(one, other):
    jax.tree.map(lambda left, right: np.testing.assert_allclose(left, right, atol=1e-6), one, other)


@pytest.mark.parametrize("agent", [0, 1])
def test_networks_start_the_same(pair, agent):
    small, padded = pair

    same(true_networks(small, small.first, agent), true_networks(padded, padded.first, agent))


@pytest.mark.parametrize("agent", [0, 1])
def test_agents_act_the_same(pair, agent):
    small, padded = pair
    size = SMALL.agents[agent].action_size

    for kind in ("drawn", "greedy", "random"):
        wide = getattr(padded, kind)[:, agent]
        same(getattr(small, kind)[:, agent, :size], wide[:, :size])
        assert not np.any(wide[:, size:])


@pytest.mark.parametrize("agent", [0, 1])
def test_agents_learn_the_same(pair, agent):
    small, padded = pair

    same(true_networks(small, small.learned, agent), true_networks(padded, padded.learned, agent))
    same({name: value[agent] for name, value in small.metrics.items()}, {name: value[agent] for name, value in padded.metrics.items()})
