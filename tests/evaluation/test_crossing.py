"""Teams of different runs against each other."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.state import assemble
from maddpg.evaluation import crossing
from maddpg.evaluation.crossing import cross, on_device, on_stage, play_pairings, pool
from maddpg.evaluation.evaluate import device_play
from maddpg.evaluation.players import Player, everybody
from maddpg.evaluation.rollout import make_rollout
from maddpg.evaluation.stage import Stage
from tests.evaluation.game import ACTORS, ALGORITHM, GAME, SPEC

EPISODES = 8
KEY = jax.random.key(3)


@pytest.fixture(scope="module")
def crossed():
    return cross(ALGORITHM, GAME, {"left": ACTORS, "right": ACTORS}, EPISODES, KEY)


def mixed(left: int, right: int):
    """The first agent of one seed with the second agent of another."""
    return jax.tree.map(lambda leaf: jnp.stack([leaf[left, 0], leaf[right, 1]])[None], ACTORS)


def test_every_seed_meets_every_seed(crossed):
    seeds = len(jax.tree.leaves(ACTORS)[0])
    rollout = make_rollout(ALGORITHM, GAME, EPISODES)

    assert crossed.returns.shape == crossed.metrics["sums"].shape == (seeds, seeds, EPISODES, 2)
    assert crossed.metrics["mean"].shape == (seeds, seeds, EPISODES)
    for left in range(seeds):
        for right in range(seeds):
            expected = rollout(mixed(left, right), jnp.zeros((1, 2), jnp.int32), KEY[None])
            jax.tree.map(lambda mine, other, pair=(left, right): np.testing.assert_array_equal(mine[pair], other[0]), crossed, expected)


def test_the_seeds_play_differently(crossed):
    """Or the test above would prove little."""
    assert not np.array_equal(crossed.returns[0, 0], crossed.returns[1, 0])
    assert not np.array_equal(crossed.returns[0, 0], crossed.returns[0, 1])


def test_matched_seeds_meet_each_other_alone(crossed):
    three = jax.tree.map(lambda leaf: jnp.concatenate([leaf[::-1], leaf[:1]]), ACTORS)  # seeds 1, 0 and 0; the last meets nobody
    matched = cross(ALGORITHM, GAME, {"left": ACTORS, "right": three}, EPISODES, KEY, matched=True)

    assert matched.returns.shape == (2, EPISODES, 2)
    assert matched.metrics["start"].shape == (2, EPISODES)
    for left, right in ((0, 1), (1, 0)):
        np.testing.assert_allclose(matched.returns[left], crossed.returns[left, right], rtol=1e-6)
        np.testing.assert_allclose(matched.metrics["sums"][left], crossed.metrics["sums"][left, right], rtol=1e-6)


def test_a_single_policy_meets_an_ensemble_as_an_ensemble_of_equals(crossed):
    ensemble = assemble(replace(ALGORITHM.config, ensemble_size=2), SPEC)
    twice = jax.tree.map(lambda leaf: jnp.repeat(leaf, 2, axis=2), ACTORS)

    against = cross(ensemble, GAME, {"left": ACTORS, "right": twice}, EPISODES, KEY)

    np.testing.assert_allclose(against.returns, crossed.returns, rtol=1e-6)


def test_ensembles_of_different_sizes_meet():
    """Each member as often as any other: three times two is twice three."""
    members = jnp.arange(6.0).reshape(1, 1, 6)

    pooled = np.asarray(pool([members[:, :, :2], members[:, :, 3:]], 6))[:, 0]

    assert [sorted(row) for row in pooled.tolist()] == [[0, 0, 0, 1, 1, 1], [3, 3, 4, 4, 5, 5]]


LINE_UPS = np.array([[0, 1], [1, 1], [1, 0], [0, 0], [1, 1]])
LEARNED = np.tile(everybody(SPEC, Player.LEARNED), (2, 1))


def test_the_last_call_is_as_large_as_the_others_and_its_surplus_is_not_told(crossed, monkeypatch):
    monkeypatch.setattr(crossing, "AT_ONCE", 2 * EPISODES)
    sizes, told = [], []
    play = on_device(ALGORITHM, GAME, EPISODES, KEY)

    def watched(actors, players):
        sizes.append(len(players))
        return play(actors, players)

    returns = play_pairings(watched, ACTORS, LEARNED, LINE_UPS, EPISODES, told.append)

    assert sizes == [2, 2, 2]
    assert told == [2 * EPISODES, 2 * EPISODES, EPISODES]
    np.testing.assert_allclose(returns, [crossed.returns[left, right] for left, right in LINE_UPS], rtol=1e-6)


def test_what_is_kept_of_each_call_is_put_together(crossed, monkeypatch):
    monkeypatch.setattr(crossing, "AT_ONCE", 2 * EPISODES)
    play = on_device(ALGORITHM, GAME, EPISODES, KEY)

    def keep(part):
        return {"whole": part, "best": part.returns.max(axis=1)}

    kept = play_pairings(play, ACTORS, LEARNED, LINE_UPS, EPISODES, keep=keep)

    left, right = LINE_UPS.T
    jax.tree.map(lambda mine, other: np.testing.assert_allclose(mine, other[left, right], rtol=1e-6), kept["whole"], crossed)
    np.testing.assert_array_equal(kept["best"], kept["whole"].returns.max(axis=1))


def test_many_episodes_are_played_in_several_calls_from_other_starts(monkeypatch):
    monkeypatch.setattr(crossing, "LONGEST", 3)
    play = on_device(ALGORITHM, GAME, 7, KEY)

    played = play_pairings(play, ACTORS, LEARNED, LINE_UPS, 7, keep=lambda part: part)

    assert played.returns.shape == (5, 7, 2)
    assert played.metrics["start"].shape == (5, 7)
    assert len(np.unique(played.returns[0, :, 1])) > 4
    np.testing.assert_array_equal(played.returns[1], played.returns[4])
    starts = played.metrics["start"]
    np.testing.assert_array_equal(starts, np.tile(starts[0], (5, 1)))  # the same for all line-ups


def test_others_may_play_for_a_policy():
    players = np.stack([everybody(SPEC, Player.SCRIPTED), everybody(SPEC, Player.LEARNED)])
    play = on_device(ALGORITHM, GAME, EPISODES, KEY)

    returns = play_pairings(play, ACTORS, players, LINE_UPS[:1], EPISODES)

    rollout = make_rollout(ALGORITHM, GAME, EPISODES)
    who = jnp.array([[Player.SCRIPTED, Player.LEARNED]], jnp.int32)
    np.testing.assert_allclose(returns, rollout(mixed(0, 1), who, KEY[None]).returns, rtol=1e-6)


def test_on_a_stage_line_ups_play_one_after_another_from_the_same_starts():
    rollout = make_rollout(ALGORITHM, GAME, EPISODES)
    stage = Stage(True, lambda actor: device_play(rollout, actor), lambda actor: device_play(rollout, actor), lambda: None)

    played = play_pairings(on_stage(stage, EPISODES), ACTORS, LEARNED, LINE_UPS, EPISODES, keep=lambda part: part)

    np.testing.assert_array_equal(played.returns[1], played.returns[4])
    alone = stage.play(mixed(0, 1))(LEARNED[0], EPISODES)
    np.testing.assert_allclose(played.returns[0], alone.returns[0], rtol=1e-6)
    np.testing.assert_allclose(played.metrics["sums"][0], alone.metrics["sums"][0], rtol=1e-6)
    assert not np.array_equal(played.returns[0], played.returns[1])
