"""Between the dictionaries that people handle and the arrays that networks take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from maddpg.environments.contract import Environment
from maddpg.environments.host import HostWorld
from maddpg.names import unknown_name
from maddpg.types import EnvSpec


class Translator:
    """Observations and actions of one environment. For one in Python a copy is made, once its spaces are needed."""

    def __init__(self, environment: Environment | HostWorld) -> None:
        self._environment = environment
        self._copy: Any = None

    @property
    def spec(self) -> EnvSpec:
        """Of the environment."""
        return self._environment.spec

    def pack(self, observations: Mapping[Any, Any], infos: Mapping[Any, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Observation [agent, observation], who has one [agent], and what is allowed [agent, action].

        Args:
            observations: agent -> observation as the environment gives it; on the device, a vector of its true size. An agent is called
                by its name, or by what the environment calls it where that is no text, such as 0.
            infos: agent -> info, with `action_mask` where choices are forbidden: as the environment gives it; on the device, as a row of
                `Availability.action_mask`.

        Raises:
            ValueError: somebody who is no agent, or an observation that does not fit.
        """
        observations, infos = _by_name(observations), _by_name(infos)
        for name in observations:
            if name not in self.spec.names:
                raise ValueError(unknown_name("agent", name, self.spec.names))
        if isinstance(self._environment, HostWorld):
            packed: tuple[np.ndarray, np.ndarray, np.ndarray] = self._open().pack(observations, infos)
            return packed
        rows = np.zeros((self.spec.agent_count, self.spec.observation_width), np.float32)
        for row, agent in zip(rows, self.spec.agents, strict=True):
            if agent.name in observations:
                observation = np.asarray(observations[agent.name], np.float32)
                if observation.shape != (agent.observation_size,):
                    raise ValueError(
                        f"{agent.name}: the observation has shape {observation.shape}; it must have ({agent.observation_size},)"
                    )
                row[: agent.observation_size] = observation
        there = np.array([name in observations for name in self.spec.names])
        allowed = np.ones((self.spec.agent_count, self.spec.action_width), bool)
        for row, agent in zip(allowed, self.spec.agents, strict=True):
            mask = infos.get(agent.name, {}).get("action_mask")
            if mask is not None:
                if np.shape(mask) != (agent.action_size,):
                    raise ValueError(f"{agent.name}: the action mask has shape {np.shape(mask)}; it must have ({agent.action_size},)")
                row[: agent.action_size] = mask
        return rows, there, allowed

    def unpack(self, action: np.ndarray, agents: Sequence[Any]) -> dict[Any, Any]:
        """Agent, called as in `agents` -> action as the environment takes it, from actions [agent, action]."""
        if isinstance(self._environment, HostWorld):
            unpacked: dict[str, Any] = self._open().unpack(action, [str(agent) for agent in agents])
        else:
            unpacked = {agent.name: row[: agent.action_size] for agent, row in zip(self.spec.agents, action, strict=True)}
        return {agent: unpacked[str(agent)] for agent in agents}

    def close(self) -> None:
        """Give back what the copy holds."""
        if self._copy is not None:
            self._copy.close()
            self._copy = None

    def _open(self) -> Any:
        assert isinstance(self._environment, HostWorld)
        if self._copy is None:
            self._copy = self._environment.factory()
        return self._copy


def _by_name(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Values under the names of agents. Raises ValueError for two of one agent, such as 0 and "0"."""
    named = {str(agent): value for agent, value in values.items()}
    if len(named) < len(values):
        raise ValueError(f"two of {', '.join(map(repr, values))} are one agent; give each agent once")
    return named
