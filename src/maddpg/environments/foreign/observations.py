"""Observation spaces of Gymnasium as flat vectors, apart from the action mask that PettingZoo's environments put into them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from maddpg.environments.foreign.masks import KEY
from maddpg.environments.host import describe_value


@dataclass(frozen=True)
class Observation:
    """How an agent's observation becomes numbers."""

    size: int
    pack: Callable[[Any], np.ndarray]
    """What the environment gives -> [size]. Raises ValueError, without the agent and the step, for what does not fit the space."""
    masked: bool
    """Whether an action mask comes with it, under its key."""


def describe_observation(space: gymnasium.Space, agent: str) -> Observation:
    """How observations of a space are flattened: a Box as it is, all others by Gymnasium's own function.

    Of a Dict with the key `action_mask`, that is the mask and all the rest is the observation.

    Raises:
        ValueError: a space without columns, or one that Gymnasium cannot flatten; with the agent, the space and the remedy.
    """
    masked = False
    if isinstance(space, spaces.Dict) and KEY in space.spaces:
        masked = True
        space = spaces.Dict([(key, part) for key, part in space.spaces.items() if key != KEY])
    try:
        size = int(spaces.utils.flatdim(space))
    except (ValueError, NotImplementedError):
        raise ValueError(
            f"{agent}: the observation space {describe_value(space)} cannot be flattened; "
            "allowed are Box, Discrete, MultiDiscrete, MultiBinary, and Tuple and Dict of these"
        ) from None
    if not size:
        raise ValueError(
            f"{agent}: the observation space {describe_value(space)} holds no number; give it at least one, a constant if need be"
        )
    return Observation(size, _pack_box(space) if isinstance(space, spaces.Box) else _pack_other(space, size), masked)


def _pack_box(space: spaces.Box) -> Callable[[Any], np.ndarray]:
    """Without the cast to the space's own dtype, which would hide a value that is not finite."""

    def pack(value: Any) -> np.ndarray:
        array = np.asarray(value)
        if array.shape != space.shape:
            raise ValueError(f"the observation has shape {array.shape}; its space says {space.shape}")
        if array.dtype.kind not in "fiub":
            raise ValueError(f"the observation is {describe_value(value)}; it must be an array of numbers")
        return array.ravel()

    return pack


def _pack_other(space: gymnasium.Space, size: int) -> Callable[[Any], np.ndarray]:
    """By Gymnasium's flatten."""

    def pack(value: Any) -> np.ndarray:
        try:
            array: np.ndarray = np.asarray(spaces.utils.flatten(space, value))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"the observation {describe_value(value)} does not fit its space {describe_value(space)} ({error!r})"
            ) from error
        if array.shape != (size,):
            raise ValueError(f"the observation has {array.size} values when flattened; its space {describe_value(space)} says {size}")
        return array

    return pack
