"""Clipping and Adam of one network."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from maddpg.algorithm.optimisers import clip_each_tensor, optimiser, step
from maddpg.config import AlgorithmConfig

GRADIENTS = {"weight": jnp.array([[3.0, 4.0]]), "bias": jnp.array([0.1])}
"""Norms 5 and 0.1, together the root of 25.01."""


def test_by_tensor_each_is_scaled_by_its_own_norm():
    clipped, _ = clip_each_tensor(0.5).update(GRADIENTS, None)

    np.testing.assert_allclose(clipped["weight"], [[0.3, 0.4]], rtol=1e-6)
    np.testing.assert_allclose(clipped["bias"], [0.1], rtol=1e-6)


def test_a_zero_gradient_stays_zero():
    clipped, _ = clip_each_tensor(0.5).update({"weight": jnp.zeros((2, 2))}, None)

    assert not np.any(clipped["weight"])


@pytest.mark.parametrize(("clip_by", "clipped"), [("agent", np.array([0.1, 3.0, 4.0]) * 0.5 / np.sqrt(25.01)), ("tensor", [0.1, 0.3, 0.4])])
def test_adam_averages_clipped_gradients(clip_by, clipped):
    transformation = optimiser(AlgorithmConfig(gradient_clip=0.5, clip_by=clip_by))

    _, state = step(transformation, jnp.float32(0.1), GRADIENTS, transformation.init(GRADIENTS), GRADIENTS)

    first_moments = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(optax.tree.get(state, "mu"))])
    np.testing.assert_allclose(first_moments, 0.1 * np.asarray(clipped), rtol=1e-5)


def test_the_first_step_is_the_rate_against_the_gradients_sign():
    transformation = optimiser(AlgorithmConfig(gradient_clip=None))

    moved, _ = step(transformation, jnp.float32(0.1), GRADIENTS, transformation.init(GRADIENTS), GRADIENTS)

    np.testing.assert_allclose(moved["weight"], [[3 - 0.1, 4 - 0.1]], rtol=1e-5)
    np.testing.assert_allclose(moved["bias"], [0.1 - 0.1], atol=1e-6)
