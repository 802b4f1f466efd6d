"""What a checkpoint notes of a run's journal, read from a table that nobody vouches for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maddpg.names import brief
from maddpg.storage.manifest import read_count


@dataclass(frozen=True)
class Noted:
    """Where the lines of metrics stood, and when each seed did best."""

    logged: int
    """Rounds done when the last training line was written."""
    updated: int
    """Updates done then."""
    evaluated: int
    """Rounds done when the last evaluation line was written."""
    bytes: int
    """Of metrics.jsonl."""
    episode_return: Mapping[str, float]
    """By agent, of the last training lines."""
    best_steps: tuple[int, ...]
    best_returns: tuple[float, ...]
    """Of each seed; -infinity where there is none yet."""


def read_noted(table: Any, seeds: int) -> Noted:
    """What `Journal.snapshot` gave, of a run with so many seeds.

    Raises:
        ValueError: something in it is missing or of another kind.
    """
    try:
        best, returns = table["best"], table["episode_return"]
        steps, values = best["steps"], best["returns"]
        if not (isinstance(steps, list) and isinstance(values, list) and len(steps) == len(values) == seeds):
            raise ValueError(f"best = {brief(best)}: it must have a number for each of {seeds} seeds")
        return Noted(
            logged=read_count(table["logged"]),
            updated=read_count(table["updated"]),
            evaluated=read_count(table["evaluated"]),
            bytes=read_count(table["bytes"]),
            episode_return={str(name): _number(value, math.nan) for name, value in dict(returns).items()},
            best_steps=tuple(map(read_count, steps)),
            best_returns=tuple(_number(value, -math.inf) for value in values),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"its journal is damaged: {error!r}") from error


def _number(value: Any, missing: float) -> float:
    """A number; `missing` stands for null, which is what was written for NaN and infinity."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e308):
        raise ValueError(f"{brief(value)} is no number")
    return missing if value is None else float(value)
