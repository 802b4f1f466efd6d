"""Checks that the tables of settings share."""

from __future__ import annotations

import functools
import math
import typing
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin

from maddpg.names import brief

LARGEST_COUNT = 2_000_000_000  # counters live in 32 bits on the device


def require(condition: bool, name: str, value: object, rule: str) -> None:
    """Raise `ValueError` naming the field, the value that came and what is allowed."""
    if not condition:
        raise ValueError(f"{name} = {brief(value)}: {rule}")


def require_choices(table: Any) -> None:
    """Raise `ValueError` where a field with a fixed list of choices holds another."""
    kind: Any = type(table)
    for name, choices in _choices(kind).items():
        require(getattr(table, name) in choices, name, getattr(table, name), f"must be one of {', '.join(choices)}")


def require_finite(table: Any) -> None:
    """Raise `ValueError` where a number is infinite or NaN."""
    for item in fields(table):
        value, advice = getattr(table, item.name), "or left out" if item.default is None else f"such as {item.default}"
        require(not isinstance(value, float) or math.isfinite(value), item.name, value, f"must be a finite number, {advice}")


@functools.cache
def _choices(kind: type) -> dict[str, tuple[str, ...]]:
    """The fields of a class with a fixed list of choices, and the lists: reading annotations takes longer than all that is done here."""
    hints = typing.get_type_hints(kind)
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}
