"""Action masks: from what an environment gives, over the choices alone, to one over all columns of an agent's action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from maddpg.names import unknown_name
from maddpg.spaces.kinds import Columns, Product, Space
from maddpg.spaces.packing import shorten

KEY = "action_mask"
"""Where PettingZoo's environments put a mask: in the observation, or in the info."""


def read_mask(space: Space, given: Any) -> np.ndarray:
    """[size] bool: allowed; true in columns that are no choice.

    Args:
        space: of the action.
        given: 0 or 1 for each option of each choice (for `Columns`, for each of them), in one array; or, where the space has parts, a mask
            for each part in the same structure, and None, or no key, where all is allowed.

    Raises:
        ValueError: another number of options, other values, or a part that there is not; without the agent and the step, which the caller
            knows.
    """
    if isinstance(space, Product):
        if any(map(_is_message, space.parts)):  # the environment, whose mask it is, knows of none: it is for the part beside it
            return _beside([None if _is_message(part) else given for part in space.parts], space)
        if space.names is not None and isinstance(given, Mapping):
            for name in given:
                if name not in space.names:
                    raise ValueError(unknown_name("part in the action mask", str(name), map(str, space.names)))
            return _beside([given.get(name) for name in space.names], space)
        if space.names is None and isinstance(given, tuple | list) and len(given) == len(space.parts) and _has_parts(given):
            return _beside(given, space)
    mask = np.ones(space.size, bool)
    if given is None:
        return mask
    if isinstance(given, Mapping):
        raise ValueError("the action mask is a mapping; it must be an array, or a tuple with one for each part")
    flat, count = np.concatenate([np.zeros(0), *_flatten(given)]), np.count_nonzero(space.options)
    if flat.size != count:
        raise ValueError(f"the action mask has {flat.size} values; it must have {count}, one for each option of each choice")
    if not ((flat == 0) | (flat == 1)).all():
        raise ValueError(f"the action mask is {shorten(given)}; it must hold 1 where an option is allowed, else 0")
    mask[space.options] = flat == 1
    return mask


def leaves_nothing(space: Space, mask: np.ndarray) -> bool:
    """Whether a mask [size] forbids every option of some choice."""
    return space.firsts.size > 0 and not np.logical_or.reduceat(mask & space.options, space.firsts).all()


def first_options(space: Space) -> np.ndarray:
    """[size] bool: the mask of one who is not to decide, with a single option in each choice."""
    mask = ~space.options
    mask[space.firsts] = True
    return mask


def _is_message(space: Space) -> bool:
    return isinstance(space, Columns) and not space.maskable


def _beside(masks: Sequence[Any], space: Product) -> np.ndarray:
    """One mask for each part, side by side."""
    return np.concatenate([np.zeros(0, bool), *(read_mask(part, given) for part, given in zip(space.parts, masks, strict=True))])


def _has_parts(mask: Sequence[Any]) -> bool:
    """Whether a mask comes in parts, and not as the numbers of one array."""
    return any(part is None or isinstance(part, Mapping | tuple | list) or np.ndim(part) > 0 for part in mask)


def _flatten(mask: Any) -> list[np.ndarray]:
    """The arrays in a mask, in order; None, a part without choices, is left out."""
    if isinstance(mask, tuple | list):
        return [array for part in mask if part is not None for array in _flatten(part)]
    return [np.ravel(mask)]
