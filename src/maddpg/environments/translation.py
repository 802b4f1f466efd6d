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

    def pack(self, observations: Mapping[str, Any], infos: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Observation [agent, observation], who has one [agent], and what is allowed [agent, action].

        Args:
            observations: name -> observation as the environment gives it; on the device, a vector of its true size.
            infos: name -> info, with `action_mask` where choices are forbidden: as the environment gives it; on the device, as a row of
                `Availability.action_mask`.

        Raises:
            ValueError: somebody who is no agent, or an observation that does not fit.
        """
        for name in observations:
            if name not in self.spec.names:
                raise ValueError(unknown_name("agent", str(name), self.spec.names))
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

    def unpack(self, action: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
        """Name -> action as the environment takes it, from actions [agent, action]."""
        if isinstance(self._environment, HostWorld):
            unpacked: dict[str, Any] = self._open().unpack(action, names)
            return unpacked
        places = {agent.name: (index, agent.action_size) for index, agent in enumerate(self.spec.agents)}
        return {name: action[places[name][0], : places[name][1]] for name in names}

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
