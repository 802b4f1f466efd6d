"""How much noise a deterministic policy explores with, over the course of training."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from maddpg.algorithm.state import Hyper


def exploration_scale(hyper: Hyper, steps: Int[Array, ""]) -> Float[Array, " agent"]:
    """Standard deviation after `steps` environment steps, as a share of half the action's range, falling in a straight line to its end."""
    progress = jnp.minimum(steps / hyper.noise_steps, 1.0)
    return hyper.noise + progress * (hyper.noise_final - hyper.noise)
