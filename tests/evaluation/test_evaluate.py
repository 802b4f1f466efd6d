"""Enough episodes, and yardsticks beside them."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.config import Config
from maddpg.evaluation.evaluate import device_play, evaluate
from maddpg.evaluation.players import Player, choose_players, everybody
from maddpg.evaluation.rollout import Episodes, make_rollout
from maddpg.evaluation.stage import make_stage
from tests.evaluation.game import ACTORS, ALGORITHM, GAME, SPEC


@pytest.fixture(scope="module")
def rollout():
    return make_rollout(ALGORITHM, GAME, 8)


@pytest.mark.parametrize("episodes", [1, 8, 20])
def test_so_many_episodes_are_played_as_were_asked_for(episodes, rollout):
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return rollout(*arguments)

    played = device_play(counted, ACTORS)(everybody(SPEC, Player.LEARNED), episodes)

    assert played.returns.shape == (2, episodes, 2)
    assert played.metrics["sum"].shape == (2, episodes)
    assert played.metrics["sums"].shape == (2, episodes, 2)
    assert len(calls) == -(-episodes // 8)
    for row in range(2):
        assert len(np.unique(played.metrics["start"][row])) == episodes, "an episode was played twice"


def test_without_a_learned_player_the_seeds_share_the_episodes(rollout):
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return rollout(*arguments)

    played = device_play(counted, ACTORS)(everybody(SPEC, Player.SCRIPTED), 20)

    assert played.returns.shape == (1, 20, 2)
    assert len(calls) == 2  # of two seeds with eight episodes each
    assert len(np.unique(played.metrics["start"])) == 20


def test_the_first_episodes_do_not_depend_on_how_many_follow(rollout):
    play = device_play(rollout, ACTORS)
    players = everybody(SPEC, Player.LEARNED)

    np.testing.assert_array_equal(play(players, 5).returns, play(players, 20).returns[:, :5])


def test_seeds_and_yardsticks_stand_side_by_side():
    """With episodes that say who played them: 100 for each player's number, 10 for a seed, 1 for an agent."""
    asked = []

    def play(players: np.ndarray, episodes: int) -> Episodes:
        asked.append((players.tolist(), episodes))
        base = 100.0 * players + np.arange(2)
        returns = np.stack([np.tile(base + 10 * row, (episodes, 1)) for row in range(3)])
        return Episodes(returns, {"hits": np.arange(3.0)[:, None] + np.zeros((3, episodes))})

    players = choose_players(ALGORITHM, {"left": "random"})
    evaluation = evaluate(SPEC, play, range(5, 8), 4, players, "discrete")

    everyone = [[kind] * 2 for kind in (Player.RANDOM, Player.STILL, Player.SCRIPTED)]
    assert asked == [(line_up, 4) for line_up in ([Player.RANDOM, Player.LEARNED], *everyone)]
    assert (evaluation.environment, evaluation.episodes, evaluation.action_mode) == ("ending", 4, "discrete")
    assert evaluation.players == {"steers": "random", "chooses": "learned"}
    assert [seed.seed for seed in evaluation.seeds] == [5, 6, 7]
    for row, seed in enumerate(evaluation.seeds):
        assert seed.agents["steers"].mean == 100 + 10 * row
        assert seed.agents["chooses"].mean == 1 + 10 * row
        yardsticks = [(score.random, score.still, score.scripted) for score in seed.agents.values()]
        assert yardsticks == [(100, 200, 300), (101, 201, 301)]
        assert seed.metrics == {"hits": float(row)}


def test_one_play_serves_all_seeds_where_nobody_learned():
    returns = np.arange(8.0).reshape(1, 4, 2)

    evaluation = evaluate(SPEC, lambda *_: Episodes(returns, {"hits": returns[..., 0]}), [5, 6], 4, everybody(SPEC, Player.STILL), "box")

    assert [seed.agents["steers"].mean for seed in evaluation.seeds] == [3.0, 3.0]
    assert [seed.metrics for seed in evaluation.seeds] == [{"hits": 3.0}, {"hits": 3.0}]


def test_a_place_elsewhere_gives_its_own_name():
    nothing = Episodes(jnp.zeros((1, 2, 2)), {})

    assert evaluate(SPEC, lambda *_: nothing, [0], 2, everybody(SPEC, Player.LEARNED), "box", "mpe2:ending").environment == "mpe2:ending"


def test_what_chooses_networks_while_they_learn_is_not_what_judges_them():
    stage = make_stage(Config(""), ALGORITHM, GAME, 20)
    watched, again, played = (play(ACTORS)(everybody(SPEC, Player.RANDOM), 20).returns for play in (stage.watch, stage.watch, stage.play))

    np.testing.assert_array_equal(watched, again)
    assert watched.shape == played.shape
    assert not np.array_equal(watched, played)
