"""From a configuration to its environment: which kind of name it is, and who makes it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax

from maddpg.config import Config, HostConfig, WorldConfig
from maddpg.environments import particles as particle_environments
from maddpg.environments.channel import with_channel
from maddpg.environments.contract import Environment
from maddpg.environments.foreign import adapt, as_factory, find_factory, is_factory
from maddpg.environments.foreign.calling import call
from maddpg.environments.host import HostWorld
from maddpg.environments.host_channel import with_host_channel
from maddpg.environments.mistakes import describe_mistake, is_refusal
from maddpg.environments.mpe2 import VERSIONS
from maddpg.environments.teams import regroup
from maddpg.names import or_your_own
from maddpg.particles import SCENARIOS, make_scenario, scenario_name
from maddpg.types import EnvSpec


@dataclass(frozen=True)
class Typed:
    """An environment that somebody typed, and so trusts: the only way in which code of one's own is ever imported.

    `make` takes the configuration's arguments and returns an `Environment` of ours, or one of PettingZoo's or Gymnasium's.
    """

    name: str
    make: Callable[..., Any]


OWN = "python:environment"
"""What an environment is called that was given as an object in Python, not by a name."""


def read_environment(name: str) -> Typed | None:
    """The factory of a name that was typed, if it is one (`package.module:factory`); None for all others.

    Raises:
        ValueError: it cannot be imported, or is nothing that can be called.
    """
    if not is_factory(name):
        return None
    from maddpg.environments.foreign import import_factory

    return Typed(name, import_factory(name))


def resolve(config: Config) -> Config:
    """The configuration with what it left to the environment filled in: the plain name or mpe2's version, and the action mode.

    Raises:
        ValueError: an environment that does not exist (with the nearest name), or a setting that it does not have.
    """
    if not is_particle_world(config):
        return replace(config, environment=full_name(config.environment))
    try:
        scenario_name(config.environment)
    except ValueError as error:
        raise ValueError(f"{error}; {or_your_own(config.environment)}") from error
    scenario = make_scenario(config.environment, **config.world.given())
    return replace(config, environment=scenario.name, world=replace(config.world, action_mode=scenario.action_mode))


def full_name(name: str) -> str:
    """The name with its version, where it is one of mpe2's without: mpe2:simple_tag is mpe2:simple_tag_v3. All others are as they were."""
    package, _, world = name.partition(":")
    return f"{name}_v{VERSIONS[world]}" if package == "mpe2" and world in VERSIONS else name


def make_environment(config: Config, typed: Typed | None = None) -> Environment | HostWorld:
    """The environment of a configuration, with its teams and its channel; it does not reset by itself.

    Args:
        config: which, and how.
        typed: the factory, where the environment is one that somebody typed just now.

    Raises:
        ValueError: as `resolve`; an environment that cannot be made; or a factory that nobody typed.
    """
    if is_particle_world(config):
        made: Environment | HostWorld = particle_environments.make(config.environment, **config.world.given())
    else:
        made = _make_foreign(config, typed)
    made = replace(made, spec=regroup(made.spec, config.teams))
    if isinstance(made, Environment):
        if config.host != HostConfig():
            raise ValueError(
                f"{made.spec.name} runs on the device: workers, time_limit, step_timeout and max_faults are for environments in Python; "
                "leave them out"
            )
        return with_channel(made, config.channel)
    return with_host_channel(made, config.channel)


def describe_environments() -> list[tuple[EnvSpec, str, tuple[str, ...]]]:
    """Specification, what it is about, and action modes of every environment that can be trained in by a plain name."""
    rows: list[tuple[EnvSpec, str, tuple[str, ...]]] = []
    for name, make in SCENARIOS.items():
        scenario = make_scenario(name)
        about = (inspect.getdoc(inspect.getmodule(make)) or name).splitlines()[0]
        rows.append((particle_environments.from_scenario(scenario).spec, about.removeprefix(name).lstrip(": "), scenario.action_modes))
    return rows


def is_particle_world(config: Config) -> bool:
    """Whether it is one of our own worlds, by its plain name. Raises `ValueError` for settings of the other kind."""
    if ":" in config.environment:
        given = [name for name, value in config.world.given().items() if value != getattr(WorldConfig(), name)]
        if given:
            raise ValueError(
                f"{given[0]} is a setting of our own particle worlds; {config.environment} takes --arguments {given[0]}=... if it has "
                "such a thing"
            )
        return False
    if config.arguments:
        name = next(iter(config.arguments))
        raise ValueError(
            f"arguments {name}={config.arguments[name]}: {config.environment} takes flags, such as --agents 3; `maddpg train --help` "
            "lists them"
        )
    return True


def variant(config: Config) -> dict[str, Any]:
    """The settings that decide which world a resolved configuration has, by name, with defaults filled in; not its channel or teams."""
    if not is_particle_world(config):
        return {**config.arguments, "time_limit": config.host.time_limit}
    makes = inspect.signature(SCENARIOS[config.environment]).parameters.values()
    defaults = {each.name: each.default for each in makes if each.default is not inspect.Parameter.empty}
    return {"terminate_on_success": False, **defaults, **config.world.given()}


def find_maker(name: str) -> Callable[..., Any]:
    """What makes the environment of a name that is neither one of our own worlds nor a factory. Raises `ValueError` as `find_factory`."""
    if name.startswith("jaxmarl:"):
        from maddpg.environments.jaxmarl import make as make_jaxmarl

        return partial(make_jaxmarl, name)
    return find_factory(name)


def _make_foreign(config: Config, typed: Typed | None) -> Environment | HostWorld:
    name, arguments = config.environment, dict(config.arguments)
    make = _trusted(name, typed) if is_factory(name) else find_maker(name)
    limit, with_state = config.host.time_limit, config.algorithm.critic_input != "observations"
    try:
        first = call(make, arguments, name)
        if isinstance(first, Environment):
            _trace(first)
            return first
        adapter = adapt(name, first, limit, with_state)
        spec = adapter.spec
        adapter.close()
    except (Exception, SystemExit) as error:
        if is_refusal(error):
            raise
        more = "" if name == OWN else f"; `maddpg check-env {name}` says more"
        raise ValueError(f"{name} cannot be made: {describe_mistake(error)}{more}") from error
    return HostWorld(spec, as_factory(name, make, arguments, limit, with_state))


def _trace(environment: Environment) -> None:
    """Look at a reset and a step without running them: later their mistakes would come up under no name."""
    state, _ = jax.eval_shape(environment.reset, jax.random.key(0))
    jax.eval_shape(environment.step, jax.random.key(0), state, environment.still)


def _trusted(name: str, typed: Typed | None) -> Callable[..., Any]:
    """The factory of that name, if it is what somebody typed; `ValueError` if not."""
    if typed is not None and typed.name == name:
        return typed.make
    if name == OWN:
        raise ValueError("this run was trained on an environment given in Python; give it again: MADDPG.load(path, env=...)")
    raise ValueError(f"this run was trained on {name}; pass --env {name} if you trust it: its code is run")
