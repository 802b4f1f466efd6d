"""What a parallel environment of PettingZoo says about itself before it is played: agents, spaces, and how long it lasts."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Hashable, Iterator
from typing import Any

import gymnasium
import numpy as np

from maddpg.environments.host import describe_value

LENGTHS = ("max_cycles", "max_steps", "max_iter", "max_iterations", "max_turns", "max_episode_steps", "_max_episode_steps")
"""How environments call the steps after which they truncate: the first in PettingZoo, SISL and mpe2, the last two in Gymnasium."""

INNER = ("env", "aec_env", "unwrapped")
"""Where wrappers and converters keep what they wrap; SISL's environments keep the world itself in the first."""


def find_agents(environment: Any, name: str) -> list[Hashable]:
    """All agents that may ever take part, in order.

    Raises:
        ValueError: none, or one twice.
    """
    agents = list(getattr(environment, "possible_agents", None) or ())
    if not agents:
        raise ValueError(f"{name} has no possible_agents; list there all agents that may ever take part, in a fixed order")
    names = [str(agent) for agent in agents]
    for agent in names:
        if names.count(agent) > 1:
            raise ValueError(f"{name} has {agent} twice in possible_agents; give each agent a name of its own")
    return agents


def check_reset(environment: Any, name: str) -> None:
    """A reset must take a seed, as in all releases since 2022; raises ValueError if it does not."""
    try:
        inspect.signature(environment.reset).bind(seed=0)
    except TypeError as error:
        raise ValueError(f"{name}: reset takes no seed ({error}); define reset(self, seed=None, options=None)") from error


def find_space(environment: Any, kind: str, agent: Hashable) -> gymnasium.Space:
    """The `observation_space` or `action_space` of an agent.

    Raises:
        ValueError: there is none.
    """
    try:
        with warnings.catch_warnings():
            # PettingZoo's default looks into the older dictionaries, and warns each time.
            warnings.simplefilter("ignore")
            space = getattr(environment, kind)(agent)
    except (AttributeError, KeyError, NotImplementedError, TypeError) as error:
        raise ValueError(f"{agent} has no {kind} ({error!r}); define {kind}(agent) for every agent in possible_agents") from error
    if not isinstance(space, gymnasium.Space):
        raise ValueError(f"{agent}: {kind}(agent) gives {describe_value(space)}; it must give a space of gymnasium.spaces")
    return space


def declared_length(environment: Any) -> int | None:
    """The smallest number of steps that the environment, or what it wraps, says it truncates after; None if it says nothing."""
    lengths = []
    for layer in _layers(environment):
        values = [getattr(layer, length, None) for length in LENGTHS]
        values.append(getattr(getattr(layer, "spec", None), "max_episode_steps", None))
        lengths += [int(value) for value in values if isinstance(value, int | np.integer) and not isinstance(value, bool) and value > 0]
    return min(lengths, default=None)


def _layers(environment: Any) -> Iterator[Any]:
    """The environment and all that it wraps."""
    waiting, seen = [environment], set()
    while waiting:
        layer = waiting.pop(0)
        if layer is None or id(layer) in seen:
            continue
        seen.add(id(layer))
        yield layer
        waiting += [getattr(layer, inner, None) for inner in INNER]
