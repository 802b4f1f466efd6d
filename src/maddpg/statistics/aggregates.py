"""One number for an algorithm's scores on all tasks (Agarwal et al. 2021, sections 3 and 4.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Tasks = Sequence[Float[np.ndarray, "*draw _"]]
"""The scores of an algorithm: an array [run] for each task, of any number of runs each; leading axes are draws of a bootstrap."""

CUT = 0.25
"""Share of the runs that the interquartile mean leaves out at either end."""


def mean(tasks: Tasks) -> Float[np.ndarray, "*draw"]:
    """Mean over tasks of each task's mean over runs."""
    return np.asarray(np.mean(_task_means(tasks), axis=-1))


def median(tasks: Tasks) -> Float[np.ndarray, "*draw"]:
    """Median over tasks of each task's mean over runs, as tables of many tasks have it; of a single task, its mean."""
    return np.asarray(np.median(_task_means(tasks), axis=-1))


def interquartile_mean(tasks: Tasks) -> Float[np.ndarray, "*draw"]:
    """IQM: the mean of the middle half of all tasks' runs together (section 4.3).

    A quarter of them, rounded down, is left out at either end: of five runs the best and the worst, of three none.
    """
    pooled = np.sort(np.concatenate(list(tasks), axis=-1), axis=-1)
    count = pooled.shape[-1]
    cut = int(CUT * count)
    return np.asarray(np.mean(pooled[..., cut : count - cut], axis=-1))


def optimality_gap(tasks: Tasks, target: float = 1.0) -> Float[np.ndarray, "*draw"]:
    """By how much runs fall short of `target`, what lies beyond it counting as `target` (section 4.3); less is better."""
    return mean([target - np.minimum(task, target) for task in tasks])


def _task_means(tasks: Tasks) -> Float[np.ndarray, "*draw task"]:
    return np.stack([np.mean(task, axis=-1) for task in tasks], axis=-1)
