"""PettingZoo's environments in which agents act one after the other (AEC), as parallel ones, by PettingZoo's own converters."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import gymnasium
from pettingzoo.utils.conversions import aec_to_parallel, turn_based_aec_to_parallel
from pettingzoo.utils.env import AECEnv


def as_parallel(environment: AECEnv) -> tuple[Any, Callable[[], Hashable] | None]:
    """The parallel environment, and who is to move where that is one agent at a time.

    Where the metadata say `is_parallelizable`, the world moves once when all have acted, and a step is such a round. Else it is a game
    in turns, and a step is one move of one agent. The others look on in that step: they stay alive, see what `observe` shows them, and
    earn what the move earns them, but have nothing to decide (`Parallel` masks all but the first option of each choice; numbers have
    no mask, and theirs are not read). So no reward falls between two moves, and values run through the moves of others.

    Raises:
        ValueError: no metadata to tell the two apart.
    """
    metadata = getattr(environment, "metadata", None)
    if metadata is None:
        kind = type(environment).__name__
        raise ValueError(f"{kind} has no metadata; give it a dictionary with its name and is_parallelizable, as PettingZoo asks")
    if metadata.get("is_parallelizable", False):
        return aec_to_parallel(environment), None
    return Turns(environment), lambda: environment.agent_selection


class Turns:
    """A game in turns, by PettingZoo's converter, with one correction."""

    def __init__(self, environment: AECEnv) -> None:
        self.env = turn_based_aec_to_parallel(environment)
        self.possible_agents = getattr(environment, "possible_agents", ())
        self._game = environment

    @property
    def agents(self) -> list[Hashable]:
        """Who takes part now."""
        return self.env.agents

    def observation_space(self, agent: Hashable) -> gymnasium.Space:
        """What an agent sees."""
        return self.env.observation_space(agent)

    def action_space(self, agent: Hashable) -> gymnasium.Space:
        """What an agent does."""
        return self.env.action_space(agent)

    def reset(self, seed: int | None = None) -> tuple[dict, dict]:
        """Begin an episode: observations and infos by agent."""
        return self.env.reset(seed=seed)

    def step(self, actions: dict) -> tuple[dict, ...]:
        """One move: observations, rewards, terminations, truncations and infos by agent."""
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        if len(self.agents) < len(observations):
            # The converter looks before it takes out those who ended. Then one of these is to move, and the next mover's mask is empty.
            for agent in self.agents:
                observations[agent], infos[agent] = self._game.observe(agent), self._game.infos[agent]
        return observations, rewards, terminations, truncations, infos

    def state(self) -> Any:
        """The environment's own state."""
        return self.env.state()

    def close(self) -> None:
        """Give back what the environment holds."""
        self.env.close()
