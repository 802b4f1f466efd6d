"""When and how far target networks move."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from maddpg.types import PyTree


def boundaries_passed(
    interval: Int[Array, ""], by_episodes: Bool[Array, ""], updates: Int[Array, ""], episodes: Int[Array, ""]
) -> Int[Array, ""]:
    """How many times a target's interval has gone by, counted in learning steps or in completed episodes.

    A target is due when this has grown since it last moved: however many boundaries went by in between, it moves once.
    """
    return jnp.where(by_episodes, episodes, updates) // interval


def move_target(online: PyTree, target: PyTree, tau: Float[Array, ""], due: Bool[Array, ""]) -> PyTree:
    """theta' <- tau * theta + (1 - tau) * theta' where `due`, the last line of Lowe et al. 2017, Algorithm 1, for one agent.

    One traced rule serves soft targets (tau < 1, always due) and hard copies (tau = 1, due now and then).
    """
    share = jnp.where(due, tau, 0.0)
    return jax.tree.map(lambda new, old: share * new + (1 - share) * old, online, target)
