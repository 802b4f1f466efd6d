"""Observation spaces of Gymnasium as flat vectors, apart from the action mask that PettingZoo's environments put into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from maddpg.environments.foreign.spaces import describe
from maddpg.environments.host import describe_value
from maddpg.spaces.kinds import Columns, Numbers, Space, leaves
from maddpg.spaces.masks import KEY
from maddpg.spaces.packing import pack


@dataclass(frozen=True)
class Observation:
    """How an agent's observation becomes numbers."""

    space: Space  # without the action mask
    masked: bool  # whether an action mask comes with it, under its key
    flattened: gymnasium.Space | None  # the whole space, where some part of it is flattened by Gymnasium

    @property
    def size(self) -> int:
        """Number of columns."""
        return self.space.size

    def pack(self, value: Any) -> np.ndarray:
        """[size] float32 from what the environment gives. Raises as `maddpg.spaces.packing.pack`."""
        return pack(self.space, value if self.flattened is None else _flatten_rest(self.flattened, value))


def describe_observation(space: gymnasium.Space, agent: str) -> Observation:
    """How observations of a space become numbers. What has neither numbers nor choices in it (Text, OneOf) is flattened by Gymnasium.

    Of a Dict with the key `action_mask`, that is the mask and all the rest is the observation.

    Raises:
        ValueError: a space without columns, or one that Gymnasium cannot flatten; with the agent, the space and the remedy.
    """
    masked = isinstance(space, spaces.Dict) and KEY in space.spaces
    if isinstance(space, spaces.Dict) and masked:
        space = spaces.Dict([(key, part) for key, part in space.spaces.items() if key != KEY])
    try:
        described = describe(space, _describe_rest)
    except (ValueError, NotImplementedError):
        raise ValueError(
            f"{agent}: the observation space {describe_value(space)} cannot be flattened; "
            "allowed are Box, Discrete, MultiDiscrete, MultiBinary, and Tuple and Dict of these"
        ) from None
    if not described.size:
        raise ValueError(
            f"{agent}: the observation space {describe_value(space)} holds no number; give it at least one, a constant if need be"
        )
    return Observation(described, masked, space if any(isinstance(leaf, Columns) for _, leaf in leaves(described)) else None)


def _describe_rest(space: gymnasium.Space) -> Space:
    """Numbers as they are, whatever their bounds; columns where it takes Gymnasium to flatten them."""
    if isinstance(space, spaces.Box | spaces.MultiBinary):
        return Numbers(space.shape, np.dtype(space.dtype).name)
    return Columns(int(spaces.utils.flatdim(space)))


def _flatten_rest(space: gymnasium.Space, value: Any) -> Any:
    """An observation with those parts flattened that are columns; what does not fit in structure stays as it is, to be refused."""
    match space:
        case spaces.Box() | spaces.Discrete() | spaces.MultiDiscrete() | spaces.MultiBinary():
            return value
        case spaces.Tuple():
            fits = isinstance(value, tuple | list) and len(value) == len(space.spaces)
            return tuple(map(_flatten_rest, space.spaces, value)) if fits else value
        case spaces.Dict():
            fits = isinstance(value, Mapping)
            return {name: _flatten_rest(part, value[name]) for name, part in space.spaces.items() if name in value} if fits else value
    try:
        return spaces.utils.flatten(space, value)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the observation {describe_value(value)} does not fit its space {describe_value(space)} ({error!r})") from error
