"""Episodes in one program against a plain loop, an episode and a step at a time."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.evaluation.players import Player
from maddpg.evaluation.rollout import make_rollout
from tests.evaluation.game import ACTORS, ALGORITHM, GAME, LIMIT, play_plainly

EPISODES = 12
LINE_UPS = (
    (Player.LEARNED, Player.SCRIPTED),
    (Player.STILL, Player.LEARNED),
    (Player.LEARNED, Player.LEARNED),
    (Player.RANDOM, Player.RANDOM),
)


@pytest.fixture(scope="module")
def rollout():
    return make_rollout(ALGORITHM, GAME, EPISODES)


@pytest.fixture(scope="module")
def played(rollout):
    """Episodes of each line-up, the first actor's and the second's in turn."""
    actors = jax.tree.map(lambda leaf: leaf[jnp.array([0, 1, 0, 1])], ACTORS)
    return jax.device_get(rollout(actors, jnp.array(LINE_UPS, jnp.int32), jax.random.split(jax.random.key(5), len(LINE_UPS))))


@pytest.fixture(scope="module")
def plain(played):
    """The same, from the same starts, [line-up][episode]; random play has none."""
    actors = [jax.tree.map(lambda leaf, row=row: leaf[row], ACTORS) for row in (0, 1, 0)]
    return [
        [play_plainly(start, actor, players) for start in played.metrics["start"][row]]
        for row, (actor, players) in enumerate(zip(actors, LINE_UPS[:3], strict=True))
    ]


def test_returns_are_those_of_a_plain_loop(played, plain):
    for row, episodes in enumerate(plain):
        np.testing.assert_allclose(played.returns[row], [episode.returns for episode in episodes], rtol=1e-5)


def test_episodes_end_at_different_times(plain):
    """Or the tests here would prove little."""
    lengths = {len(episode.clocks) for episodes in plain for episode in episodes}

    assert lengths == set(range(1, LIMIT + 1))


def test_measures_are_taken_over_the_episode_alone(played, plain):
    for row, episodes in enumerate(plain):
        for name, over in (("sum", np.sum), ("mean", np.mean), ("last", lambda clocks: clocks[-1])):
            expected = np.array([over(episode.clocks) for episode in episodes])
            np.testing.assert_allclose(played.metrics[name][row], expected, rtol=1e-6)
            each = np.stack([expected, expected * played.metrics["start"][row]], axis=1)
            np.testing.assert_allclose(played.metrics[f"{name}s"][row], each, rtol=1e-5)


def test_each_episode_starts_anew(played):
    starts = played.metrics["start"].ravel()

    assert len(np.unique(starts)) == starts.size


def test_random_play_is_random(played):
    """What the first agent steered, on average over an episode, is what its return has beyond the clock."""
    steered = (played.returns[3, :, 0] - played.metrics["sum"][3]) / played.metrics["last"][3]

    assert len(np.unique(steered)) == EPISODES
    assert np.all(np.abs(steered) <= 1)
    assert abs(steered.mean()) < 0.3


def test_the_same_key_plays_the_same(rollout, played):
    again = rollout(
        jax.tree.map(lambda leaf: leaf[jnp.array([0, 1, 0, 1])], ACTORS),
        jnp.array(LINE_UPS, jnp.int32),
        jax.random.split(jax.random.key(5), len(LINE_UPS)),
    )

    np.testing.assert_array_equal(again.returns, played.returns)
