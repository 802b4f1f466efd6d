"""From a configuration to its environment."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace

from maddpg.config import Config, TeamConfig
from maddpg.environments import particles as particle_environments
from maddpg.environments.channel import with_channel
from maddpg.environments.contract import Environment
from maddpg.names import unknown_name
from maddpg.particles import SCENARIOS, make_scenario
from maddpg.types import EnvSpec


def resolve(config: Config) -> Config:
    """The configuration with what it left to the environment filled in: the plain name, and the action mode.

    Raises:
        ValueError: an environment that does not exist (with the nearest name), or a setting that it does not have.
    """
    scenario = make_scenario(config.environment, **config.world.given())
    return replace(config, environment=scenario.name, world=replace(config.world, action_mode=scenario.action_mode))


def make_environment(config: Config) -> Environment:
    """The environment of a configuration, with its teams and its channel; it does not reset by itself. Raises as `resolve` does."""
    environment = particle_environments.make(config.environment, **config.world.given())
    environment = replace(environment, spec=regroup(environment.spec, config.teams))
    return with_channel(environment, config.channel)


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


def describe_environments() -> list[tuple[EnvSpec, str, tuple[str, ...]]]:
    """Specification, what it is about, and action modes of every environment that can be trained in by name."""
    rows: list[tuple[EnvSpec, str, tuple[str, ...]]] = []
    for name, make in SCENARIOS.items():
        scenario = make_scenario(name)
        about = (inspect.getdoc(inspect.getmodule(make)) or name).splitlines()[0]
        rows.append((particle_environments.from_scenario(scenario).spec, about.removeprefix(name).lstrip(": "), scenario.action_modes))
    return rows
