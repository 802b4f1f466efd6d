"""One number for many runs, by hand, and what holds for any scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maddpg.statistics import interquartile_mean, mean, median, optimality_gap, performance_profile, probability_of_improvement

TASKS = [np.array([0.0, 1.0, 2.0, 9.0]), np.array([4.0, 6.0])]

scores = st.lists(st.lists(st.integers(-50, 50), min_size=1, max_size=6), min_size=1, max_size=4).map(
    lambda tasks: [np.array(task, float) for task in tasks]
)


def test_aggregates_by_hand():
    assert mean(TASKS) == pytest.approx((3 + 5) / 2)
    assert median(TASKS) == pytest.approx(4)
    assert median([*TASKS, np.array([100.0])]) == pytest.approx(5)
    assert interquartile_mean(TASKS) == pytest.approx((1 + 2 + 4 + 6) / 4)  # of 0 1 2 4 6 9, one is left out at either end
    assert optimality_gap(TASKS, target=5.0) == pytest.approx(((5 + 4 + 3 + 0) / 4 + (1 + 0) / 2) / 2)


@pytest.mark.parametrize(("count", "kept"), [(1, 1), (3, 3), (4, 2), (5, 3), (7, 5), (8, 4), (10, 6)])
def test_the_interquartile_mean_leaves_a_quarter_out_at_either_end(count, kept):
    squares = np.arange(count, dtype=float) ** 2
    cut = (count - kept) // 2

    assert interquartile_mean([squares[::-1]]) == pytest.approx(squares[cut : cut + kept].mean())


def test_draws_are_axes_before_the_runs():
    drawn = [np.stack([task, 2 * task, task[::-1]]) for task in TASKS]

    for statistic in (mean, median, interquartile_mean):
        one = statistic(TASKS)
        np.testing.assert_allclose(statistic(drawn), [one, 2 * one, one])


@given(scores, st.integers(-9, 9))
def test_aggregates_move_with_the_scores(tasks, shift):
    for statistic in (mean, median, interquartile_mean):
        assert statistic([task + shift for task in tasks]) == pytest.approx(statistic(tasks) + shift)
        assert statistic([2 * task for task in tasks]) == pytest.approx(2 * statistic(tasks))
        assert min(map(min, tasks)) <= statistic(tasks) <= max(map(max, tasks))


def test_probability_of_improvement_by_hand():
    # 1 and 3 against 0, 1, 2: 1 wins once and draws once, 3 wins three times; on the other task every pair is a loss.
    first = [np.array([1.0, 3.0]), np.array([0.0])]
    second = [np.array([0.0, 1.0, 2.0]), np.array([5.0, 6.0])]

    assert probability_of_improvement(first[:1], second[:1]) == pytest.approx(4.5 / 6)
    assert probability_of_improvement(first, second) == pytest.approx(4.5 / 12)
    with pytest.raises(ValueError, match=r"^2 tasks beside 1: both must have been run on the same tasks"):
        probability_of_improvement(first, second[:1])


@given(scores)
def test_one_improves_where_the_other_does_not(tasks):
    reversed_tasks = [task[::-1] * -1 for task in tasks]

    there, back = probability_of_improvement(tasks, reversed_tasks), probability_of_improvement(reversed_tasks, tasks)
    assert there + back == pytest.approx(1)
    assert probability_of_improvement(tasks, tasks) == pytest.approx(0.5)


def test_a_profile_counts_the_runs_above_each_threshold():
    profile = performance_profile(TASKS, np.array([-1.0, 1.0, 4.0, 9.0]))

    np.testing.assert_allclose(profile, [1, (2 / 4 + 1) / 2, (1 / 4 + 1 / 2) / 2, 0])


@given(scores)
def test_a_profile_falls_from_one_to_nothing(tasks):
    profile = performance_profile(tasks, np.linspace(-51, 51, 30))

    assert (profile[0], profile[-1]) == (1, 0)
    assert (np.diff(profile) <= 1e-12).all()
