"""Performance profiles: the whole distribution of scores in a curve (Agarwal et al. 2021, section 4.2)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from maddpg.statistics.aggregates import Tasks


def performance_profile(tasks: Tasks, thresholds: Float[np.ndarray, " threshold"]) -> Float[np.ndarray, "*draw threshold"]:
    """The share of runs that score higher than each threshold, mean over tasks: a run-score distribution.

    A curve that lies above another everywhere is stochastically dominant. It crosses one half at the median run. Bands come from
    `stratified_interval(lambda tasks: performance_profile(tasks, thresholds), tasks)`, for each threshold by itself.
    """
    return np.mean([np.mean(task[..., None] > thresholds, axis=-2) for task in tasks], axis=0)
