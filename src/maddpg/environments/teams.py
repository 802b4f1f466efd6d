"""Which team an agent is on: by its name, or by the user's word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from maddpg.config import TeamConfig
from maddpg.names import unknown_name
from maddpg.types import EnvSpec


def team_of(name: str) -> str:
    """The team in an agent's name: what stands before a number at its end (`adversary_0`), else the whole; `agent` for bare numbers."""
    return "agent" if name.isdecimal() else re.sub(r"(?<=.)_\d+$", "", name)


def regroup(spec: EnvSpec, teams: Mapping[str, TeamConfig]) -> EnvSpec:
    """The specification with the agents on the teams that name them; the others stay where they are.

    Raises:
        ValueError: an agent that does not exist, or that two teams name.
    """
    team_of: dict[str, str] = {}
    for team, settings in teams.items():
        for name in settings.agents or ():
            if name not in spec.names:
                raise ValueError(unknown_name(f"agent of team {team}", name, spec.names))
            if name in team_of:
                raise ValueError(f"{name} is on team {team_of[name]} and on team {team}; name it in one of them")
            team_of[name] = team
    return replace(spec, agents=tuple(replace(agent, team=team_of.get(agent.name, agent.team)) for agent in spec.agents))
