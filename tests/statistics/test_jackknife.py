"""Intervals of few runs: by hand, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from maddpg.statistics import crossed_interval, student_interval

TABLE = np.array([[100.0, 1.0, 2.0], [3.0, 200.0, 4.0], [5.0, 6.0, 300.0]])
STRANGERS = np.where(np.eye(3), np.nan, TABLE)


@pytest.mark.parametrize("level", [0.95, 0.5])
def test_a_mean_of_runs_has_student_s_interval(level):
    values = np.array([1.0, 4.0, 2.0, 9.0])

    interval = student_interval(values, level)

    assert interval.estimate == 4
    expected = stats.t.interval(level, 3, loc=4, scale=stats.sem(values))
    np.testing.assert_allclose([interval.low, interval.high], expected, rtol=1e-9)


def test_the_estimate_counts_every_pair_or_strangers_alone():
    assert crossed_interval(TABLE).estimate == 621 / 9
    assert crossed_interval(STRANGERS).estimate == crossed_interval(STRANGERS, same_runs=True).estimate == 21 / 6


def test_of_the_same_runs_both_sides_are_left_out():
    """Without run 0 the pairs (1, 2) and (2, 1) are left: 4 and 6; and so on."""
    without = np.array([(4 + 6) / 2, (2 + 5) / 2, (1 + 3) / 2])
    reach = stats.t.ppf(0.975, 2) * np.sqrt(2 / 3 * np.sum((without - without.mean()) ** 2))

    interval = crossed_interval(STRANGERS, same_runs=True)

    np.testing.assert_allclose([interval.low, interval.high], [3.5 - reach, 3.5 + reach], rtol=1e-9)


def test_of_other_runs_each_side_adds_what_it_varies_by():
    """Columns alike: what is left is Student's interval of the rows."""
    rows = np.array([0.0, 3.0, 6.0])
    table = rows[:, None] + np.zeros((1, 5))

    interval, alone = crossed_interval(table), student_interval(rows)

    np.testing.assert_allclose([interval.low, interval.high], [alone.low, alone.high])
    np.testing.assert_allclose(crossed_interval(table.T).low, alone.low)
    both = crossed_interval(rows[:, None] + rows[None])  # twice the variance, and twice the degrees of freedom
    np.testing.assert_allclose(both.high, 6 + stats.t.ppf(0.975, 4) * np.sqrt(2 * 3))


def test_where_one_side_gains_what_the_other_loses_runs_that_are_left_out_change_nothing():
    skill = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    table = np.where(np.eye(5), np.nan, skill[:, None] - skill[None])

    together, apart = crossed_interval(table, same_runs=True), crossed_interval(table)

    assert (together.low, together.high) == pytest.approx((0, 0), abs=1e-9)
    assert apart.high - apart.low > 1


def test_runs_that_are_alike_have_an_interval_of_no_width():
    interval = crossed_interval(np.full((3, 3), 2.0))

    assert (interval.estimate, interval.low, interval.high) == (2, 2, 2)


@pytest.mark.parametrize("table", [np.full((1, 1), 2.0), np.full((1, 4), 2.0), np.full((4, 1), 2.0)])
def test_a_single_run_has_no_bounds(table):
    interval = crossed_interval(table)

    assert interval.estimate == 2
    assert np.isnan([interval.low, interval.high]).all()
    assert np.isnan(student_interval(np.array([2.0])).low)


def test_two_runs_as_strangers_have_no_bounds():
    interval = crossed_interval(np.array([[np.nan, 1.0], [5.0, np.nan]]), same_runs=True)

    assert interval.estimate == 3
    assert np.isnan([interval.low, interval.high]).all()


def holds(generator: np.random.Generator, counts: tuple[int, int], same_runs: bool, apart: bool) -> bool:
    """Whether the interval of a game whose mean is 0 holds it: either side's runs vary, and what is between them a little."""
    table = generator.normal(size=counts[0])[:, None] + generator.normal(size=counts[1])[None] + 0.3 * generator.normal(size=counts)
    if apart:
        np.fill_diagonal(table, np.nan)
    interval = crossed_interval(table, same_runs)
    return bool(interval.low <= 0 <= interval.high)


@pytest.mark.parametrize(
    ("counts", "same_runs", "apart"),
    [((3, 3), True, True), ((5, 5), True, True), ((3, 3), False, True), ((3, 5), False, False), ((5, 5), False, True)],
)
def test_they_hold_the_truth_as_often_as_they_say(counts, same_runs, apart):
    """A bootstrap does so far less often in the first case: a draw of three runs leaves pairs of two of them."""
    generator = np.random.default_rng(0)

    share = np.mean([holds(generator, counts, same_runs, apart) for _ in range(1_000)])

    assert 0.93 <= share <= 0.98
