"""How likely a run of one algorithm is to beat a run of another (Agarwal et al. 2021, section 4.3)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from maddpg.statistics.aggregates import Tasks
from maddpg.statistics.bootstrap import AT_ONCE, DRAWS


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


def improvement_p_value(algorithm: Tasks, other: Tasks, draws: int = DRAWS, seed: int = 0) -> float:
    """How often P(X > Y) would be as far from one half as it is, if the runs of each task were dealt to the two algorithms at random.

    A two-sided permutation test, stratified by task; of one task the Mann-Whitney test. Small values are evidence of a difference. Unlike
    the bootstrap interval it is no bolder than it says with few runs: three of each in one task never give less than 0.1.

    Args:
        algorithm: its scores, [run] of each task.
        other: the other one's, of the same tasks.
        draws: random deals; what was seen counts as one more (Phipson and Smyth 2010), so that the least value is 1 / (draws + 1).
        seed: of the deals.
    """
    generator = np.random.default_rng(seed)
    least = abs(float(probability_of_improvement(algorithm, other)) - 0.5) - 1e-9  # sums of the same shares differ by rounding
    counted = 0
    for start in range(0, draws, AT_ONCE):
        count = min(AT_ONCE, draws - start)
        pooled = [np.concatenate(runs) for runs in zip(algorithm, other, strict=True)]
        dealt = [generator.permuted(np.tile(runs, (count, 1)), axis=1) for runs in pooled]
        mine = [runs[:, : len(task)] for runs, task in zip(dealt, algorithm, strict=True)]
        theirs = [runs[:, len(task) :] for runs, task in zip(dealt, algorithm, strict=True)]
        counted += int(np.sum(np.abs(probability_of_improvement(mine, theirs) - 0.5) >= least))
    return (1 + counted) / (1 + draws)
