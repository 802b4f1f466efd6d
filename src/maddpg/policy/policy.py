"""Policies that act: the actor of one agent, and those of a team by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from maddpg.names import unknown_name
from maddpg.policy import heads
from maddpg.policy.description import Description
from maddpg.policy.network import Network
from maddpg.spaces.masks import KEY, read_mask
from maddpg.spaces.packing import pack, unpack


@dataclass(frozen=True)
class Policy:
    """The actor of one agent, from its own observation to its action."""

    description: Description
    network: Network
    """Observations [batch, size] float32 -> outputs [member, batch, output] float32."""

    @property
    def agent(self) -> str:
        """Whose actor it is."""
        return self.description.agent

    def act(
        self, observation: Any, deterministic: bool = True, action_mask: Any = None, generator: np.random.Generator | None = None
    ) -> Any:
        """The action for one observation, each as the environment has it.

        Args:
            observation: for worlds on the device a vector; else as its space says, with or without the key `action_mask`.
            deterministic: the most likely action; else one drawn from the policy.
            action_mask: where choices are forbidden and the observation does not say so: 1 for what is allowed, as the environment gives
                it; on the device, for every column of the action.
            generator: what is drawn with, needed where the action is drawn.

        Raises:
            ValueError: an observation or a mask that does not fit, or a drawn action of several networks' mean.
        """
        described = self.description
        try:
            with np.errstate(over="ignore"):  # told below, as infinite
                row = pack(described.observation, observation)
            if described.action_mask == "observed" and action_mask is None:
                if KEY not in observation:
                    raise ValueError(f"the observation has no {KEY}, though its space has; give one in every observation")
                action_mask = observation[KEY]
            mask = None if action_mask is None else read_mask(described.action, action_mask)
        except ValueError as error:
            raise ValueError(f"{self.agent}: {error}") from error
        columns = self.act_in_columns(row[None], deterministic, None if mask is None else mask[None], generator)
        return unpack(described.action, columns[0])

    def act_in_columns(
        self,
        observations: np.ndarray,
        deterministic: bool = True,
        allowed: np.ndarray | None = None,
        generator: np.random.Generator | None = None,
    ) -> np.ndarray:
        """Many actions at once: columns [batch, action] float32, for observations [batch, size] in columns.

        `allowed` [batch, action] is true where a choice may be taken, and in all other columns. Otherwise as `act`.
        """
        described = self.description
        observations = np.asarray(observations, np.float32)
        self._require_fit(observations, allowed)
        if deterministic:
            return heads.greedy(described.heads, heads.forbid(described.heads, self.network(observations), allowed))
        if described.members > 1:
            raise ValueError(f"{self.agent}: the mean of {described.members} networks has one action, and none to draw; export one of them")
        if generator is None:
            raise ValueError(f"{self.agent}: a drawn action needs a generator, such as numpy.random.default_rng(0)")
        return heads.draw(described.heads, heads.forbid(described.heads, self.network(observations)[0], allowed), generator)

    def _require_fit(self, observations: np.ndarray, allowed: np.ndarray | None) -> None:
        size, width = self.description.observation.size, self.description.action.size
        if observations.ndim != 2 or observations.shape[1] != size:
            raise ValueError(f"{self.agent}: observations have shape {observations.shape}; it must be (batch, {size})")
        if not np.isfinite(observations).all():
            place, column = np.argwhere(~np.isfinite(observations))[0].tolist()
            raise ValueError(f"{self.agent}: the observation is {observations[place, column]} in column {column}; it must be finite")
        if allowed is None:
            return
        if allowed.shape != (len(observations), width):
            raise ValueError(f"{self.agent}: the mask has shape {allowed.shape}; it must have {(len(observations), width)}")
        if any(heads.empty_head(self.description.heads, row) for row in allowed):
            raise ValueError(f"{self.agent}: the action mask forbids every option of a choice; allow one")


class Policies(Mapping[str, Policy]):
    """The actors of several agents by name."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._policies = dict(policies)

    def __getitem__(self, agent: Any) -> Policy:
        if str(agent) not in self._policies:
            raise KeyError(unknown_name("agent", str(agent), self._policies))
        return self._policies[str(agent)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)

    def __repr__(self) -> str:
        return f"Policies({', '.join(self._policies)})"

    def act(
        self,
        observations: Mapping[Any, Any],
        deterministic: bool = True,
        action_masks: Mapping[Any, Any] | None = None,
        generator: np.random.Generator | None = None,
    ) -> dict[Any, Any]:
        """Agent -> action, for those who have an observation; arguments by agent, else as in `Policy.act`.

        An agent is called by its name, or by what its environment calls it where that is no text, such as 0.
        """
        masks = {str(agent): mask for agent, mask in (action_masks or {}).items()}
        for agent in map(str, (*observations, *masks)):
            if agent not in self._policies:
                raise ValueError(unknown_name("agent", agent, self._policies))
        return {agent: self[agent].act(seen, deterministic, masks.get(str(agent)), generator) for agent, seen in observations.items()}
