"""From a configuration to its environment."""

from __future__ import annotations

import inspect
from dataclasses import replace

from maddpg.config import Config
from maddpg.environments import particles as particle_environments
from maddpg.environments.contract import Environment
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
    """The environment of a configuration; it does not reset by itself. Raises as `resolve` does."""
    return particle_environments.make(config.environment, **config.world.given())


def describe_environments() -> list[tuple[EnvSpec, str, tuple[str, ...]]]:
    """Specification, what it is about, and action modes of every environment that can be trained in by name."""
    rows: list[tuple[EnvSpec, str, tuple[str, ...]]] = []
    for name, make in SCENARIOS.items():
        scenario = make_scenario(name)
        about = (inspect.getdoc(inspect.getmodule(make)) or name).splitlines()[0]
        rows.append((particle_environments.from_scenario(scenario).spec, about.removeprefix(name).lstrip(": "), scenario.action_modes))
    return rows
