"""From meetings to a matrix: by hand, and the intervals that were put in."""

from __future__ import annotations

import json

import numpy as np
import pytest

from maddpg.evaluation.meetings import Meetings
from maddpg.evaluation.standings import standings
from maddpg.statistics import crossed_interval
from maddpg.storage.files import without_nan


def meetings(seeds: dict[str, int], row: np.ndarray, column: np.ndarray | None = None, noise: float = 0.0, episodes: int = 50) -> Meetings:
    """Means [policy, policy] of each side; of one side without `column`. Every pairing has noise of its own."""
    sides = [row] if column is None else [row, column]
    returns = np.stack(sides, axis=-1)[:, :, None, :] + noise * np.random.default_rng(0).normal(size=(*row.shape, episodes, len(sides)))
    names = ("all",) if column is None else ("hunters", "prey")
    entrants = tuple((name, tuple(range(count))) for name, count in seeds.items())
    return Meetings("game", entrants, ("hunters", "prey"), names, returns.astype(np.float32))


HUNTERS = np.array([[7.0, 1.0, 4.0], [3.0, 9.0, 6.0], [10.0, 20.0, 5.0]])  # two seeds of x, one of y


def test_means_leave_out_those_who_were_trained_together():
    found = standings(meetings({"x": 2, "y": 1}, HUNTERS, -HUNTERS), draws=50)

    np.testing.assert_allclose(found.matrix.estimate[..., 0], [[(1 + 3) / 2, (4 + 6) / 2], [(10 + 20) / 2, 5]])
    np.testing.assert_allclose(found.matrix.estimate[..., 1], -found.matrix.estimate[..., 0])
    np.testing.assert_allclose(found.together.estimate[:, 0], [(7 + 9) / 2, 5])
    np.testing.assert_allclose(found.others.estimate, [[5, -15], [15, -5]])  # x's hunters beside y's prey; x's prey beside y's hunters
    assert (found.runs, found.seeds, found.sides) == (("x", "y"), (2, 1), ("hunters", "prey"))


def test_of_one_team_a_run_s_agents_are_met_in_rows_and_in_columns():
    found = standings(meetings({"x": 2, "y": 1}, HUNTERS), draws=50)

    np.testing.assert_allclose(found.others.estimate[:, 0], [(5 + 15) / 2, (15 + 5) / 2])
    assert found.elo is None
    assert found.nash is None


def test_the_seeds_of_a_single_run_meet_each_other():
    found = standings(meetings({"x": 2}, HUNTERS[:2, :2], -HUNTERS[:2, :2]), draws=50)

    np.testing.assert_allclose(found.others.estimate, [[2, -2]])
    assert found.elo is None


def test_ratings_are_of_meetings_in_either_role():
    """y is two ahead of x in either role, and z far behind in one: z's hunters win much against anybody, its prey loses more."""
    hunters = np.array([[0.0, -1.0, 9.0], [1.0, 0.0, 9.0], [2.0, 2.0, 5.0]])
    found = standings(meetings({"x": 1, "y": 1, "z": 1}, hunters, np.zeros((3, 3))), draws=50)

    np.testing.assert_allclose(found.wins, [[0, 0, 1], [1, 0, 1], [0, 0, 0]])
    assert found.elo.estimate[1] > found.elo.estimate[0] > found.elo.estimate[2]
    np.testing.assert_allclose(found.nash.weights, [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(found.nash.skills, [-1, 0, -3.5], atol=1e-5)  # half of (hunters' return there - hunters' return back)


def test_the_intervals_are_those_of_episodes_where_there_is_one_seed():
    found = standings(meetings({"x": 1, "y": 1}, np.zeros((2, 2)), np.zeros((2, 2)), noise=1, episodes=400))
    width = found.matrix.high - found.matrix.low

    np.testing.assert_allclose(width, 2 * 1.96 / np.sqrt(400), rtol=0.2)
    assert (found.wins[0, 1] + found.wins[1, 0]) == pytest.approx(1)


def test_the_intervals_are_those_of_seeds_where_these_differ():
    skill = np.random.default_rng(1).normal(size=10)
    hunters = np.add.outer(np.concatenate([skill, [0.0]]), np.zeros(11))
    found = standings(meetings({"x": 10, "y": 1}, hunters, -hunters))
    width = found.matrix.high - found.matrix.low

    assert width[0, 1, 0] == pytest.approx(2 * 1.96 * skill.std() / np.sqrt(10), rel=0.15)
    assert width[1, 1, 0] == 0


@pytest.mark.parametrize("others", [{}, {"y": 1}])
def test_a_run_beside_its_own_seeds_has_the_interval_of_strangers(others):
    """Drawn again, three seeds would leave pairs of two of them, and half the width."""
    means = np.random.default_rng(2).normal(size=(3 + len(others),) * 2)
    found = standings(meetings({"x": 3, **others}, means, -means))
    expected = crossed_interval(np.where(np.eye(3), np.nan, means[:3, :3]), same_runs=True)

    bounds = [found.matrix.low[0, 0, 0], found.matrix.high[0, 0, 0]]
    np.testing.assert_allclose(bounds, [expected.low, expected.high], rtol=1e-5)
    np.testing.assert_allclose(found.matrix.low[0, 0, 1], -expected.high, rtol=1e-5)
    if not others:
        np.testing.assert_allclose(found.others.high[0], [expected.high, -expected.low], rtol=1e-5)


def test_a_stronger_run_has_the_higher_rating_for_certain():
    hunters = np.add.outer([0.0, 0.0, 0.5, 0.5], np.zeros(4))
    found = standings(meetings({"x": 2, "y": 2}, hunters, np.zeros((4, 4)), noise=1, episodes=500))

    assert found.elo.low[1] > found.elo.high[0]
    assert found.wins[1, 0] == pytest.approx(0.6, abs=0.05)  # Phi(0.5 / 2): the difference of two differences of two
    assert json.loads(json.dumps(without_nan(found.to_dict()), allow_nan=False))["rows"] == "hunters"
