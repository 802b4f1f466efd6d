"""Action spaces of Gymnasium as products of ours, side by side in one vector, and the way back from that vector.

Every bounded real column is a Box(-1, 1), whatever the environment's own bounds are; every choice is a Categorical.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from maddpg.environments.host import describe_value
from maddpg.types import Box, Categorical, Space

EXACT_INTEGER = 2**53  # beyond it, 64-bit floats skip whole numbers


@dataclass(frozen=True)
class Action:
    """An agent's action space in our terms."""

    spaces: tuple[Space, ...]
    decode: Callable[[np.ndarray], Any]
    """[at least `size`] -> what the environment takes, in its own type, dtype and shape; columns after `size` are padding."""

    @property
    def size(self) -> int:
        """Number of columns."""
        return sum(space.size for space in self.spaces)


def describe_action(space: gymnasium.Space, agent: str) -> Action:
    """What an action space of Gymnasium is in our terms.

    Parts of a Tuple or Dict stand side by side in Gymnasium's order. A choice is the largest of its columns; a number is mapped from
    [-1, 1] to its bounds, which -1 and 1 and all beyond them reach exactly, and rounded where the space has whole numbers.

    Raises:
        ValueError: a space that is neither bounded nor a choice, or that has no columns; with the agent, the space and the remedy.
    """
    action = _describe(space, agent)
    if not action.spaces:
        raise ValueError(refusal(space, agent, "leaves nothing to decide; give the agent a choice, or take it out of possible_agents"))
    return action


def refusal(space: object, agent: str, reason: str) -> str:
    """One line about an action space that cannot be used."""
    return f"{agent}: the action space {describe_value(space)} {reason}"


def _describe(space: gymnasium.Space, agent: str) -> Action:
    """`describe_action`, for a part that may be empty."""
    match space:
        case spaces.Discrete():
            count, start, kind = int(space.n), int(space.start), np.dtype(space.dtype).type
            return Action((Categorical(count),), lambda row: kind(start + int(np.argmax(row[:count]))))
        case spaces.MultiDiscrete():
            return _choices(space, space.nvec.ravel().tolist(), space.start.ravel())
        case spaces.MultiBinary():
            return _choices(space, [2] * int(np.prod(space.shape)), np.zeros(int(np.prod(space.shape)), space.dtype))
        case spaces.Box():
            return _numbers(space, agent)
        case spaces.Tuple():
            return _product([_describe(part, agent) for part in space.spaces], tuple)
        case spaces.Dict():
            names = tuple(space.spaces)
            parts = [_describe(part, agent) for part in space.spaces.values()]
            return _product(parts, lambda values: dict(zip(names, values, strict=True)))
    raise ValueError(
        refusal(
            space, agent, "is not supported; allowed are Discrete, MultiDiscrete, MultiBinary, bounded Box, and Tuple and Dict of these"
        )
    )


def _choices(space: spaces.MultiDiscrete | spaces.MultiBinary, sizes: Sequence[int], start: np.ndarray) -> Action:
    """Several choices, counted in the order of the flattened array."""
    ends = np.cumsum(sizes, dtype=int)

    def decode(row: np.ndarray) -> np.ndarray:
        chosen = [np.argmax(row[end - size : end]) for size, end in zip(sizes, ends, strict=True)]
        return (start + np.array(chosen, start.dtype)).astype(space.dtype).reshape(space.shape)

    return Action(tuple(Categorical(size) for size in sizes), decode)


def _numbers(space: spaces.Box, agent: str) -> Action:
    """Bounded numbers."""
    size = int(np.prod(space.shape))
    if not size:
        return Action((), lambda _: np.zeros(space.shape, space.dtype))
    low, high = space.low.ravel(), space.high.ravel()
    lowest, highest = low.astype(np.float64), high.astype(np.float64)
    if not (space.is_bounded() and np.isfinite(lowest).all() and np.isfinite(highest).all()):
        raise ValueError(
            refusal(space, agent, "is not bounded; give every column a finite low and high, as RescaleAction or a Box of yours do")
        )
    whole = np.dtype(space.dtype).kind in "biu"
    if whole and max(abs(lowest).max(), abs(highest).max()) > EXACT_INTEGER:
        raise ValueError(refusal(space, agent, "has whole numbers beyond 2**53, more than floats can tell apart; give it closer bounds"))

    def decode(row: np.ndarray) -> np.ndarray:
        place = np.clip(row[:size].astype(np.float64), -1, 1)
        # A weighted mean, since low + share * (high - low) misses the upper bound by a rounding and may overflow.
        value = lowest * ((1 - place) / 2) + highest * ((1 + place) / 2)
        value = np.rint(value) if whole else value
        return np.clip(value, lowest, highest).astype(space.dtype).reshape(space.shape)

    return Action((Box((-1.0,) * size, (1.0,) * size),), decode)


def _product(parts: Sequence[Action], join: Callable[[list[Any]], Any]) -> Action:
    """Parts side by side, put together by `join` on the way back."""
    ends = np.cumsum([part.size for part in parts], dtype=int)

    def decode(row: np.ndarray) -> Any:
        return join([part.decode(row[end - part.size : end]) for part, end in zip(parts, ends, strict=True)])

    return Action(tuple(space for part in parts for space in part.spaces), decode)
