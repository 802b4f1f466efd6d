"""The fused loop: what it stores, what it counts, and that its bits depend on the seed alone."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.acting import act_greedily
from maddpg.algorithm.state import assemble, hyper
from maddpg.config import AlgorithmConfig, TrainingConfig
from maddpg.training.fused import Fused
from maddpg.training.run_state import RunState
from maddpg.types import Transition
from tests.games import probe

LENGTH, WORLDS, COLLECT, WARM_UP, ROUNDS = 3, 4, 2, 5, 6
TRACES: list[str] = []


def reward(clock, coin, action):
    TRACES.append("step")  # runs when the step is traced, not when it is played
    return coin + 0.1 * action[:, 0] + clock.astype(jnp.float32)


GAME = probe(reward, length=LENGTH, terminates=(True, False))
"""Episodes of three steps, the last of which terminates agent 0 and truncates agent 1."""

CONFIG = AlgorithmConfig(actor_layers=(4,), critic_layers=(5,), critic_input="both", noise=0.0)
TRAINING = TrainingConfig(
    steps=WORLDS * COLLECT * 50,
    environments=WORLDS,
    collect=COLLECT,
    updates=2,
    batch_size=8,
    warmup_steps=WORLDS * COLLECT * WARM_UP,
)


class Runner:
    """The loop, and runs from its compiled parts."""

    def __init__(self, config: AlgorithmConfig = CONFIG, training: TrainingConfig = TRAINING):
        self.fused = Fused(assemble(config, GAME.spec), GAME, training)
        self.numbers = hyper(self.fused.algorithm)

    def start(self, *seeds: int) -> RunState:
        return self.fused.start(jax.vmap(jax.random.key)(jnp.array(seeds)))

    def warmed_up(self, *seeds: int) -> RunState:
        return self.fused.warm_up(self.numbers, self.start(*seeds), WARM_UP)

    def trained(self, *seeds: int, chunks: tuple[int, ...] = (ROUNDS,)) -> RunState:
        run = self.warmed_up(*seeds)
        for rounds in chunks:
            run = self.fused.train(self.numbers, run, rounds)
        return run

    def stored(self, run: RunState, seed: int = 0) -> Transition:
        """All that a seed's replay holds, [step, environment, ...], oldest first."""
        count = int(run.rounds) * TRAINING.round_steps
        rows = self.fused.store.replay.take(run.replay[seed], jnp.arange(count))
        return jax.tree.map(lambda leaf: np.asarray(leaf).reshape(-1, WORLDS, *leaf.shape[1:]), rows)


@pytest.fixture(scope="module")
def runner():
    return Runner()


@pytest.fixture(scope="module")
def trained(runner):
    return runner.trained(0, 1)


@pytest.fixture(scope="module")
def stored(runner, trained):
    return runner.stored(trained)


def bits(tree) -> list[np.ndarray]:
    leaves = [jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf for leaf in jax.tree.leaves(tree)]
    return [np.asarray(leaf) for leaf in leaves]


def same(one, other) -> bool:
    return all(np.array_equal(left, right) for left, right in zip(bits(one), bits(other), strict=True))


def of_seed(run: RunState, seed: int) -> RunState:
    return jax.tree.map(lambda leaf: leaf[seed], replace(run, rounds=None))


# Bits.


def test_the_same_seeds_give_the_same_bits(runner, trained):
    assert same(trained, runner.trained(0, 1))


def test_other_seeds_give_others(trained):
    zero, one = (bits(of_seed(trained, seed).learner.actor) for seed in (0, 1))

    assert not any(np.array_equal(left, right) for left, right in zip(zero, one, strict=True) if left.ndim > 2)


def test_a_seeds_bits_do_not_depend_on_its_neighbours(runner, trained):
    assert same(of_seed(trained, 1), of_seed(runner.trained(7, 1), 1))


def test_a_seed_alone_is_close(runner, trained):
    # Another number of seeds is another program: the same numbers, but sums may be taken in another order.
    alone = runner.trained(1)

    for one, other in zip(bits(of_seed(trained, 1)), bits(of_seed(alone, 0)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_no_key_is_used_twice(runner, checked_keys):
    fused, numbers = runner.fused, runner.numbers

    def play(key):  # of one seed: jax sees reuse where there is none under vmap
        return fused._round(True, numbers, fused._round(False, numbers, fused.collector.start(fused.store, key)))

    jax.jit(play).trace(jax.random.key(0))


@pytest.mark.parametrize("chunks", [(2, 4), (1, 1, 1, 3), (0, 6)], ids=str)
def test_chunks_of_any_length_give_the_same_bits(runner, trained, chunks):
    assert same(trained, runner.trained(0, 1, chunks=chunks))


def test_nothing_is_traced_again(runner, trained):
    before = len(TRACES)

    for rounds in (1, 2, 3):
        runner.fused.train(runner.numbers, runner.trained(0, 1), rounds)

    assert len(TRACES) == before > 0


# What is stored.


def test_environments_start_at_clocks_spread_over_the_episode(runner):
    run = runner.start(0, 1)

    assert run.worlds["clock"].tolist() == [[0, 0, 1, 2]] * 2
    assert not np.any(run.replay)
    np.testing.assert_array_equal(run.state[..., -1], run.worlds["clock"])


def test_the_replay_holds_the_chain_of_true_transitions(stored):
    clock, next_clock = stored.state[..., -1], stored.next_state[..., -1]
    ended = next_clock == LENGTH

    np.testing.assert_array_equal(next_clock, clock + 1)  # at an episode's end too: not the clock of the new one
    np.testing.assert_array_equal(clock[1:], np.where(ended, 0, next_clock)[:-1])
    np.testing.assert_array_equal(stored.next_observation, stored.observation)  # an episode's coin stays: also at its end
    np.testing.assert_array_equal(stored.state[..., :-1], stored.observation[..., 0])
    kept = ~ended[:-1]
    np.testing.assert_array_equal(stored.observation[1:][kept], stored.next_observation[:-1][kept])
    assert np.any(stored.observation[1:][~kept] != stored.next_observation[:-1][~kept])  # a new episode, new coins


def test_a_termination_ends_the_discount_and_a_time_limit_does_not(stored):
    ended = stored.next_state[..., -1] == LENGTH

    np.testing.assert_array_equal(stored.discount[..., 0], 1.0 - ended)
    np.testing.assert_array_equal(stored.discount[..., 1], 1.0)


def test_rewards_are_those_of_the_step(stored):
    expected = stored.observation[..., 0] + 0.1 * stored.action[..., 0] + stored.state[..., -1:]

    np.testing.assert_allclose(stored.reward, expected, rtol=1e-6)


def test_agents_act_at_random_in_the_warm_up_and_then_by_their_policies(runner, trained, stored):
    run = runner.warmed_up(0, 1)
    actor = jax.tree.map(lambda leaf: leaf[0], run.learner.actor)
    first = WARM_UP * COLLECT  # the first steps by policy, without noise here
    policy = act_greedily(runner.fused.algorithm, actor, jnp.asarray(stored.observation[first]))

    np.testing.assert_allclose(stored.action[first], policy, rtol=1e-5)
    random = stored.action[:first]
    assert len(np.unique(random)) == random.size
    assert -1 <= random.min() < -0.8
    assert 0.8 < random.max() <= 1


@pytest.fixture(scope="module")
def small():
    """A replay of three rounds, filled by the policy."""
    return Runner(training=replace(TRAINING, warmup_policy="policy", replay_capacity=24))


def test_the_warm_up_may_be_the_policys(small):
    run = small.fused.warm_up(small.numbers, small.start(0), 3)
    stored = small.stored(run)
    actor = jax.tree.map(lambda leaf: leaf[0], run.learner.actor)

    policy = act_greedily(small.fused.algorithm, actor, jnp.asarray(stored.observation.reshape(-1, 2, 1)))

    np.testing.assert_allclose(stored.action.reshape(-1, 2, 1), policy, rtol=1e-5)


def test_a_full_replay_forgets_the_oldest(small):
    run = small.fused.warm_up(small.numbers, small.start(0), 3)
    before = np.asarray(run.replay[0])
    after = np.asarray(small.fused.warm_up(small.numbers, run, 1).replay[0])

    assert np.any(after[:8] != before[:8])
    np.testing.assert_array_equal(after[8:], before[8:])


def test_a_minibatch_is_shared_or_each_agents_own():
    key = jax.random.key(0)
    batches = {}
    for minibatch in ("shared", "per_agent"):
        runner = Runner(replace(CONFIG, minibatch=minibatch))
        replay, run = runner.fused.store.replay, of_seed(runner.start(0), 0)
        rows = jnp.tile(jnp.arange(replay.capacity, dtype=jnp.float32)[:, None], (1, replay.width))
        batches[minibatch] = runner.fused.store.batches(replace(run, replay=rows, rounds=jnp.int32(12)), key).joint

    assert batches["shared"].reward.shape == (8, 2)
    assert batches["per_agent"].reward.shape == (2, 8, 2)
    drawn = np.asarray(batches["per_agent"].reward[..., 0])
    assert not np.array_equal(np.sort(drawn[0]), np.sort(drawn[1]))
    assert np.all(drawn < 12 * WORLDS * COLLECT)


# What is learned and counted.


def test_the_warm_up_leaves_the_learner_alone(runner):
    assert same(runner.start(0, 1).learner, runner.warmed_up(0, 1).learner)


def test_training_moves_every_network_and_counts_its_updates(runner, trained):
    before = runner.start(0, 1).learner

    for field in ("actor", "critic", "target_actor", "target_critic"):
        assert not same(getattr(before, field), getattr(trained.learner, field))
    assert trained.learner.updates.tolist() == [ROUNDS * TRAINING.updates] * 2
    assert int(trained.rounds) == WARM_UP + ROUNDS


def test_totals_are_those_recomputed_from_the_replay(runner, trained, stored):
    start = runner.start(0, 1)
    under_way = np.asarray(start.episode_return[0])  # of the steps that staggered the clocks
    whole, returns, partly_random = np.asarray(start.worlds["clock"][0]) == 0, [], 0
    for step_reward, next_clock in zip(stored.reward, stored.next_state[..., -1], strict=True):
        under_way = under_way + step_reward
        over = next_clock == LENGTH
        returns += list(under_way[over & whole])
        partly_random += np.sum(over & ~whole)
        under_way[over] = 0
        whole = whole | over

    totals = of_seed(trained, 0).totals
    assert int(totals.episodes) == len(returns)
    assert partly_random == np.sum(start.worlds["clock"][0] > 0) > 0
    np.testing.assert_allclose(totals.episode_return, np.sum(returns, axis=0), rtol=1e-5)
    np.testing.assert_allclose(totals.reward, stored.reward.sum(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(trained.episode_return[0], under_way, rtol=1e-5)


def test_the_episodes_under_way_at_the_start_have_the_rewards_of_their_first_steps(runner):
    run = runner.start(0, 1)
    clock, begun = run.worlds["clock"], run.episode_return

    assert not np.any(begun[clock == 0])
    expected = clock[..., None] * run.observation[..., 0] + (clock * (clock - 1) / 2)[..., None]
    assert np.all(np.abs(begun - expected) <= 0.1 * clock[..., None] + 1e-5)  # but for 0.1 of each action


def test_metrics_are_summed_over_updates(runner, trained):
    run, sums = runner.warmed_up(0, 1), 0.0
    for _ in range(ROUNDS):
        run = replace(run, totals=jax.tree.map(jnp.zeros_like, run.totals))  # as between two lines of metrics
        run = runner.fused.train(runner.numbers, run, 1)
        sums = sums + np.asarray(run.totals.updates["target"])

    np.testing.assert_allclose(trained.totals.updates["target"], sums, rtol=1e-4)
    assert np.all(sums != 0)
