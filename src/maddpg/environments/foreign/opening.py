"""Whatever a factory makes, behind the contract of the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from maddpg.environments.foreign.calling import call
from maddpg.environments.host import HostEnvironment, HostFactory, describe_value


def as_factory(
    name: str,
    make: Callable[..., Any],
    arguments: Mapping[str, Any],
    time_limit: int | None = None,
    with_state: bool = False,
) -> HostFactory:
    """A factory of host environments from one of foreign ones. It can be sent to another process if `make` and the arguments can.

    Args:
        name: how it is called in the specification and in errors.
        make: gives a parallel or AEC environment of PettingZoo, or a Gymnasium environment.
        arguments: for it, by name.
        time_limit: after so many steps all who live are truncated, as in `Parallel`; in a game in turns a step is one move.
        with_state: whether steps carry the environment's own `state()`.

    Raises:
        ValueError: a time limit below 1. The factory itself raises ValueError for what cannot be made or used, in one line.
    """
    if time_limit is not None and time_limit < 1:
        raise ValueError(f"time_limit = {time_limit}: must be at least 1, or left out for the environment's own")
    return partial(open_environment, name, make, dict(arguments), time_limit, with_state)


def open_environment(
    name: str, make: Callable[..., Any], arguments: Mapping[str, Any], time_limit: int | None, with_state: bool
) -> HostEnvironment:
    """Make one environment; see `as_factory`."""
    return adapt(name, call(make, arguments, name), time_limit, with_state)


def adapt(name: str, environment: Any, time_limit: int | None, with_state: bool) -> HostEnvironment:
    """One environment behind the contract; see `as_factory`."""
    try:
        import gymnasium

        from maddpg.environments.foreign.parallel import Parallel
        from maddpg.environments.foreign.single import SingleAgent
    except ModuleNotFoundError as error:
        raise ValueError(f'{name} needs Gymnasium, whose spaces say what agents see and do: pip install "maddpg[pettingzoo]"') from error
    mover = None
    if isinstance(environment, gymnasium.Env):
        environment = SingleAgent(environment)
    else:
        environment, mover = from_pettingzoo(environment, name)
    return Parallel(name, environment, time_limit, with_state, mover)


def from_pettingzoo(environment: Any, name: str) -> tuple[Any, Callable[[], Any] | None]:
    """A parallel environment, and who is to move if it is a game in turns."""
    try:
        from pettingzoo.utils.env import AECEnv, ParallelEnv

        from maddpg.environments.foreign.aec import as_parallel
    except ModuleNotFoundError:
        known = False  # and so it cannot be one of PettingZoo's
    else:
        if isinstance(environment, AECEnv):
            return as_parallel(environment)
        known = isinstance(environment, ParallelEnv)
    if not known:
        raise ValueError(
            f"{name} made {describe_value(environment)}, of type {type(environment).__name__}; "
            "it must make a ParallelEnv or AECEnv of pettingzoo, or a gymnasium.Env"
        )
    return environment, None
