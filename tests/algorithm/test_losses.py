"""The target and the two losses, on numbers worked by hand."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.losses import actor_loss, critic_loss, temporal_difference_target, weighted_mean

REWARD = jnp.array([1.0, 2.0])
GAMMA = jnp.float32(0.9)


def test_the_target_of_a_step_that_goes_on_has_the_next_value_and_that_of_a_terminated_one_has_not():
    target = temporal_difference_target(REWARD, jnp.array([1.0, 0.0]), GAMMA, jnp.array([[10.0, 10.0]]))

    np.testing.assert_allclose(target, [1 + 0.9 * 10, 2.0])


def test_of_twin_critics_each_transition_takes_the_smaller_value():
    target = temporal_difference_target(REWARD, jnp.ones(2), GAMMA, jnp.array([[10.0, -20.0], [4.0, 30.0]]))

    np.testing.assert_allclose(target, [1 + 0.9 * 4, 2 - 0.9 * 20])


def test_no_gradient_flows_through_the_target():
    gradient = jax.grad(lambda value: jnp.sum(temporal_difference_target(REWARD, jnp.ones(2), GAMMA, value)))(jnp.ones((1, 2)))

    assert not np.any(gradient)


def test_the_critics_loss_is_the_mean_squared_error():
    loss, gradient = jax.value_and_grad(critic_loss)(jnp.array([1.0, 3.0]), jnp.array([0.0, 1.0]))

    np.testing.assert_allclose(loss, (1 + 4) / 2)
    np.testing.assert_allclose(gradient, [1.0, 2.0])


def test_the_actor_climbs_the_value_and_pays_for_its_outputs():
    loss, gradient = jax.value_and_grad(actor_loss)(jnp.array([1.0, 3.0]), jnp.array([0.25, 0.75]))

    np.testing.assert_allclose(loss, -2 + 0.5)
    np.testing.assert_allclose(gradient, [-0.5, -0.5])


def test_rows_of_no_weight_count_for_nothing():
    weight = jnp.array([1.0, 0.0, 1.0])

    loss, gradient = jax.value_and_grad(critic_loss)(jnp.array([1.0, 50.0, 3.0]), jnp.array([0.0, 7.0, 1.0]), weight)
    np.testing.assert_allclose(loss, (1 + 4) / 2)
    np.testing.assert_allclose(gradient, [1.0, 0.0, 2.0])

    loss, gradient = jax.value_and_grad(actor_loss)(jnp.array([1.0, 50.0, 3.0]), jnp.array([0.25, 9.0, 0.75]), weight)
    np.testing.assert_allclose(loss, -2 + 0.5)
    np.testing.assert_allclose(gradient, [-0.5, 0.0, -0.5])


def test_a_mean_of_nothing_is_zero():
    value, gradient = jax.value_and_grad(weighted_mean)(jnp.array([1.0, 3.0]), jnp.zeros(2))

    assert value == 0
    assert not np.any(gradient)
