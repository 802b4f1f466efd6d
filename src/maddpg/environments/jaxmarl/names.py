"""From a name and arguments to JaxMARL's own environment."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

import jax

from maddpg.environments.jaxmarl.families import family_of
from maddpg.names import unknown_name

PREFIX = "jaxmarl:"
NAMED_VALUES = {  # (environment, argument): where JaxMARL keeps the things that may be named
    ("SMAX", "scenario"): ("jaxmarl.environments.smax.smax_env", "MAP_NAME_TO_SCENARIO"),
    ("HeuristicEnemySMAX", "scenario"): ("jaxmarl.environments.smax.smax_env", "MAP_NAME_TO_SCENARIO"),
    ("overcooked", "layout"): ("jaxmarl.environments.overcooked", "overcooked_layouts"),
    ("overcooked_v2", "layout"): ("jaxmarl.environments.overcooked_v2", "overcooked_v2_layouts"),
}
# Brax would reset by itself, and forget what the last step led to.
SETTLED = {name: {"auto_reset": False} for name in ("ant_4x2", "halfcheetah_6x1", "hopper_3x1", "humanoid_9|8", "walker2d_2x3")}
Function = TypeVar("Function", bound=Callable[..., Any])


def leniently(function: Function) -> Function:
    """The same function, in which JaxMARL may broadcast arrays of different rank even if the rest of the program may not."""

    @wraps(function)
    def lenient(*args: Any, **kwargs: Any) -> Any:
        with jax.numpy_rank_promotion("allow"):
            return function(*args, **kwargs)

    return cast(Function, lenient)


def construct(plain: str, arguments: Mapping[str, Any]) -> Any:
    """JaxMARL's own environment by its registered name.

    A scenario of SMAX and a layout of Overcooked may be given by name.

    Raises:
        ValueError: a name that JaxMARL does not know (with the nearest that it does), or arguments that it does not take.
        ImportError: JaxMARL, or what the environment needs beside it, is not installed.
    """
    try:
        with _silence():  # it prints which of its parts it finds
            package = leniently(importlib.import_module)("jaxmarl")
    except ImportError as error:
        raise ImportError('environments of JaxMARL need jaxmarl: pip install "maddpg[jaxmarl]"') from error
    if plain not in package.registered_envs:
        raise ValueError(unknown_name("JaxMARL environment", plain, package.registered_envs))
    values = {argument: _named_value(plain, argument, value) for argument, value in arguments.items()}
    try:
        environment = leniently(package.make)(plain, **values, **SETTLED.get(plain, {}))
    except ImportError:
        raise
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{PREFIX}{plain} cannot be made with {dict(arguments)}: {said}") from error
    _refuse_ignored(plain, environment, arguments)
    return environment


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing is printed, not even by a module that puts the first standard output back, as one of JaxMARL's does."""
    before, nowhere = sys.__stdout__, io.StringIO()
    sys.__stdout__ = nowhere  # type: ignore[misc, assignment]
    try:
        with contextlib.redirect_stdout(nowhere):
            yield
    finally:
        sys.__stdout__ = before  # type: ignore[misc]


def _named_value(plain: str, argument: str, value: Any) -> Any:
    """What a name stands for, where JaxMARL itself takes only the thing."""
    if not isinstance(value, str) or (plain, argument) not in NAMED_VALUES:
        return value
    module, table = NAMED_VALUES[plain, argument]
    things = getattr(importlib.import_module(module), table)
    if value not in things:
        raise ValueError(unknown_name(f"{argument} of {PREFIX}{plain}", value, things))
    return things[value]


def _refuse_ignored(plain: str, environment: Any, arguments: Mapping[str, Any]) -> None:
    """Raise ValueError for an argument that the environment's class took and ignored."""
    unnamed = family_of(environment).unnamed
    if unnamed is None:
        return
    kinds = [kind for kind in type(environment).__mro__ if kind is not object]
    named = {name for kind in kinds for name in inspect.signature(kind).parameters} - {"kwargs"}
    for argument in arguments:
        if argument not in named | {*unnamed}:
            raise ValueError(unknown_name(f"argument of {PREFIX}{plain}", argument, sorted(named | {*unnamed})))
