"""Intervals: which runs are drawn, and how often the truth lies within."""

from __future__ import annotations

import json

import numpy as np
import pytest

from maddpg.statistics import bootstrap, interquartile_mean, mean, performance_profile, probability_of_improvement, stratified_interval

TASKS = [np.array([0.0, 1.0, 2.0]), np.array([100.0, 101.0])]


def test_runs_are_drawn_within_their_task():
    draws = bootstrap(lambda tasks: np.stack([task.mean(axis=-1) for task in tasks], axis=-1), TASKS, draws=1_200)

    assert draws.shape == (1_200, 2)
    assert set(draws[:, 1]) == {100.0, 100.5, 101.0}  # two draws of the two runs there, and none of the other task
    assert draws[:, 0].min() == 0.0
    assert draws[:, 0].max() == 2.0
    assert abs(np.corrcoef(draws.T)[0, 1]) < 0.1
    assert draws[:, 0].mean() == pytest.approx(1, abs=0.05)
    assert draws[:, 0].std() == pytest.approx(np.sqrt(2 / 3 / 3), abs=0.02)


def test_an_interval_reaches_from_quantile_to_quantile():
    wide, narrow = (stratified_interval(mean, TASKS, level=level) for level in (0.95, 0.5))
    draws = bootstrap(mean, TASKS)

    assert wide.estimate == mean(TASKS)
    assert (wide.low, wide.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])))
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


def test_the_same_seed_gives_the_same_interval():
    first, again, other = (stratified_interval(mean, TASKS, draws=200, seed=seed) for seed in (0, 0, 1))

    assert (first.low, first.high) == (again.low, again.high)
    assert (first.low, first.high) != (other.low, other.high)


def test_two_algorithms_are_drawn_independently():
    alike = [np.arange(20.0)]
    draws = bootstrap(lambda first, second: first[0].mean(axis=-1) - second[0].mean(axis=-1), alike, alike, draws=2_000)

    assert draws.std() == pytest.approx(np.sqrt(2 * alike[0].var() / 20), rel=0.1)


def test_a_single_run_has_no_bounds():
    interval = stratified_interval(mean, [np.array([1.0, 3.0]), np.array([5.0])])

    assert interval.estimate == 3.5
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)


def test_a_curve_has_a_band():
    thresholds = np.array([0.5, 1.5])
    band = stratified_interval(lambda tasks: performance_profile(tasks, thresholds), [np.arange(10.0) / 4])

    assert band.estimate.shape == band.low.shape == band.high.shape == (2,)
    assert (band.low < band.estimate).all()
    assert (band.estimate < band.high).all()
    assert json.loads(json.dumps(band.to_dict()))["estimate"] == pytest.approx([0.7, 0.3])


@pytest.mark.parametrize("statistic", [mean, interquartile_mean])
def test_the_truth_lies_within_about_as_often_as_was_said(statistic):
    """Percentile intervals of few runs are somewhat too short: fewer than 95 in 100 hold the truth."""
    generator = np.random.default_rng(0)
    held = []
    for _ in range(300):
        tasks = [generator.normal(size=10) for _ in range(3)]
        interval = stratified_interval(statistic, tasks, draws=300)
        held.append(interval.low <= 0 <= interval.high)

    assert 0.87 <= np.mean(held) <= 0.97


def test_the_probability_of_improvement_is_held_too():
    """Of normal scores one standard deviation apart: P(X > Y) = Phi(1 / sqrt 2) = 0.7602."""
    generator, held = np.random.default_rng(0), []
    for _ in range(200):
        interval = stratified_interval(probability_of_improvement, [generator.normal(1, size=20)], [generator.normal(size=20)], draws=300)
        held.append(interval.low <= 0.7602 <= interval.high)

    assert 0.88 <= np.mean(held) <= 0.98
