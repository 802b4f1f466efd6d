"""Who plays each agent while others learn, who learns, and whose sub-policy index is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from maddpg.config import AlgorithmConfig, TeamConfig
from maddpg.config.teams import PlayerKind
from maddpg.names import unknown_name
from maddpg.types import EnvSpec


@dataclass(frozen=True)
class Players:
    """Who plays each agent, known when the program is compiled."""

    kinds: tuple[PlayerKind, ...]  # of each agent
    groups: tuple[int, ...]  # of each agent: agents of one group play sub-policies of one index in an episode

    @property
    def learners(self) -> tuple[int, ...]:
        """The agents that learn. Critics and optimisers have a row for each of these, and no others."""
        return tuple(agent for agent, kind in enumerate(self.kinds) if kind == "learning")

    @property
    def all_learn(self) -> bool:
        """Whether there is nobody else, as in the paper's Algorithm 1."""
        return len(self.learners) == len(self.kinds)

    @property
    def group_count(self) -> int:
        """Number of groups that draw an index of their own."""
        return max(self.groups) + 1

    def who(self, *kinds: PlayerKind) -> np.ndarray:
        """[agent] bool: those that are played by one of `kinds`."""
        return np.array([kind in kinds for kind in self.kinds])


def assign_players(config: AlgorithmConfig, spec: EnvSpec, teams: Mapping[str, TeamConfig]) -> Players:
    """The players that `teams` asks for; who is not named learns.

    Raises:
        ValueError: a team that does not exist, or nobody who learns.
    """
    for name in teams:
        if name not in spec.teams:
            raise ValueError(unknown_name("team", name, spec.teams))
    kinds = tuple(teams[agent.team].player if agent.team in teams else "learning" for agent in spec.agents)
    if "learning" not in kinds:
        raise ValueError(f"nobody learns: every team is {' or '.join(sorted(set(kinds)))}; let one of {', '.join(spec.teams)} be learning")
    by_team = tuple(spec.teams.index(agent.team) for agent in spec.agents)
    return Players(kinds, by_team if config.ensemble_index == "team" else tuple(range(spec.agent_count)))
