"""Whole episodes in environments in Python: the same ones each time, and as many of each environment."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.state import init
from maddpg.config import Config, HostConfig
from maddpg.environments.host import HostWorld
from maddpg.environments.vector import Vector
from maddpg.environments.vector.configured import open_vector
from maddpg.evaluation.evaluate import evaluate
from maddpg.evaluation.host_play import HostPlayers
from maddpg.evaluation.players import Player, everybody
from maddpg.evaluation.stage import make_stage
from tests.host_worlds import DEATH, LENGTH, SPEC, Make, Trouble, make_parts

PARTS = make_parts()
LEARNED, RANDOM, STILL = (everybody(SPEC, player) for player in (Player.LEARNED, Player.RANDOM, Player.STILL))


def opened(every: int = 0, count: int = 3) -> HostPlayers:
    world = HostWorld(SPEC, Make(trouble=Trouble(every)))
    return HostPlayers(PARTS.algorithm, lambda: open_vector(world, HostConfig(workers=0), count, 0, 11))


@pytest.fixture(scope="module")
def actor():
    """Of three seeds, the last two alike."""
    keys = jax.vmap(jax.random.key)(jnp.array([0, 1, 1]))
    return jax.jit(jax.vmap(lambda key: init(PARTS.algorithm, key).actor))(keys)


@pytest.fixture(scope="module")
def players():
    opened_here = opened()
    yield opened_here
    opened_here.close()


def test_every_call_and_every_seed_plays_the_same_episodes(players, actor):
    first, again = (players.play(actor, LEARNED, 7).returns for _ in range(2))

    assert first.shape == (3, 7, 2)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[1], first[2])
    assert not np.array_equal(first[0], first[1])


def test_who_learned_nothing_plays_once_for_all_seeds(players, actor):
    told = []

    random = players.play(actor, RANDOM, 60, told.append).returns
    still = players.play(actor, STILL, 60).returns

    assert random.shape == still.shape == (1, 60, 2)
    assert sum(told) == 60
    for returns in (random, still):  # everybody names a coin or not, one time in two
        np.testing.assert_allclose(returns[0].mean(axis=0), [LENGTH / 2, DEATH / 2], atol=0.5)


def test_lost_episodes_are_played_again(actor):
    """Each environment plays its share to the end, and no reward of a lost episode counts."""
    failing = opened(every=3)

    episodes = failing.play(actor, RANDOM, 10)
    returns = episodes.returns

    assert failing._vector.faults.lost_episodes > 1
    whole, lost, vector = np.zeros(3, int), np.zeros(3, int), Vector(Make(trouble=Trouble(every=3)), 3, seed=11)
    share = np.array([4, 3, 3])
    vector.reset()
    while (whole < share).any():
        step = vector.step(np.zeros((3, 2, 3), np.float32))
        lost += step.lost & (whole < share)
        whole += step.ended
    assert vector.faults.lost_episodes == failing._vector.faults.lost_episodes > lost.sum(), "those that are not needed do not count"
    np.testing.assert_array_equal(episodes.lost, [lost.sum()])
    assert returns.shape == (1, 10, 2)
    assert (returns <= [LENGTH, DEATH]).all()
    failing.close()
    vector.close()


def test_an_evaluation_says_how_many_episodes_all_who_played_lost(actor):
    failing, lost = opened(every=3), []

    def play(who, episodes):
        played = failing.play(actor, who, episodes)
        lost.extend(played.lost.tolist())
        return played

    evaluation = evaluate(SPEC, play, [5, 6, 7], 6, LEARNED, scripted=False)
    failing.close()

    assert len(lost) == 5  # three seeds, random and still play
    assert evaluation.lost_episodes == sum(lost) > 5


def test_an_evaluation_has_no_scripted_column(players, actor):
    scores = evaluate(SPEC, lambda who, episodes: players.play(actor, who, episodes), [5, 6, 7], 6, LEARNED, scripted=False)

    assert [seed.seed for seed in scores.seeds] == [5, 6, 7]
    assert scores.lost_episodes == 0
    for seed in scores.seeds:
        for agent in seed.agents.values():
            assert agent.scripted is None
            assert agent.normalised is None


def test_other_episodes_come_from_another_first_one(players, actor):
    usual, other, again = (players.play(actor, RANDOM, 9, first=first).returns for first in (0, 2**20, 2**20))

    np.testing.assert_array_equal(other, again)
    assert not np.array_equal(usual, other)


def test_what_chooses_networks_while_they_learn_is_not_what_judges_them(actor):
    world = HostWorld(SPEC, Make(trouble=Trouble(0)))
    stage = make_stage(Config("", host=HostConfig(workers=0)), PARTS.algorithm, world, 9)
    try:
        watched, played = (play(actor)(LEARNED, 9).returns for play in (stage.watch, stage.play))
    finally:
        stage.close()

    assert watched.shape == played.shape
    assert not np.array_equal(watched, played)
