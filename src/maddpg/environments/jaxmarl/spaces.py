"""JaxMARL's spaces in our types: actions as columns, observations as flat vectors."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.types import Box, Categorical, Space


@dataclass(frozen=True)
class ActionCodec:
    """One agent's action space: our columns, and how they become JaxMARL's action."""

    space: Space
    decode: Callable[[jax.Array], jax.Array]
    """[column] -> what `step_env` takes."""
    still: np.ndarray  # [column], doing nothing


def describe_action(space: Any, agent: str, still: int) -> ActionCodec:
    """Discrete is one choice of our columns; Box is [-1, 1] in each column, at whose ends its bounds are reached exactly.

    Args:
        space: JaxMARL's.
        agent: whose, for the error.
        still: the choice that does nothing. In a box it is 0, or the bound nearest to it.

    Raises:
        ValueError: any other space, an empty one, or a bound that is not finite.
    """
    spaces = importlib.import_module("jaxmarl.environments.spaces")
    if isinstance(space, spaces.Discrete) and space.n > 0:
        size, dtype = int(space.n), space.dtype
        return ActionCodec(Categorical(size), lambda row: jnp.argmax(row[:size]).astype(dtype), np.eye(size, dtype=np.float32)[still])
    if isinstance(space, spaces.Box) and np.prod(space.shape) > 0:
        low, high = (np.broadcast_to(np.asarray(bound, np.float32), space.shape).ravel() for bound in (space.low, space.high))
        if np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all():
            return _bounded(low, high, space.shape, space.dtype)
    raise ValueError(
        f"{agent} has the action space {type(space).__name__} {vars(space)}, which is not supported: "
        "Discrete with a choice and Box with finite bounds, low below high, are; choose another action type of this environment"
    )


def _bounded(low: np.ndarray, high: np.ndarray, shape: tuple[int, ...], dtype: Any) -> ActionCodec:
    """The affine map from [-1, 1] onto [low, high]."""
    middle, half = (low + high) / 2, (high - low) / 2

    def decode(row: jax.Array) -> jax.Array:
        column = row[: low.size]
        inside = jnp.clip(middle + half * column, low, high)
        # Rounding may stop short of a bound, which would leave the corner actions out of reach.
        value = jnp.where(column >= 1, high, jnp.where(column <= -1, low, inside))
        return value.reshape(shape).astype(dtype)

    still = (np.clip(0, low, high) - middle) / half
    return ActionCodec(Box((-1.0,) * low.size, (1.0,) * low.size), decode, still.astype(np.float32))


@dataclass(frozen=True)
class ObservationCodec:
    """One agent's observation space: how many columns, and how an observation becomes them."""

    size: int
    encode: Callable[[Any], jax.Array]
    """JaxMARL's observation -> [column] float32."""


def describe_observation(space: Any, example: Any, agent: str) -> ObservationCodec:
    """Discrete is one-hot, MultiDiscrete several of them side by side, and any other array flat.

    Args:
        space: JaxMARL's.
        example: the shape of what the environment really gives; Hanabi declares a number where a shape is due.
        agent: whose, for the error.

    Raises:
        ValueError: observations that are no arrays.
    """
    spaces = importlib.import_module("jaxmarl.environments.spaces")
    if not isinstance(example, jax.ShapeDtypeStruct):
        raise ValueError(f"{agent} observes a {type(example).__name__}, which is not supported: JaxMARL's observations are arrays")
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        counts = [int(count) for count in np.atleast_1d(space.n if isinstance(space, spaces.Discrete) else space.num_categories)]

        def encode(observation: jax.Array) -> jax.Array:
            values = observation.reshape(-1)
            return jnp.concatenate([jax.nn.one_hot(values[place], count, dtype=jnp.float32) for place, count in enumerate(counts)])

        return ObservationCodec(sum(counts), encode)
    return ObservationCodec(int(np.prod(example.shape)), lambda observation: observation.ravel().astype(jnp.float32))
