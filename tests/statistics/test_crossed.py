"""Means over pairings of seeds that were drawn: who counts."""

from __future__ import annotations

import numpy as np

from maddpg.statistics import crossed_mean

TABLE = np.array([[100.0, 1.0, 2.0], [3.0, 200.0, 4.0], [5.0, 6.0, 300.0]])
ALL = np.ones((3, 3), bool)
STRANGERS = ~np.eye(3, dtype=bool)


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
