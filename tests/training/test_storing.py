"""What the loop stores of an ensemble and draws again, with everything else that the algorithm has switched on beside it."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.acting import act_greedily
from maddpg.algorithm.state import assemble, hyper
from maddpg.config import AlgorithmConfig, TeamConfig, TrainingConfig
from maddpg.training.fused import Fused
from tests.games import UNIT, probe

LENGTH, WORLDS, ROUNDS, CAPACITY = 3, 4, 18, 48
GAME = replace(
    probe(lambda clock, coin, action: coin + 0.1 * action[:, 0], spaces=[UNIT] * 4, teams="aabs", length=LENGTH, terminates=False),
    scripted=lambda key, state: jnp.full((4, 1), 0.1) * state["clock"],
)
"""Two on a team, one alone, and one by script."""

TEAMS = {"s": TeamConfig(player="scripted")}
EVERYTHING = AlgorithmConfig(
    actor_layers=(3,),
    critic_layers=(4,),
    critic_input="both",
    minibatch="per_agent",
    agent_order="in_turn",
    others_actions="current",
    inference=True,
    inference_layers=(3,),
    ensemble_size=2,
    noise=0.0,
)
TRAINING = TrainingConfig(
    steps=WORLDS * 100,
    environments=WORLDS,
    updates=2,
    batch_size=30,
    warmup_steps=WORLDS,
    warmup_policy="policy",
    replay_capacity=CAPACITY,
)


class Played:
    """A run with everything switched on, by untrained policies, its replay written over once and a half."""

    def __init__(self):
        self.algorithm = assemble(EVERYTHING, GAME.spec, TEAMS)
        self.fused, self.numbers = Fused(self.algorithm, GAME, TRAINING), hyper(self.algorithm)
        self.run = self.fused.warm_up(self.numbers, self.fused.start(jax.random.split(jax.random.key(0), 1)), ROUNDS)
        rows = (jnp.arange(CAPACITY) + ROUNDS * WORLDS) % CAPACITY  # oldest first
        stored = self.fused.store.replay.take(self.run.replay[0], rows)
        self.stored = jax.tree.map(lambda leaf: np.asarray(leaf).reshape(-1, WORLDS, *leaf.shape[1:]), stored)
        one = jax.tree.map(lambda leaf: leaf[0], replace(self.run, rounds=None))
        self.one = replace(one, rounds=self.run.rounds)


@pytest.fixture(scope="module")
def played():
    return Played()


def test_a_sub_policy_plays_a_whole_episode_and_is_drawn_anew_for_the_next(played):
    who, ended = played.stored.sub_policy, played.stored.next_state[..., -1] == LENGTH
    changed = np.any(who[1:] != who[:-1], axis=2)

    assert not np.any(changed[~ended[:-1]])
    assert 0.4 < changed[ended[:-1]].mean() < 0.95  # three in four: two draws of two
    np.testing.assert_array_equal(who[..., 0], who[..., 1])  # a team's is one
    assert np.any(who[..., 0] != who[..., 2])


def test_who_is_stored_is_who_acted(played):
    actor = jax.tree.map(lambda leaf: leaf[0], played.run.learner.actor)
    stored = jax.tree.map(lambda leaf: jnp.asarray(leaf.reshape(-1, *leaf.shape[2:])), played.stored)

    play = jax.jit(lambda who: act_greedily(played.algorithm, actor, stored.observation, who.astype(jnp.int32)))
    action, others = play(stored.sub_policy), play(1 - stored.sub_policy)

    np.testing.assert_allclose(stored.action[:, :3], action[:, :3], rtol=1e-5)
    assert np.all(np.any(stored.action[:, :3] != others[:, :3], axis=0))


def test_each_members_minibatch_is_from_its_own_replay(played):
    batches = jax.jit(played.fused.store.batches)(played.one, jax.random.key(1))

    assert batches.members.reward.shape == (3, 2, 30, 4)
    assert batches.has_members.tolist() == [[True, True]] * 3
    who = np.asarray(batches.members.sub_policy)
    for agent in range(3):
        for member in range(2):
            np.testing.assert_array_equal(who[agent, member, :, agent], member)
    assert len(np.unique(who[0, :, :, 2])) == 2  # the other team's is whoever it was
    # per_agent: those of one team share the replay, not the draw.
    assert np.any(batches.members.state[0] != batches.members.state[1])
    assert batches.joint.reward.shape == (3, 30, 4)
    assert batches.latest.reward.shape == (30, 4)


def test_a_shared_minibatch_is_a_teams_too(played):
    algorithm = assemble(replace(EVERYTHING, minibatch="shared", inference=False, inference_layers=(64, 64)), GAME.spec, TEAMS)
    batches = jax.jit(replace(played.fused, algorithm=algorithm).store.batches)(played.one, jax.random.key(1))

    assert batches.joint.reward.shape == (30, 4)
    assert batches.latest is None
    np.testing.assert_array_equal(batches.members.state[0], batches.members.state[1])
    assert np.any(batches.members.state[0] != batches.members.state[2])


def test_everything_at_once_learns_and_stays_finite(played):
    before = jax.tree.map(jnp.copy, played.one.learner)
    run = jax.tree.map(lambda leaf: jnp.copy(leaf)[None], replace(played.one, rounds=None))

    after = played.fused.train(played.numbers, replace(run, rounds=jnp.copy(played.run.rounds)), 5)

    assert after.learner.updates.tolist() == [10]
    assert int(after.episodes[0]) > 0
    for field in ("actor", "critic", "model", "target_actor", "target_critic", "target_model"):
        rows = jax.tree.leaves(
            jax.tree.map(
                lambda old, new: np.any(old != new[0], axis=tuple(range(1, old.ndim))),
                getattr(before, field),
                getattr(after.learner, field),
            )
        )
        moved = np.any(rows, axis=0).tolist()
        assert moved == [True, True, True, False][: len(moved)]
    leaves = jax.tree.leaves((replace(after.learner, updates=None), after.totals))
    assert all(np.all(np.isfinite(leaf)) for leaf in leaves)
    compared = played.fused.compare_models(played.numbers, after)
    assert compared["inference_kl"].shape == (1, 3, 3)
    np.testing.assert_array_equal(np.isnan(compared["inference_kl"][0]), [[False, False, True]] * 3)  # the last is the script
