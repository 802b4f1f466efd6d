"""Algorithms compared by the scores of their runs: aggregates, intervals, and how often one beats the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maddpg.statistics import (
    Interval,
    Tasks,
    improvement_p_value,
    interquartile_mean,
    mean,
    median,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
    stratified_interval,
)

THRESHOLDS, CURVE_DRAWS = 101, 1_000


@dataclass(frozen=True)
class Contender:
    """The runs of one algorithm: all that have the same settings but for seed and world."""

    name: str
    runs: tuple[str, ...]
    differs: dict[str, Any]  # its settings that are not those of the first contender
    scores: Tasks  # of each task, [seed]
    curves: Tasks = ()  # of each task, [seed, step], scores of evaluations while it trained, at the steps that all contenders share


@dataclass(frozen=True)
class Row:
    """What one contender's scores come to."""

    contender: Contender
    interquartile_mean: Interval
    mean: Interval
    median: Interval  # over tasks
    optimality_gap: Interval | None  # of normalised scores
    above_first: Interval | None  # probability of improvement on the first contender; None of the first itself
    p_value: float | None  # of that being one half
    area: Interval | None  # interquartile mean of the mean score over all evaluations while training
    profile: Interval  # [threshold]
    curves: tuple[Interval, ...]  # of each task [step], interquartile mean over seeds


@dataclass(frozen=True)
class Comparison:
    """Contenders in the same tasks, by one kind of score of one side."""

    side: str  # whose scores: a team, or all agents
    score: str  # what they are
    normalised: bool  # 0 is random play, 1 scripted play
    tasks: tuple[str, ...]
    rows: tuple[Row, ...]
    thresholds: np.ndarray  # of the profiles
    steps: tuple[np.ndarray, ...] = field(default=())  # of each task's curves

    def to_dict(self) -> dict[str, Any]:
        """Plain tables for JSON."""
        return {
            "side": self.side,
            "score": self.score,
            "normalised": self.normalised,
            "tasks": list(self.tasks),
            "thresholds": self.thresholds.tolist(),
            "steps": [steps.tolist() for steps in self.steps],
            "algorithms": [_to_dict(row) for row in self.rows],
        }


def compare(
    side: str,
    score: str,
    normalised: bool,
    tasks: Sequence[str],
    contenders: Sequence[Contender],
    steps: Sequence[np.ndarray] = (),
) -> Comparison:
    """All statistics of each contender, with 95% stratified bootstrap intervals; tasks are the strata."""
    every = np.concatenate([scores for contender in contenders for scores in contender.scores])
    thresholds = np.linspace(every.min(), every.max(), THRESHOLDS)
    first = contenders[0]
    rows = []
    for contender in contenders:
        scores = contender.scores
        areas = [curves.mean(axis=1) for curves in contender.curves]
        rows.append(
            Row(
                contender,
                stratified_interval(interquartile_mean, scores),
                stratified_interval(mean, scores),
                stratified_interval(median, scores),
                stratified_interval(optimality_gap, scores) if normalised else None,
                None if contender is first else stratified_interval(probability_of_improvement, scores, first.scores),
                None if contender is first else improvement_p_value(scores, first.scores),
                stratified_interval(interquartile_mean, areas) if areas else None,
                stratified_interval(lambda drawn: performance_profile(drawn, thresholds), scores, draws=CURVE_DRAWS),
                tuple(stratified_interval(_at_each_step, [curves], draws=CURVE_DRAWS) for curves in contender.curves),
            )
        )
    return Comparison(side, score, normalised, tuple(tasks), tuple(rows), thresholds, tuple(steps))


def _at_each_step(tasks: Tasks) -> np.ndarray:
    """[*draw, step] from the curves of one task, [*draw, seed, step]."""
    return interquartile_mean([np.swapaxes(tasks[0], -1, -2)])


def _to_dict(row: Row) -> dict[str, Any]:
    contender = row.contender
    names = ("interquartile_mean", "mean", "median", "optimality_gap", "above_first", "area", "profile")
    intervals: dict[str, Interval | None] = {name: getattr(row, name) for name in names}
    return {
        "name": contender.name,
        "runs": list(contender.runs),
        "differs": contender.differs,
        "scores": [scores.tolist() for scores in contender.scores],
        **{name: None if interval is None else interval.to_dict() for name, interval in intervals.items()},
        "p_value": row.p_value,
        "curves": [curve.to_dict() for curve in row.curves],
    }
