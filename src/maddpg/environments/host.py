"""The contract of environments in Python: NumPy arrays in the layout of an `EnvSpec`, one step at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from maddpg.types import EnvSpec


@dataclass(frozen=True)
class HostStep:
    """What a reset or a step led to. Rows of agents that are absent are zeros.

    The episode is over when nobody is alive; nothing starts again by itself.
    """

    observation: np.ndarray  # [agent, observation] float32; of those who ended with this step, their last one
    state: np.ndarray  # [state] float32, empty where the environment has none
    reward: np.ndarray  # [agent] float32
    terminated: np.ndarray  # [agent] bool, with this step: no value beyond it
    truncated: np.ndarray  # [agent] bool, with this step: a time limit, the value goes on
    alive: np.ndarray  # [agent] bool: acts next
    action_mask: np.ndarray  # [agent, action] bool, as in `Availability`


@runtime_checkable
class HostEnvironment(Protocol):
    """One environment in Python, with actions and observations as padded arrays."""

    @property
    def spec(self) -> EnvSpec:
        """Names, teams and sizes of its agents; `mortal` if any agent may end before the others."""
        ...

    def reset(self, seed: int | None) -> HostStep:
        """Begin an episode; with a seed, the same one each time."""
        ...

    def step(self, action: np.ndarray) -> HostStep:
        """One step with actions [agent, action], each agent's spaces side by side (`AgentSpec.action`); rows of the absent are not read."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


HostFactory = Callable[[], HostEnvironment]
"""Makes one more of the same environment. Worker processes call it too."""


@dataclass(frozen=True)
class HostWorld:
    """An environment in Python, before any is made."""

    spec: EnvSpec
    factory: HostFactory


class BadEnvironment(ValueError):
    """An environment breaks its own contract: the agent, the step and the remedy, in one line. Training cannot go on with it."""


def describe_value(value: Any) -> str:
    """A value for an error message, on one short line."""
    text = " ".join(str(value).split())
    return text if len(text) <= 120 else f"{text[:117]}..."
