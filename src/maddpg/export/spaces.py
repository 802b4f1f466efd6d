"""What agents see and do, described so that it can be written down: from an environment to `maddpg.policy.spaces`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from maddpg.environments.contract import Environment
from maddpg.environments.host import HostEnvironment, HostWorld, describe_value
from maddpg.environments.host_channel import Talking
from maddpg.policy.description import Masks
from maddpg.policy.spaces import Choices, Columns, Numbers, Product, Space
from maddpg.types import EnvSpec


@dataclass(frozen=True)
class Spaces:
    """Of one agent."""

    observation: Space
    action: Space
    action_mask: Masks


def describe_spaces(environment: Environment | HostWorld) -> dict[str, Spaces]:
    """Every agent's spaces by its name. One in Python is made, looked at and closed.

    Raises:
        ValueError: a space that cannot be written down.
    """
    if isinstance(environment, Environment):
        return _columns(environment.spec)
    made = environment.factory()
    try:
        return _describe_host(environment.spec, made)
    finally:
        made.close()


def _columns(spec: EnvSpec) -> dict[str, Spaces]:
    """Worlds on the device: vectors in and out."""
    masks: Masks = "given" if spec.masked else "none"
    return {agent.name: Spaces(Columns(agent.observation_size), Columns(agent.action_size), masks) for agent in spec.agents}


def _describe_host(spec: EnvSpec, made: HostEnvironment) -> dict[str, Spaces]:
    if isinstance(made, Talking):
        inner = _describe_host(made.inner.spec, made.inner)
        return {agent.name: _with_messages(inner[agent.name], agent.observation_size, agent.action_size) for agent in spec.agents}
    from maddpg.environments.foreign.parallel import Parallel

    if not isinstance(made, Parallel):
        return _columns(spec)
    declared = made.declared_spaces()
    return {agent: _describe_agent(agent, *declared[agent], spec.masked) for agent in spec.names}


def _with_messages(spaces: Spaces, observation_size: int, action_size: int) -> Spaces:
    """With what a channel adds: the mail after the observation, the message after the action, each as columns."""
    mail, message = observation_size - spaces.observation.size, action_size - spaces.action.size
    return Spaces(
        Product((spaces.observation, Columns(mail))) if mail else spaces.observation,
        Product((spaces.action, Columns(message))) if message else spaces.action,
        # Beside mail, a mask within the observation is out of sight.
        "given" if mail and spaces.action_mask == "observed" else spaces.action_mask,
    )


def _describe_agent(agent: str, observation: Any, action: Any, masked: bool) -> Spaces:
    from gymnasium import spaces

    from maddpg.environments.foreign.masks import KEY

    masks: Masks = "given" if masked else "none"
    if isinstance(observation, spaces.Dict) and KEY in observation.spaces:
        masks = "observed"
        observation = spaces.Dict([(name, part) for name, part in observation.spaces.items() if name != KEY])
    return Spaces(describe_space(observation, agent, False), describe_space(action, agent, True), masks)


def describe_space(space: Any, agent: str, is_action: bool) -> Space:
    """A space of Gymnasium. What it has of observations that we cannot flatten without it comes as columns, flattened by the caller.

    Raises:
        ValueError: parts under names that are no text.
    """
    from gymnasium import spaces

    match space:
        case spaces.Discrete():
            return Choices((), np.dtype(space.dtype).name, (int(space.n),), (int(space.start),))
        case spaces.MultiDiscrete():
            sizes, starts = (tuple(map(int, array.ravel())) for array in (space.nvec, space.start))
            return Choices(space.shape, np.dtype(space.dtype).name, sizes, starts)
        case spaces.MultiBinary() if is_action:
            count = int(np.prod(space.shape))
            return Choices(space.shape, np.dtype(space.dtype).name, (2,) * count, (0,) * count)
        case spaces.Box() if is_action:
            low, high = (tuple(map(float, bound.ravel())) for bound in (space.low, space.high))
            return Numbers(space.shape, np.dtype(space.dtype).name, low, high)
        case spaces.Box() | spaces.MultiBinary():
            return Numbers(space.shape, np.dtype(space.dtype).name)
        case spaces.Tuple():
            return Product(tuple(describe_space(part, agent, is_action) for part in space.spaces))
        case spaces.Dict():
            return _named(space.spaces, agent, is_action)
    return Columns(int(spaces.utils.flatdim(space)))


def _named(parts: Mapping[Any, Any], agent: str, is_action: bool) -> Product:
    for name in parts:
        if not isinstance(name, str):
            raise ValueError(
                f"{agent}: its space has a part called {describe_value(name)}, of type {type(name).__name__}; only text can be written "
                "down as a name"
            )
    return Product(tuple(describe_space(part, agent, is_action) for part in parts.values()), tuple(parts))
