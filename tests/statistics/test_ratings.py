"""Elo by maximum likelihood: closed forms, and what was put in comes out."""

from __future__ import annotations

import numpy as np
import pytest

from maddpg.statistics import elo_ratings


def expected_shares(ratings: np.ndarray) -> np.ndarray:
    return 1 / (1 + 10 ** ((ratings[None, :] - ratings[:, None]) / 400))


def test_three_wins_for_each_loss_are_191_points():
    ratings = elo_ratings(np.array([[0.0, 75.0], [25.0, 0.0]]), prior=1e-9)

    np.testing.assert_allclose(ratings, [95.4243, -95.4243], atol=1e-3)  # 400 log10(3) = 190.8485


def test_ratings_that_made_the_results_are_found_again():
    truth = np.array([300.0, 100.0, 0.0, -50.0, -350.0])

    np.testing.assert_allclose(elo_ratings(1_000 * expected_shares(truth), prior=1e-9), truth, atol=1e-3)


def test_every_player_wins_as_often_as_expected():
    """The likelihood's slope is zero there, whatever the results."""
    wins = np.random.default_rng(0).uniform(size=(6, 6)) * 10
    np.fill_diagonal(wins, 0)
    ratings = elo_ratings(wins, prior=1e-9)
    games = wins + wins.T

    assert ratings.mean() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose((games * expected_shares(ratings)).sum(axis=1), wins.sum(axis=1), rtol=1e-6)


def test_whoever_never_loses_is_rated_by_one_drawn_game():
    ratings = elo_ratings(np.array([[0.0, 999.0], [0.0, 0.0]]))

    assert ratings[0] - ratings[1] == pytest.approx(400 * np.log10(999.5 / 0.5))


def test_the_diagonal_does_not_count():
    wins = np.array([[0.0, 3.0, 1.0], [2.0, 0.0, 4.0], [2.0, 2.0, 0.0]])

    np.testing.assert_array_equal(elo_ratings(wins), elo_ratings(wins + 100 * np.eye(3)))


def test_draws_of_a_bootstrap_are_rated_each_by_itself():
    wins = np.random.default_rng(1).uniform(size=(7, 4, 4)) ** 4 * 1_000

    np.testing.assert_allclose(elo_ratings(wins), np.stack([elo_ratings(each) for each in wins]), atol=1e-5)
