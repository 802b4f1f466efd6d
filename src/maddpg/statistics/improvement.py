"""How likely a run of one algorithm is to beat a run of another (Agarwal et al. 2021, section 4.3)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from maddpg.statistics.aggregates import Tasks


def probability_of_improvement(algorithm: Tasks, other: Tasks) -> Float[np.ndarray, "*draw"]:
    """P(X > Y): the share of pairs of runs in which `algorithm` scores higher than `other` on the same task, mean over tasks.

    Equal scores count half: the Mann-Whitney statistic over the number of pairs. It says how often, not by how much.

    Raises:
        ValueError: the two were not run on the same number of tasks.
    """
    if len(algorithm) != len(other):
        raise ValueError(f"{len(algorithm)} tasks beside {len(other)}: both must have been run on the same tasks, in the same order")
    shares = []
    for mine, theirs in zip(algorithm, other, strict=True):
        difference = mine[..., :, None] - theirs[..., None, :]
        shares.append(np.mean((np.sign(difference) + 1) / 2, axis=(-2, -1)))
    return np.asarray(np.mean(shares, axis=0))
