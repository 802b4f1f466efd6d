"""The check of any environment: which kind it is, and who looks at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from maddpg.config import Config
from maddpg.environments.conformance.attempts import Attempt, Stuck, write_down
from maddpg.environments.conformance.device import check_device
from maddpg.environments.conformance.findings import Conformance, Findings
from maddpg.environments.conformance.habits import measure
from maddpg.environments.conformance.patience import Hung, in_time, patience
from maddpg.environments.contract import Environment
from maddpg.environments.foreign.calling import call
from maddpg.environments.mistakes import is_refusal
from maddpg.environments.registry import Typed, find_maker, is_particle_world, make_environment


def check_environment(
    config: Config, typed: Typed | None = None, episodes: int = 3, seed: int = 0, step_timeout: float | None = None
) -> Conformance:
    """Play an environment at random, and write down all that would spoil training in it.

    Args:
        config: which, and its arguments.
        typed: the factory, where the environment is one that somebody typed just now.
        episodes: how many to play.
        seed: of the first; the others count on from it.
        step_timeout: seconds that a step may take; making and resetting, and the whole play on the device, have 300, or as many if that is
            more. What takes longer is written down, in the main thread alone; compiled code that no signal interrupts ends the process,
            with exit code 1. None: it may take for ever.

    Raises:
        ValueError: a name or arguments that do not exist, or fewer than 1 episode.
        ImportError: a package that the environment needs is not installed.
    """
    if episodes < 1:
        raise ValueError(f"episodes = {episodes}: must be at least 1, and 2 or more to tell how episodes end")
    name = config.environment
    if is_particle_world(config):
        made = make_environment(config)
        assert isinstance(made, Environment), "these run on the device"
        return check_device(made, episodes, seed, patience(step_timeout))
    make = find_maker(name) if typed is None else typed.make
    attempt = Attempt(Findings(), patience(step_timeout))
    try:
        environment = make_one(attempt, make, config)
    except Stuck:
        return Conformance(name, None, attempt.findings.ordered(), measure({}, (), None, None))
    if isinstance(environment, Environment):
        return check_device(environment, episodes, seed, attempt.patience)
    from maddpg.environments.conformance.python import check_python

    return check_python(name, make, config.arguments, environment, episodes, seed, attempt)


def make_one(attempt: Attempt, make: Callable[..., Any], config: Config) -> Any:
    """What the factory makes. Raises ValueError for arguments that do not fit, ImportError as above, `Stuck` where the factory fails."""
    try:
        with in_time(attempt.patience.start):
            return call(make, config.arguments, config.environment)
    except (Exception, SystemExit, Hung) as error:
        if isinstance(error, ValueError | ImportError) and is_refusal(error):
            raise  # our own words about the arguments, the name or what is not installed
        write_down(attempt.findings, "making it", error)
        raise Stuck from error
