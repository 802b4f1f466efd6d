"""What a run starts from."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.acting import act
from maddpg.algorithm.networks import Network
from maddpg.algorithm.state import assemble, init
from maddpg.config import AlgorithmConfig
from maddpg.types import AgentSpec, Box, EnvSpec
from tests.algorithm.layers import weight_of

TWINS = EnvSpec("twins", tuple(AgentSpec(name, "a", 2, (Box((-1.0,), (1.0,)),)) for name in "xy"), 1, 25)


def start(**settings):
    algorithm = assemble(AlgorithmConfig(actor_layers=(4,), critic_layers=(5,), **settings), TWINS)
    return jax.jit(lambda key: init(algorithm, key))(jax.random.key(0))


@pytest.fixture(scope="module")
def copied():
    return start()


def weights(network) -> np.ndarray:
    return weight_of(network[0])


def test_targets_start_as_copies(copied):
    jax.tree.map(np.testing.assert_array_equal, copied.target_actor, copied.actor)
    jax.tree.map(np.testing.assert_array_equal, copied.target_critic, copied.critic)


def test_copies_have_memory_of_their_own():
    # A buffer that stands twice in a donated tree is an error.
    algorithm = assemble(AlgorithmConfig(actor_layers=(), critic_layers=()), TWINS)
    state = init(algorithm, jax.random.key(0))

    jax.jit(lambda state: jax.tree.map(lambda leaf: leaf + 1, state), donate_argnums=0)(state)


def test_independent_targets_have_weights_of_their_own():
    state = start(target_initialisation="independent")

    assert not np.any(weights(state.target_actor) == weights(state.actor))
    assert not np.any(weights(state.target_critic) == weights(state.critic))


def test_no_two_networks_are_the_same(copied):
    actors, critics = weights(copied.actor), weights(copied.critic)

    assert actors.shape[:2] == (2, 1)  # agent, member
    assert critics.shape[:2] == (2, 2)  # agent, twin
    assert len(np.unique(actors)) == actors.size
    assert len(np.unique(critics)) == critics.size


def test_without_twins_there_is_one_critic():
    assert weights(start(twin_critics=False).critic).shape[1] == 1


def test_a_network_of_ones_own_takes_the_perceptrons_place():
    constant = Network(
        init=lambda key, input_valid, output_valid: jnp.zeros(len(output_valid)),
        apply=lambda bias, *blocks: jnp.tile(bias, (len(blocks[0]), 1)),
    )
    algorithm = assemble(AlgorithmConfig(critic_layers=()), TWINS, actor=constant)

    played = act(algorithm, init(algorithm, jax.random.key(0)).actor + 1.0, jnp.zeros((3, 2, 2)), jax.random.key(1))

    np.testing.assert_allclose(played, np.tanh(1.0) * np.ones((3, 2, 1)), rtol=1e-6)
