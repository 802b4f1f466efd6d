"""Names that the benchmarks are given."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

from maddpg.names import unknown_name


def one_of(kind: str, known: Iterable[str]) -> Callable[[str], str]:
    """For `type=` of an argument: the name as it was typed; an unknown one ends the program with one line and 2."""
    allowed = list(known)

    def name(typed: str) -> str:
        if typed not in allowed:
            raise argparse.ArgumentTypeError(unknown_name(kind, typed, allowed))
        return typed

    return name


def add_names(parser: argparse.ArgumentParser, kind: str, known: Iterable[str], what: str = "") -> None:
    """Any number of names as `KINDs`, all of them if none is typed. `what` says what they are for."""
    allowed = list(known)
    about = f"{what}{', ' if what else ''}of {', '.join(allowed)}; all if left out"
    parser.add_argument(f"{kind}s", nargs="*", metavar=kind.upper(), type=one_of(kind, allowed), default=allowed, help=about)
