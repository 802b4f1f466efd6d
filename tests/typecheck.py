"""The checker that the import hook puts on every function of the package."""

from __future__ import annotations

from collections.abc import Callable

from beartype import BeartypeConf, beartype

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))  # a whole number is a float too, as type checkers have it


def check(function: Callable) -> Callable:
    """Beartype, but not for constructors: jax builds its dataclasses of axes, shapes and None too, as in `tree.map` and `in_axes`."""
    return function if function.__name__ == "__init__" else _beartype(function)
