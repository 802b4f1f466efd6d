"""Names that do not exist: what came, the nearest right one, and all that are allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """ "; did you mean 'x'?" where a name comes near, else a full stop."""
    near = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else "."


def unknown_name(kind: str, name: str, allowed: Iterable[str]) -> str:
    """One line for a name that does not exist: what came, the nearest right one, and all that are allowed."""
    allowed = list(allowed)
    return f"unknown {kind} {name!r}{did_you_mean(name, allowed)} Known: {', '.join(allowed)}"
