"""From episodes to a table, by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from maddpg.evaluation.scores import AgentScore, Evaluation, SeedScore, mean_metrics, score_agents
from maddpg.storage.files import without_nan

RETURNS = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [6.0, 0.0]])


def column(*means: float) -> np.ndarray:
    """Two episodes around each agent's mean."""
    return np.array([means, means]) + np.array([[-1.0], [1.0]])


def test_scores_by_hand():
    scores = score_agents(("a", "b"), RETURNS, column(1, 5), column(-1, 6), column(5, 5))

    assert list(scores) == ["a", "b"]
    assert scores["a"].mean == 3.0
    assert scores["a"].standard_error == pytest.approx(math.sqrt(14 / 3) / 2)  # squares 4 + 1 + 0 + 9 over 3; four episodes
    assert (scores["a"].random, scores["a"].still, scores["a"].scripted) == (1.0, -1.0, 5.0)
    assert scores["a"].normalised == pytest.approx(0.5)
    assert scores["b"].standard_error == 0.0


@pytest.mark.parametrize(
    ("mean", "random", "scripted", "expected"),
    [(1.0, 1.0, 5.0, 0.0), (5.0, 1.0, 5.0, 1.0), (7.0, 1.0, 5.0, 1.5), (-20.0, -10.0, -30.0, 0.5), (3.0, 2.0, 2.0, None)],
)
def test_zero_is_random_play_and_one_is_scripted_play(mean, random, scripted, expected):
    assert AgentScore(mean, 0.0, random, 0.0, scripted).normalised == expected


def test_one_episode_has_no_standard_error():
    score = score_agents(("a", "b"), RETURNS[:1], RETURNS, RETURNS, RETURNS)["a"]

    assert score.mean == 1.0
    assert math.isnan(score.standard_error)


def test_metrics_are_means_by_agent_where_they_have_agents():
    metrics = {"hits": np.array([1, 0, 0, 0]), "distance": np.array([[1.0, 2.0], [3.0, 6.0]])}

    means = mean_metrics(("a", "b"), metrics)

    assert means == {"distance": {"a": 2.0, "b": 4.0}, "hits": 0.25}
    assert list(means) == ["distance", "hits"]


def test_the_tables_for_json():
    score = AgentScore(mean=3.0, standard_error=math.nan, random=1.0, still=2.0, scripted=5.0)
    evaluation = Evaluation("simple", 1, "box", {"a": "learned"}, [SeedScore(7, {"a": score}, {"hits": 0.5})])

    assert json.loads(json.dumps(without_nan(evaluation.to_dict()), allow_nan=False)) == {
        "environment": "simple",
        "episodes": 1,
        "action_mode": "box",
        "players": {"a": "learned"},
        "seeds": [
            {
                "seed": 7,
                "agents": {"a": {"mean": 3.0, "standard_error": None, "random": 1.0, "still": 2.0, "scripted": 5.0, "normalised": 0.5}},
                "metrics": {"hits": 0.5},
            }
        ],
        "lost_episodes": 0,
    }
