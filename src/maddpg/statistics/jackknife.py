"""Student intervals by the jackknife: what a mean would have been without each of the runs that it comes from.

Tukey 1958; of a plain mean it is Student's interval. Bootstrap intervals of three runs hold the truth in three cases of four, and less
often still where both sides of a pairing come from the same three runs; these hold it in 95 of 100 (docs/statistics.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import stdtrit  # type: ignore[import-untyped]

from maddpg.statistics.bootstrap import LEVEL, Interval


def student_interval(values: Float[np.ndarray, " run"], level: float = LEVEL) -> Interval:
    """The mean over runs with Student's interval; bounds are NaN where there is one run."""
    count = len(values)
    if count < 2:
        return _unbounded(values.mean())
    return jackknife_interval(values.mean(), [(values.sum() - values) / (count - 1)], level)


def crossed_interval(table: Float[np.ndarray, "row column"], same_runs: bool = False, level: float = LEVEL) -> Interval:
    """The mean over all pairings that were played, with an interval for other runs on both sides.

    The bounds are NaN where nothing is left without some run: where a side has a single one, or both sides are of the same two.

    Args:
        table: a number for every run of one side with every run of the other; NaN where a pair does not count, since two have not met, or
            know each other.
        same_runs: whether row i and column i are two sides of one run, which are then left out together.
        level: the probability with which the interval is to hold the truth.
    """
    counts = np.isfinite(table)
    whole, rows, columns = _sums(np.where(counts, table, 0.0))
    met, met_by_row, met_by_column = _sums(counts.astype(float))
    if same_runs:
        without = [(whole - rows - columns + _own(table, counts), met - met_by_row - met_by_column + np.diag(counts))]
    else:
        without = [(whole - rows, met - met_by_row), (whole - columns, met - met_by_column)]
    if any((left == 0).any() for _, left in without):
        return _unbounded(whole / met)
    return jackknife_interval(whole / met, [total / left for total, left in without], level)


def jackknife_interval(estimate: float, left_out: Sequence[Float[np.ndarray, " _"]], level: float = LEVEL) -> Interval:
    """An estimate's interval from what it would have been without each run.

    Args:
        estimate: of all runs.
        left_out: for each group of runs that were drawn by themselves, such as the two sides of a pairing, the estimates without each of
            its runs. Their variances add up, with Satterthwaite's degrees of freedom.
        level: the probability with which the interval is to hold the truth.
    """
    freedom = np.array([len(values) - 1 for values in left_out])
    variances = freedom * np.array([np.var(values) for values in left_out])
    total = variances.sum()
    if total == 0:
        return Interval(np.asarray(estimate), np.asarray(estimate), np.asarray(estimate))
    degrees = total**2 / np.sum(variances**2 / freedom)
    reach = stdtrit(degrees, (1 + level) / 2) * np.sqrt(total)
    return Interval(np.asarray(estimate), np.asarray(estimate - reach), np.asarray(estimate + reach))


def _own(table: Float[np.ndarray, "run run"], counts: Bool[np.ndarray, "run run"]) -> Float[np.ndarray, " run"]:
    """What stands on the diagonal, which its row and its column both count."""
    return np.where(np.diag(counts), np.diag(table), 0.0)


def _sums(table: Float[np.ndarray, "row column"]) -> tuple[float, np.ndarray, np.ndarray]:
    return float(table.sum()), table.sum(axis=1), table.sum(axis=0)


def _unbounded(estimate: float) -> Interval:
    return Interval(np.asarray(estimate), np.asarray(np.nan), np.asarray(np.nan))
