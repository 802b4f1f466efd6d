"""Means over pairings of two sides' seeds, and how sure they are: both sides' seeds are drawn again."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from maddpg.statistics.bootstrap import DRAWS, LEVEL, Interval, take_interval


def crossed_mean(
    table: Float[np.ndarray, "row column"], strangers: Bool[np.ndarray, "row column"], rows: np.ndarray, columns: np.ndarray
) -> Float[np.ndarray, " draw"]:
    """Means of a table over the rows and columns drawn, [draw, seed] each, of those pairs alone that are strangers."""
    chosen = (rows[:, :, None], columns[:, None, :])
    met = strangers[chosen]
    # A draw may hold nothing but one seed of a run and itself: it says nothing, and is NaN.
    count = np.where(met.any(axis=(1, 2)), met.sum(axis=(1, 2)), np.nan)
    means: np.ndarray = np.where(met, table[chosen], 0.0).sum(axis=(1, 2)) / count
    return means


def crossed_interval(
    table: Float[np.ndarray, "row column"], same_runs: bool = False, draws: int = DRAWS, level: float = LEVEL, seed: int = 0
) -> Interval:
    """The mean over all pairings that were played, with a bootstrap interval over the seeds of both sides.

    The bounds are NaN where a side has a single seed, and where both sides are of the same two runs: whatever is drawn of them, the same
    two pairings are left.

    Args:
        table: a number for every seed of one side with every seed of the other; NaN where a pair does not count, since two have not met,
            or know each other.
        same_runs: whether row i and column i are two sides of one run, which are then drawn together.
        draws: of the bootstrap.
        level: the probability with which the interval is to hold the truth.
        seed: of the draws.
    """
    strangers = np.isfinite(table)
    generator = np.random.default_rng(seed)
    every = [np.arange(count)[None] for count in table.shape]
    estimate = crossed_mean(table, strangers, *every)[0]
    if min(table.shape) < (3 if same_runs else 2):
        return Interval(estimate, np.asarray(np.nan), np.asarray(np.nan))
    rows, columns = (generator.integers(0, count, (draws, count)) for count in table.shape)
    if same_runs:  # a run that is drawn brings both its sides
        columns = rows
    return take_interval(estimate, crossed_mean(table, strangers, rows, columns), level)
