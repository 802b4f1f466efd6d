"""Teams of different runs against each other."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.state import assemble
from maddpg.evaluation.crossing import cross
from maddpg.evaluation.rollout import make_rollout
from tests.evaluation.game import ACTORS, ALGORITHM, GAME, SPEC

EPISODES = 8
KEY = jax.random.key(3)


@pytest.fixture(scope="module")
def crossed():
    return np.asarray(cross(ALGORITHM, GAME, {"left": ACTORS, "right": ACTORS}, EPISODES, KEY))


def mixed(left: int, right: int):
    """The first agent of one seed with the second agent of another."""
    return jax.tree.map(lambda leaf: jnp.stack([leaf[left, 0], leaf[right, 1]])[None], ACTORS)


def test_every_seed_meets_every_seed(crossed):
    seeds = len(jax.tree.leaves(ACTORS)[0])
    rollout = make_rollout(ALGORITHM, GAME, EPISODES)

    assert crossed.shape == (seeds, seeds, EPISODES, 2)
    for left in range(seeds):
        for right in range(seeds):
            expected = rollout(mixed(left, right), jnp.zeros((1, 2), jnp.int32), KEY[None]).returns[0]
            np.testing.assert_array_equal(crossed[left, right], expected)


def test_the_seeds_play_differently(crossed):
    """Or the test above would prove little."""
    assert not np.array_equal(crossed[0, 0], crossed[1, 0])
    assert not np.array_equal(crossed[0, 0], crossed[0, 1])


def test_a_single_policy_meets_an_ensemble_as_an_ensemble_of_equals(crossed):
    ensemble = assemble(replace(ALGORITHM.config, ensemble_size=2), SPEC)
    twice = jax.tree.map(lambda leaf: jnp.repeat(leaf, 2, axis=2), ACTORS)

    against = np.asarray(cross(ensemble, GAME, {"left": ACTORS, "right": twice}, EPISODES, KEY))

    np.testing.assert_allclose(against, crossed, rtol=1e-6)
