"""Nash averaging: games with known equilibria, and what holds for any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maddpg.statistics import nash_average

ROCK_PAPER_SCISSORS = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])

games = st.integers(1, 6).flatmap(
    lambda players: st.lists(st.integers(-3, 3), min_size=players**2, max_size=players**2).map(
        lambda numbers: np.array(numbers, float).reshape(players, players)
    )
)


def entropy(weights: np.ndarray) -> float:
    some = weights[weights > 0]
    return float(-(some * np.log(some)).sum())


def test_the_strongest_takes_all():
    average = nash_average(np.array([[0.0, 2.0, 3.0], [-2.0, 0.0, 1.0], [-3.0, -1.0, 0.0]]))

    np.testing.assert_allclose(average.weights, [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(average.skills, [0, -2, -3], atol=1e-5)


def test_a_circle_shares():
    average = nash_average(10 * ROCK_PAPER_SCISSORS)

    np.testing.assert_allclose(average.weights, 1 / 3, atol=1e-6)
    np.testing.assert_allclose(average.skills, 0, atol=1e-5)


def test_weights_by_hand():
    """Scissors that win twice as much: weights are as what the two others play for against each other."""
    game = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -2.0], [-1.0, 2.0, 0.0]])

    np.testing.assert_allclose(nash_average(game).weights, [0.5, 0.25, 0.25], atol=1e-6)


def test_a_copy_shares_its_weight():
    """The paper's point: nobody gains by being there twice."""
    rows = [0, 1, 2, 2]
    average = nash_average(ROCK_PAPER_SCISSORS[np.ix_(rows, rows)])

    np.testing.assert_allclose(average.weights, [1 / 3, 1 / 3, 1 / 6, 1 / 6], atol=1e-5)


def test_where_nothing_is_at_stake_all_count_alike():
    np.testing.assert_allclose(nash_average(np.zeros((4, 4))).weights, 0.25)


def test_what_two_players_share_does_not_count():
    """A level added to every payoff, both ways, is antisymmetrised away."""
    first, second = nash_average(ROCK_PAPER_SCISSORS), nash_average(ROCK_PAPER_SCISSORS + 7)

    np.testing.assert_allclose(first.weights, second.weights, atol=1e-6)


def test_a_payoff_must_be_a_number():
    with pytest.raises(ValueError, match=r"^nash_average: every payoff must be a finite number; fill the diagonal with 0"):
        nash_average(np.array([[np.nan, 1.0], [0.0, 0.0]]))


@settings(deadline=None, max_examples=60)
@given(games)
def test_nobody_wins_against_the_mixture(payoff):
    average = nash_average(payoff)

    assert average.weights.sum() == pytest.approx(1)
    assert (average.weights >= 0).all()
    assert (average.skills <= 1e-4).all()
    np.testing.assert_allclose(average.skills[average.weights > 1e-3], 0, atol=1e-4)


@settings(deadline=None, max_examples=30)
@given(games, st.randoms(use_true_random=False))
def test_the_order_of_players_makes_no_difference(payoff, random):
    """As it would if any other equilibrium were taken than the one with the largest entropy."""
    order = list(range(len(payoff)))
    random.shuffle(order)

    np.testing.assert_allclose(nash_average(payoff[np.ix_(order, order)]).weights, nash_average(payoff).weights[order], atol=1e-3)


def test_of_many_equilibria_it_is_the_most_even():
    """Two players who are equal, and a third who loses to one of them: any mixture of the two is an equilibrium."""
    average = nash_average(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]))

    np.testing.assert_allclose(average.weights, [0.5, 0.5, 0.0], atol=1e-5)
    assert entropy(average.weights) == pytest.approx(np.log(2), abs=1e-4)
