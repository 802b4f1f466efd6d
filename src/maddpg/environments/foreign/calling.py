"""Calls a factory with the arguments that a user gave, and says in one line what it takes where these do not fit."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from maddpg.names import did_you_mean

UNEXPECTED = re.compile(r"(?P<owner>\S+)\(\) got an unexpected keyword argument '(?P<argument>\w+)'")


def call(make: Callable[..., Any], arguments: Mapping[str, Any], title: str) -> Any:
    """What the factory makes.

    Raises:
        ValueError: an argument that it, or a function that it hands its arguments on to, does not take, or one that it lacks; with all
            that it takes.
    """
    try:
        inspect.signature(make).bind(**arguments)
    except TypeError as error:
        raise ValueError(_complain(title, arguments, str(error), list_arguments(make))) from error
    except ValueError:
        pass  # some functions written in C have no signature to look at
    try:
        return make(**arguments)
    except TypeError as error:
        match = UNEXPECTED.match(str(error))
        # Only of an argument that was given here: any other is the environment's own mistake.
        if match is None or match["argument"] not in arguments:
            raise
        taken = _arguments_of_callee(error, match["owner"])
        raise ValueError(_complain(title, arguments, f"got an unexpected keyword argument {match['argument']!r}", taken)) from error


def list_arguments(function: Callable[..., Any]) -> list[str]:
    """Names of the arguments that a function or class takes by name."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [name for name, parameter in inspect.signature(function).parameters.items() if parameter.kind in named]


def _complain(title: str, arguments: Mapping[str, Any], message: str, taken: list[str]) -> str:
    """One line: what is wrong, the nearest name, and all names."""
    strange = [name for name in arguments if name not in taken]
    hint = did_you_mean(strange[0], taken) if strange and taken else "."
    return f"{title} {message}{hint}" + (f" It takes: {', '.join(taken)}" if taken else " It takes no arguments by name")


def _arguments_of_callee(error: BaseException, owner: str) -> list[str]:
    """What is taken by the function or class of that qualified name, where the call that failed stands."""
    place = error.__traceback__
    assert place is not None
    while place.tb_next is not None:
        place = place.tb_next
    frame, name = place.tb_frame, owner.removesuffix(".__init__")
    for value in (*frame.f_locals.values(), *frame.f_globals.values()):
        if isinstance(value, type | FunctionType) and value.__qualname__ == name:
            return list_arguments(value)
    return []
