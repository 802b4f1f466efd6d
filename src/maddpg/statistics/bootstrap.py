"""Intervals by the stratified bootstrap: each task's runs are drawn again, with replacement, from that task's runs.

Agarwal et al. 2021, section 4.1. The percentile method: an interval reaches from one quantile of the statistic's draws to another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from maddpg.statistics.aggregates import Tasks

DRAWS = 10_000
LEVEL = 0.95
AT_ONCE = 500  # draws in memory


@dataclass(frozen=True)
class Interval:
    """A statistic, and between what bounds it lies; NaN where a single run says nothing about bounds. All of one shape."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, or lists of them, for JSON."""
        return {"estimate": self.estimate.tolist(), "low": self.low.tolist(), "high": self.high.tolist()}


def stratified_interval(
    statistic: Callable[..., np.ndarray], *algorithms: Tasks, draws: int = DRAWS, level: float = LEVEL, seed: int = 0
) -> Interval:
    """A statistic of the scores of one algorithm or more, with its interval.

    The bounds are NaN where some task has a single run: nobody knows then how much runs differ there.

    Args:
        statistic: takes as many `Tasks` as there are algorithms, with any leading axes, and returns [*draw, ...].
        algorithms: the scores of each.
        draws: of the bootstrap.
        level: the probability with which the interval is to hold the truth.
        seed: of the draws; the same one gives the same interval.
    """
    estimate = np.asarray(statistic(*algorithms))
    if min(len(task) for tasks in algorithms for task in tasks) < 2:
        unknown = np.full(estimate.shape, np.nan)
        return Interval(estimate, unknown, unknown)
    return take_interval(estimate, bootstrap(statistic, *algorithms, draws=draws, seed=seed), level)


def bootstrap(statistic: Callable[..., np.ndarray], *algorithms: Tasks, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """The statistic of `draws` resamples, [draw, ...]; arguments as in `stratified_interval`."""
    generator = np.random.default_rng(seed)
    parts = []
    for start in range(0, draws, AT_ONCE):
        count = min(AT_ONCE, draws - start)
        drawn = [[task[generator.integers(0, len(task), (count, len(task)))] for task in tasks] for tasks in algorithms]
        parts.append(statistic(*drawn))
    return np.concatenate(parts)


def take_interval(estimate: np.ndarray | float, draws: np.ndarray, level: float = LEVEL) -> Interval:
    """The interval of a statistic whose draws are [draw, ...]; a draw in which it is not defined is NaN, and does not count."""
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Interval(np.asarray(estimate), np.asarray(low), np.asarray(high))
