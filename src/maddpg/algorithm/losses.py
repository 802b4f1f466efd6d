"""The target, the critic's loss and the actor's loss, each for ONE agent; the agent axis comes from `vmap` outside."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def temporal_difference_target(
    reward: Float[Array, " batch"], discount: Float[Array, " batch"], gamma: Float[Array, ""], next_value: Float[Array, "critic batch"]
) -> Float[Array, " batch"]:
    """y = r + gamma * discount * Q'(x', a'_1..a'_N), below Lowe et al. 2017, eq. 6.

    `discount` is 1 - terminated, so a time limit does not cut the value off. Of twin critics the smaller value counts (Fujimoto et
    al. 2018).
    """
    return jax.lax.stop_gradient(reward + gamma * discount * jnp.min(next_value, axis=0))


def critic_loss(
    value: Float[Array, " batch"], target: Float[Array, " batch"], weight: Float[Array, " batch"] | None = None
) -> Float[Array, ""]:
    """L = E[(Q(x, a_1..a_N) - y)^2], Lowe et al. 2017, eq. 6, for one critic."""
    return weighted_mean(jnp.square(value - target), weight)


def actor_loss(
    value: Float[Array, " batch"], penalty: Float[Array, " batch"], weight: Float[Array, " batch"] | None = None
) -> Float[Array, ""]:
    """-E[Q(x, a_1..a_N)] at a_i = mu_i(o_i), whose gradient is Lowe et al. 2017, eq. 5, plus the released code's penalty on outputs."""
    return weighted_mean(penalty - value, weight)


def weighted_mean(values: Float[Array, " batch"], weight: Float[Array, " batch"] | None) -> Float[Array, ""]:
    """The mean of what counts; 0 where nothing does, all counts without weights."""
    if weight is None:
        return jnp.mean(values)
    return jnp.sum(values * weight) / jnp.maximum(jnp.sum(weight), 1.0)
