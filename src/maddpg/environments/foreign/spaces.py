"""Spaces of Gymnasium in our terms, those of `maddpg.spaces`, from which all else follows.

Every bounded real column of an action is one of a Box(-1, 1), whatever the environment's own bounds are; every choice is a Categorical.
"""

from __future__ import annotations

from collections.abc import Callable

import gymnasium
import numpy as np
from gymnasium import spaces

from maddpg import types
from maddpg.environments.host import describe_value
from maddpg.spaces.kinds import Choices, Columns, Numbers, Product, Space, leaves

EXACT_INTEGER = 2**53  # beyond it, 64-bit floats skip whole numbers


def describe_action(space: gymnasium.Space, agent: str) -> Space:
    """What an action space of Gymnasium is in our terms. Parts of a Tuple or Dict stand side by side in Gymnasium's order.

    Raises:
        ValueError: a space that is neither bounded nor a choice, or that has no columns; with the agent, the space and the remedy.
    """

    def describe_rest(part: gymnasium.Space) -> Space:
        match part:
            case spaces.MultiBinary():
                count = int(np.prod(part.shape))
                return Choices(part.shape, _name_type(part), (2,) * count, (0,) * count)
            case spaces.Box():
                return _describe_bounded(part, agent)
        allowed = "allowed are Discrete, MultiDiscrete, MultiBinary, bounded Box, and Tuple and Dict of these"
        raise ValueError(refusal(part, agent, f"is not supported; {allowed}"))

    described = describe(space, describe_rest)
    if not described.size:
        raise ValueError(refusal(space, agent, "leaves nothing to decide; give the agent a choice, or take it out of possible_agents"))
    return described


def describe(space: gymnasium.Space, describe_rest: Callable[[gymnasium.Space], Space]) -> Space:
    """What a space is in our terms; `describe_rest` says it of those where an action differs from an observation."""
    match space:
        case spaces.Discrete():
            return Choices((), _name_type(space), (int(space.n),), (int(space.start),))
        case spaces.MultiDiscrete():
            sizes, starts = (tuple(map(int, array.ravel())) for array in (space.nvec, space.start))
            return Choices(space.shape, _name_type(space), sizes, starts)
        case spaces.Tuple():
            return Product(tuple(describe(part, describe_rest) for part in space.spaces))
        case spaces.Dict():
            return Product(tuple(describe(part, describe_rest) for part in space.spaces.values()), tuple(space.spaces))
    return describe_rest(space)


def action_heads(action: Space) -> tuple[types.Space, ...]:
    """The spaces of `AgentSpec.action`, side by side in the order of columns."""
    heads: list[types.Space] = []
    for _, leaf in leaves(action):
        assert not isinstance(leaf, Columns), "an action of an environment in Python says what its columns are"
        if isinstance(leaf, Choices):
            heads += map(types.Categorical, leaf.sizes)
        elif leaf.size:
            heads.append(types.Box((-1.0,) * leaf.size, (1.0,) * leaf.size))
    return tuple(heads)


def refusal(space: object, agent: str, reason: str) -> str:
    """One line about an action space that cannot be used."""
    return f"{agent}: the action space {describe_value(space)} {reason}"


def _describe_bounded(space: spaces.Box, agent: str) -> Numbers:
    low, high = (tuple(map(float, bound.ravel())) for bound in (space.low, space.high))
    numbers = Numbers(space.shape, _name_type(space), low, high)
    if not np.isfinite(numbers.bounds).all():
        raise ValueError(
            refusal(space, agent, "is not bounded; give every column a finite low and high, as RescaleAction or a Box of yours do")
        )
    if numbers.whole and np.abs(numbers.bounds).max(initial=0) > EXACT_INTEGER:
        raise ValueError(refusal(space, agent, "has whole numbers beyond 2**53, more than floats can tell apart; give it closer bounds"))
    return numbers


def _name_type(space: gymnasium.Space) -> str:
    return np.dtype(space.dtype).name
