"""Means over pairings of seeds: who counts, and how sure they are."""

from __future__ import annotations

import numpy as np
import pytest

from maddpg.statistics import crossed_interval, crossed_mean

TABLE = np.array([[100.0, 1.0, 2.0], [3.0, 200.0, 4.0], [5.0, 6.0, 300.0]])
ALL = np.ones((3, 3), bool)
STRANGERS = ~np.eye(3, dtype=bool)
APART = np.where(STRANGERS, TABLE, np.nan)


def drawn(*rows: list[int]) -> np.ndarray:
    return np.array(rows)


def test_a_mean_is_over_the_pairs_that_were_drawn():
    rows, columns = drawn([0, 0, 1], [2, 2, 2]), drawn([2, 0, 0], [1, 1, 1])

    means = crossed_mean(TABLE, ALL, rows, columns)

    assert means.tolist() == [(2 * (2 + 100 + 100) + 4 + 3 + 3) / 9, 6]


def test_those_who_know_each_other_do_not_count():
    rows, columns = drawn([0, 0, 1], [2, 2, 2]), drawn([2, 0, 0], [1, 2, 2])

    means = crossed_mean(TABLE, STRANGERS, rows, columns)

    assert means.tolist() == [(2 * 2 + 4 + 3 + 3) / 5, 6]


def test_a_draw_of_one_seed_and_itself_says_nothing():
    means = crossed_mean(TABLE, STRANGERS, drawn([1, 1, 1], [1, 1, 1]), drawn([1, 1, 1], [1, 1, 0]))

    assert np.isnan(means[0])
    assert means[1] == 3


def test_the_estimate_counts_every_pair_or_strangers_alone():
    assert crossed_interval(TABLE).estimate == 621 / 9
    assert crossed_interval(APART).estimate == crossed_interval(APART, same_runs=True).estimate == 21 / 6


def test_those_who_have_not_met_do_not_count():
    table = np.where(STRANGERS, np.nan, TABLE)
    table[0, 1] = 30

    interval = crossed_interval(table)

    assert interval.estimate == (30 + 100 + 200 + 300) / 4
    assert 30 <= interval.low < interval.high <= 300


def test_the_bounds_leave_out_those_who_know_each_other_too():
    interval = crossed_interval(APART, same_runs=True)

    assert 1 <= interval.low < 3.5 < interval.high <= 6
    assert crossed_interval(TABLE).high > 6


def test_two_runs_have_no_bounds_of_their_own():
    interval = crossed_interval(np.array([[np.nan, 1.0], [5.0, np.nan]]), same_runs=True)

    assert interval.estimate == 3
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)


def test_a_run_that_is_drawn_brings_both_its_sides():
    """Where a run's one side gains what its other side loses, all draws of runs are alike; of sides drawn apart they are not."""
    skill = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    table = np.where(np.eye(5), np.nan, skill[:, None] - skill[None])

    together, apart = crossed_interval(table, same_runs=True), crossed_interval(table)

    assert (together.estimate, apart.estimate) == pytest.approx((0, 0))
    assert (together.low, together.high) == pytest.approx((0, 0), abs=1e-9)
    assert apart.high - apart.low > 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1)])
def test_a_single_seed_has_no_bounds(shape):
    interval = crossed_interval(np.full(shape, 2.0))

    assert interval.estimate == 2
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)


def test_rows_and_columns_may_be_of_different_numbers():
    """Columns alike: what is drawn of them does not matter, and three rows have the 27 draws that one can count."""
    table = np.array([0.0, 3.0, 6.0])[:, None] + np.zeros((1, 5))

    interval = crossed_interval(table)

    assert interval.estimate == 3
    assert (interval.low, interval.high) == (0, 6)  # three times the least: one draw in 27, which is more than 2.5%
    inner = crossed_interval(table, level=0.9)  # 5% on each side: more than that one, and less than the three next to it
    assert (inner.low, inner.high) == pytest.approx((1, 5))
    assert crossed_interval(table.T).low == interval.low


def test_bounds_reach_the_quantiles_of_the_seeds_of_both_sides():
    """Rows and columns of variance 1 each, twelve of both: a mean of variance 2 / 12."""
    skill = np.linspace(-1, 1, 12)
    skill /= skill.std()
    deviation = np.sqrt(2 / 12)

    interval = crossed_interval(skill[:, None] + skill[None])

    assert interval.estimate == pytest.approx(0, abs=1e-12)
    assert (interval.low, interval.high) == pytest.approx((-1.96 * deviation, 1.96 * deviation), rel=0.05)
    half = crossed_interval(skill[:, None] + skill[None], level=0.5)
    assert half.high == pytest.approx(0.6745 * deviation, rel=0.1)


def test_the_same_seed_gives_the_same_interval():
    first, again, other = (crossed_interval(TABLE, draws=50, seed=seed) for seed in (0, 0, 1))

    assert (first.low, first.high) == (again.low, again.high)
    assert (first.low, first.high) != (other.low, other.high)
