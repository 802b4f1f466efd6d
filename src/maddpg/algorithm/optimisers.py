"""Clipping and Adam for ONE network. Under `vmap` over agents and critics nothing couples them: each has its own norm and moments."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from maddpg.config import AlgorithmConfig
from maddpg.types import PyTree


def optimiser(config: AlgorithmConfig) -> optax.GradientTransformation:
    """Clipped gradients through Adam's moments, without the learning rate, which is traced (`step`)."""
    adam = optax.flatten(optax.scale_by_adam())  # one vector of moments: one short program, whatever the number of layers
    if config.gradient_clip is None:
        return adam
    clip = optax.clip_by_global_norm(config.gradient_clip) if config.clip_by == "agent" else clip_each_tensor(config.gradient_clip)
    return optax.chain(clip, adam)


def clip_each_tensor(largest: float) -> optax.GradientTransformation:
    """Each tensor scaled down to norm `largest` by itself, as the released code does; ports that take one norm of all differ."""

    def clip(gradient: jax.Array) -> jax.Array:
        return gradient * jnp.minimum(1.0, largest / jnp.maximum(jnp.linalg.norm(gradient.ravel()), 1e-30))

    return optax.stateless(lambda gradients, _: jax.tree.map(clip, gradients))


def step(
    transformation: optax.GradientTransformation, rate: Float[Array, ""], gradients: PyTree, state: PyTree, parameters: PyTree
) -> tuple[PyTree, PyTree]:
    """One optimiser step of one network: (parameters, optimiser state)."""
    direction, state = transformation.update(gradients, state, parameters)
    return jax.tree.map(lambda parameter, change: parameter - rate * change, parameters, direction), state
