"""Action masks: from what an environment gives, over the choices alone, to one over all columns of an agent's action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from maddpg.environments.foreign.spaces import Action
from maddpg.environments.host import describe_value
from maddpg.types import Categorical

KEY = "action_mask"
"""Where PettingZoo's environments put a mask: in the observation, or in the info."""


@dataclass(frozen=True)
class Choices:
    """Which columns of an agent's action are choices."""

    space: gymnasium.Space
    size: int  # columns of the whole action
    columns: np.ndarray  # [choice], in order
    starts: np.ndarray  # [head], the place among them where each head begins


def find_choices(space: gymnasium.Space, action: Action) -> Choices:
    """The choices in an action space, and what it is in our terms."""
    ends = np.cumsum([part.size for part in action.spaces])
    heads = [np.arange(end - part.size, end) for part, end in zip(action.spaces, ends, strict=True) if isinstance(part, Categorical)]
    sizes = [head.size for head in heads]
    return Choices(
        space=space,
        size=action.size,
        columns=np.concatenate([np.zeros(0, int), *heads]),
        starts=np.cumsum([0, *sizes], dtype=int)[: len(heads)],
    )


def read_mask(choices: Choices, given: Any) -> np.ndarray:
    """[action] bool: allowed; true in columns that are no choice.

    Args:
        choices: of the agent.
        given: 0 or 1 for each option of each choice, in one array; or an array for each part, in the structure of the space.

    Raises:
        ValueError: another number of options, or other values; without the agent and the step, which the caller knows.
    """
    flat = np.concatenate([np.zeros(0), *_flatten(given, choices.space)])
    if flat.size != choices.columns.size:
        raise ValueError(
            f"the action mask has {flat.size} values; it must have {choices.columns.size}, "
            f"one for each option of each choice in {describe_value(choices.space)}"
        )
    if not ((flat == 0) | (flat == 1)).all():
        raise ValueError(f"the action mask is {describe_value(given)}; it must hold 1 where an option is allowed, else 0")
    mask = np.ones(choices.size, bool)
    mask[choices.columns] = flat == 1
    return mask


def leaves_nothing(choices: Choices, mask: np.ndarray) -> bool:
    """Whether a mask [action] forbids every option of some choice."""
    return choices.starts.size > 0 and not np.logical_or.reduceat(mask[choices.columns], choices.starts).all()


def first_options(choices: Choices) -> np.ndarray:
    """[action] bool: the mask of one who is not to decide, with a single option in each choice."""
    mask = np.ones(choices.size, bool)
    mask[choices.columns] = False
    mask[choices.columns[choices.starts]] = True
    return mask


def _flatten(given: Any, space: gymnasium.Space | None) -> list[np.ndarray]:
    """The arrays in a mask, in the order of its space; parts without a mask (None, or no key) are left out."""
    if given is None:
        return []
    if isinstance(given, Mapping):
        if not isinstance(space, spaces.Dict):
            raise ValueError(
                f"the action mask is a mapping; in {describe_value(space)} it must be an array, or one for each part in a tuple"
            )
        return [array for key, part in space.spaces.items() if key in given for array in _flatten(given[key], part)]
    if isinstance(given, tuple | list):
        parts: Sequence[gymnasium.Space | None] = [None] * len(given)
        if isinstance(space, spaces.Tuple) and len(space.spaces) == len(given):
            parts = space.spaces
        return [array for value, part in zip(given, parts, strict=True) for array in _flatten(value, part)]
    return [np.asarray(given).ravel()]
