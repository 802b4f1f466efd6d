"""Checks that the tables of settings share."""

from __future__ import annotations

import typing
from typing import Any, Literal, get_args, get_origin

from maddpg.names import brief

LARGEST_COUNT = 2_000_000_000  # counters live in 32 bits on the device


def require(condition: bool, name: str, value: object, rule: str) -> None:
    """Raise `ValueError` naming the field, the value that came and what is allowed."""
    if not condition:
        raise ValueError(f"{name} = {brief(value)}: {rule}")


def require_choices(table: Any) -> None:
    """Raise `ValueError` where a field with a fixed list of choices holds another."""
    for name, kind in typing.get_type_hints(type(table)).items():
        if get_origin(kind) is Literal:
            choices = get_args(kind)
            require(getattr(table, name) in choices, name, getattr(table, name), f"must be one of {', '.join(choices)}")
