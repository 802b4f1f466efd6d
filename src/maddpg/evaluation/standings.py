"""From meetings to a matrix: mean returns with their intervals, who loses by meeting strangers, Elo ratings and Nash averaging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from maddpg.evaluation.meetings import Meetings
from maddpg.statistics import Interval, NashAverage, crossed_interval, elo_ratings, nash_average, take_interval

DRAWS = 1_000


@dataclass(frozen=True)
class Standings:
    """The runs that met, and what came of it. A row is a run whose agents stood on the one side, a column one on the other."""

    environment: str
    episodes: int  # of each pairing of two seeds
    runs: tuple[str, ...]
    seeds: tuple[int, ...]  # how many of each run
    roles: tuple[str, str]  # who comes from the row's run, and who from the column's
    sides: tuple[str, ...]
    matrix: Interval  # [row, column, side], seeds that were trained with each other left out, unless a run has no others
    together: Interval  # [run, side], beside those that each seed was trained with
    others: Interval  # [run, side], as that side beside all other runs; of one side, in rows and in columns
    elo: Interval | None  # [run]
    wins: np.ndarray | None  # [run, opponent], share of meetings
    nash: NashAverage | None
    policies: list[dict[str, Any]]
    policy_means: np.ndarray  # [row policy, column policy, side]

    def to_dict(self) -> dict[str, Any]:
        """Plain tables for JSON."""
        return {
            "environment": self.environment,
            "episodes": self.episodes,
            "runs": [{"run": run, "seeds": seeds} for run, seeds in zip(self.runs, self.seeds, strict=True)],
            "rows": self.roles[0],
            "columns": self.roles[1],
            "sides": list(self.sides),
            "matrix": self.matrix.to_dict(),
            "together": self.together.to_dict(),
            "others": self.others.to_dict(),
            "wins": None if self.wins is None else self.wins.tolist(),
            "elo": None if self.elo is None else self.elo.to_dict(),
            "nash": None if self.nash is None else self.nash.to_dict(),
            "policies": self.policies,
            "policy_means": self.policy_means.tolist(),
        }


def standings(meetings: Meetings, draws: int = DRAWS, seed: int = 0) -> Standings:
    """Means over seeds and episodes, with 95% bootstrap intervals over both.

    Seeds are drawn within their run, and episodes, which all pairings share, for all of them at once. Of runs with a single seed the
    intervals are those of the episodes: they say nothing about other seeds. Where a run meets its own other seeds, a draw leaves few
    pairs, and the interval is the jackknife's, over seeds alone; two seeds have none.

    Two sides also have ratings. Two runs meet twice in every episode, once in either role, from the same start. The one whose side comes
    out further ahead (its own mean return less the other side's) wins. Elo and Nash averaging take these meetings' wins and payoffs.
    """
    generator = np.random.default_rng(seed)
    owner, count = meetings.owner, meetings.episodes
    weights = np.concatenate([np.ones((1, len(owner))), _seed_draws(owner, draws, generator)])
    episodes = (generator.multinomial(count, np.full(count, 1 / count), draws) / count).astype(np.float32)
    drawn = _over_episodes(meetings.returns, episodes)  # [draw, row policy, column policy, side]
    cells = np.stack([_cells(drawn[..., side], owner, weights) for side in range(len(meetings.sides))], axis=-1)
    own = np.moveaxis(np.diagonal(drawn, axis1=1, axis2=2), -1, 1)  # [draw, policy, side]
    together = _over_seeds(own, owner, weights)
    matrix = take_interval(cells[0], cells[1:])
    _bound_own_seeds(matrix, drawn[0], owner)
    runs, beside = len(meetings.entrants), _beside_others(cells)
    others = take_interval(beside[0], beside[1:]) if runs > 1 else Interval(matrix.estimate[0], matrix.low[0], matrix.high[0])
    elo = wins = nash = None
    if len(meetings.sides) == 2 and runs > 1:
        ahead = meetings.returns[..., 0] - meetings.returns[..., 1]
        won = (np.sign(ahead - np.swapaxes(ahead, 0, 1)) + 1) / 2
        shares = _without_diagonal(_cells(_over_episodes(won[..., None], episodes)[..., 0], owner, weights))
        ratings = elo_ratings(shares * count)
        elo, wins = take_interval(ratings[0], ratings[1:]), shares[0]
        nash = nash_average(_without_diagonal(cells[0, ..., 0] - cells[0, ..., 1]))
    return Standings(
        environment=meetings.environment,
        episodes=count,
        runs=tuple(name for name, _ in meetings.entrants),
        seeds=tuple(len(seeds) for _, seeds in meetings.entrants),
        roles=meetings.roles,
        sides=meetings.sides,
        matrix=matrix,
        together=take_interval(together[0], together[1:]),
        others=others,
        elo=elo,
        wins=wins,
        nash=nash,
        policies=meetings.policies,
        policy_means=drawn[0],
    )


def _seed_draws(owner: np.ndarray, draws: int, generator: np.random.Generator) -> Float[np.ndarray, "draw policy"]:
    """How often each policy is drawn, as many of each run as there are."""
    weights = np.zeros((draws, len(owner)))
    for run in range(owner.max() + 1):
        mine = np.flatnonzero(owner == run)
        weights[:, mine] = generator.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), draws)
    return weights


def _over_episodes(values: np.ndarray, episodes: Float[np.ndarray, "draw episode"]) -> Float[np.ndarray, "_ row column side"]:
    """The mean over the episodes of [row, column, episode, side], and then weighted means, one for each draw of episodes."""
    rows, columns, count, sides = values.shape
    flat = np.moveaxis(values, 2, 3).reshape(-1, count)
    drawn = np.moveaxis((flat @ episodes.T).reshape(rows, columns, sides, -1), -1, 0)
    return np.concatenate([values.mean(axis=2, dtype=float)[None], drawn])


def _cells(
    values: Float[np.ndarray, "draw row column"], owner: np.ndarray, weights: Float[np.ndarray, "draw policy"]
) -> Float[np.ndarray, "draw run run"]:
    """Means over the seeds of two runs. Those of one seed were trained with each other, and count only where the run has no other.

    NaN where a draw has one seed of a run alone.
    """
    runs = owner.max() + 1
    member = (owner[:, None] == np.arange(runs)).astype(float)
    strangers = 1.0 - np.eye(len(owner)) * (np.bincount(owner) > 1)[owner]
    both = weights[:, :, None] * weights[:, None, :] * strangers
    with np.errstate(invalid="ignore"):
        return (member.T @ (both * values) @ member) / (member.T @ both @ member)


def _bound_own_seeds(matrix: Interval, means: Float[np.ndarray, "row column side"], owner: np.ndarray) -> None:
    """Put bounds in the matrix where a run meets its own other seeds."""
    for run in np.flatnonzero(np.bincount(owner) > 1):
        own = np.flatnonzero(owner == run)
        strangers = np.where(np.eye(len(own), dtype=bool)[:, :, None], np.nan, means[np.ix_(own, own)])
        for side in range(strangers.shape[-1]):
            found = crossed_interval(strangers[..., side], same_runs=True)
            matrix.low[run, run, side], matrix.high[run, run, side] = found.low, found.high


def _over_seeds(
    values: Float[np.ndarray, "draw policy side"], owner: np.ndarray, weights: Float[np.ndarray, "draw policy"]
) -> Float[np.ndarray, "draw run side"]:
    member = (owner[:, None] == np.arange(owner.max() + 1)).astype(float)
    return np.einsum("dps,dp,pr->drs", values, weights, member) / np.bincount(owner)[None, :, None]


def _beside_others(cells: Float[np.ndarray, "draw run run side"]) -> Float[np.ndarray, "draw run side"]:
    """Each run's mean over all other runs; over its own other seeds where it is the only one."""
    runs = cells.shape[1]
    shares = (1.0 - np.eye(runs)) / (runs - 1) if runs > 1 else np.ones((1, 1))
    counted = np.where(shares[:, :, None] > 0, cells, 0.0)
    in_rows, in_columns = np.einsum("drcs,rc->drs", counted, shares), np.einsum("drcs,rc->dcs", counted, shares)
    if cells.shape[-1] == 1:
        return (in_rows + in_columns) / 2
    return np.stack([in_rows[..., 0], in_columns[..., 1]], axis=-1)


def _without_diagonal(values: Float[np.ndarray, "*draw run run"]) -> Float[np.ndarray, "*draw run run"]:
    """Zero where a run meets itself."""
    return np.where(np.eye(values.shape[-1], dtype=bool), 0.0, values)
