"""The loop for environments in Python: what it stores, what it learns from, and what must not change it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file

from maddpg.config import HostConfig, TeamConfig
from maddpg.environments.host import BadEnvironment
from maddpg.environments.vector import EnvironmentFailed
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.evaluation.players import Player, everybody
from maddpg.storage.arrays import named_leaves
from maddpg.storage.run_folder import RunFolder
from maddpg.training import pace
from maddpg.training.host import Host
from maddpg.training.memory import required_bytes
from maddpg.training.run import train
from maddpg.types import Transition
from tests.host_worlds import ALONE, DEATH, LENGTH, TRAINING, Make, Trouble, make_parts

FAILING = Trouble(every=5)
COUNT, ROUNDS, WARM_UP = TRAINING.environments, TRAINING.rounds, TRAINING.warmup_rounds


def play(parts, *seeds: int):
    """The loop's state after all rounds, of these seeds."""
    loop, numbers = parts.loop, parts.hyper
    try:
        run = loop.warm_up(numbers, loop.start(jax.vmap(jax.random.key)(jnp.array(seeds))), WARM_UP)
        return jax.block_until_ready(loop.train(numbers, run, ROUNDS - WARM_UP))
    finally:
        loop.close()


def stored(loop: Host, run, seed: int = 0) -> Transition:
    """What its replay holds, [round, environment, ...]."""
    rows = jax.device_get(loop.store.replay.take(run.replay[seed], jnp.arange(ROUNDS * COUNT)))
    return jax.tree.map(lambda leaf: leaf.reshape(ROUNDS, COUNT, *leaf.shape[1:]), rows)


def leaves(run) -> list[np.ndarray]:
    """All numbers, but for random keys."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(run) if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)]


def assert_same(one, other) -> None:
    for mine, theirs in zip(leaves(one), leaves(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@dataclass
class Played:
    """A loop of one seed in environments that fail, and what became of it."""

    loop: Host
    run: object
    rows: Transition


@pytest.fixture(scope="module")
def played():
    parts = make_parts(Make(trouble=FAILING))
    run = play(parts, 3)
    return Played(parts.loop, run, stored(parts.loop, run))


# What is stored ------------------------------------------------------------------------------------------------------------------


def test_lost_steps_are_counted_and_stored_as_rows_in_which_nobody_is_there(played):
    rows = played.rows
    nobody = ~rows.availability.alive.any(axis=2)

    assert played.loop.lost_episodes > 3
    assert nobody.sum() == played.run.totals.lost[0] == played.loop.lost_episodes
    for gone in (rows.reward, rows.next_availability.alive):
        assert not gone[nobody].any()
    after = rows.observation[1:][nobody[:-1]]
    assert (after[..., 1] == 0).all(), "another episode has begun"


def test_the_last_observation_reaches_the_replay(played):
    rows = played.rows
    there = rows.availability.alive
    clock, next_clock = rows.observation[..., 1], rows.next_observation[..., 1]

    np.testing.assert_array_equal(next_clock[there], clock[there] + 1)
    died = there[..., 1] & (next_clock[..., 1] == DEATH)
    assert died.any()
    assert (rows.next_observation[died, 1, 2] == 7).all()
    assert (rows.discount[died, 1] == 0).all()
    assert not rows.next_availability.alive[died, 1].any()
    out_of_time = there[..., 0] & (next_clock[..., 0] == LENGTH)
    assert out_of_time.any()
    assert (rows.discount[out_of_time, 0] == 1).all()
    assert rows.next_availability.alive[out_of_time, 0].all(), "its value goes on"
    dead = ~there[..., 1]
    for zeros in (rows.action[dead, 1], rows.reward[dead, 1]):
        assert not zeros.any()


def test_what_follows_is_what_was_led_to_unless_an_episode_was_over(played):
    rows = played.rows
    goes_on = (rows.observation[1:, :, 0, 1] > 0)[..., None]

    np.testing.assert_array_equal(
        np.where(goes_on & rows.availability.alive[1:], rows.observation[1:, ..., 0], 0),
        np.where(goes_on & rows.availability.alive[1:], rows.next_observation[:-1, ..., 0], 0),
    )


def test_the_rewards_are_those_of_the_actions(played):
    rows = played.rows
    coin = rows.observation[..., 0].astype(int)

    named = np.take_along_axis(rows.action, coin[..., None], axis=-1)[..., 0] * rows.availability.alive
    np.testing.assert_array_equal(rows.reward, named)
    np.testing.assert_allclose(played.run.totals.reward[0], named.sum(axis=(0, 1)))
    assert rows.action[..., 0, :].any(axis=(0, 1))[:2].all()
    assert not rows.action[..., 1, 2].any()


def test_first_episodes_end_at_different_times():
    parts = make_parts()
    rows = stored(parts.loop, play(parts, 3))
    ends = [1 + int(np.argmax(rows.observation[1:, index, 0, 1] == 0)) for index in range(COUNT)]

    np.testing.assert_array_equal(ends, np.maximum(1, np.arange(1, COUNT + 1) * LENGTH // COUNT))
    cut = [rows.next_availability.alive[end - 1, index, 0] for index, end in enumerate(ends)]
    assert all(cut), "as by a time limit"


def test_returns_are_of_whole_episodes(played):
    """Lost ones are left out, and first ones that are cut so that environments do not end in step."""
    rows, total, episodes, cut = played.rows, np.zeros(2), 0, 0
    clocks = np.concatenate([rows.observation[1:, :, 0, 1], np.asarray(played.run.observation)[:, :, 0, 1]])
    for index in range(COUNT):
        so_far, whole = np.zeros(2), (index + 1) * LENGTH // COUNT == LENGTH
        for step in range(ROUNDS):
            so_far = so_far + rows.reward[step, index]
            if clocks[step, index] == 0:  # another one has begun
                if whole and rows.availability.alive[step, index].any():
                    total, episodes = total + so_far, episodes + 1
                    assert not rows.availability.alive[step, index, 1], "the second agent is dead by the end"
                cut += not whole
                so_far, whole = np.zeros(2), True

    assert cut == COUNT - 1
    assert played.run.totals.episodes[0] == episodes > 30
    np.testing.assert_allclose(played.run.totals.episode_return[0], total)


def test_training_and_evaluation_play_no_episode_alike():
    seeds = []
    parts = make_parts(Make(trouble=lambda seed, clock: seeds.append(seed)))
    run = play(parts, 3)
    trained = set(seeds)
    seeds.clear()
    stage = parts.stage(12)
    stage.play(run.learner.actor)(everybody(parts.spec, Player.LEARNED), 12)
    stage.close()

    assert min(len(trained), len(set(seeds))) >= 12
    assert max(trained) < 2**30 <= min(seeds)
    with pytest.raises(ValueError, match="those beyond are for evaluations"):
        replace(TRAINING, seed=EVALUATION_SEED)


# A single agent ------------------------------------------------------------------------------------------------------------------


def test_steps_that_a_lone_agent_lost_are_no_transitions():
    parts = make_parts(Make(ALONE, FAILING))
    assert not parts.spec.mortal
    rows = stored(parts.loop, run := play(parts, 3))

    nobody = ~rows.availability.alive[..., 0]
    assert nobody.sum() == run.totals.lost[0] > 3
    there = ~nobody
    np.testing.assert_array_equal(rows.next_observation[there, 0, 1], rows.observation[there, 0, 1] + 1)


# What must not matter ------------------------------------------------------------------------------------------------------------


def test_workers_change_nothing(played):
    run = play(make_parts(Make(trouble=FAILING), host=HostConfig(workers=2)), 3)

    assert_same(run, played.run)


def test_a_run_twice_is_the_same_and_seeds_side_by_side_are_as_alone(played):
    two = play(make_parts(Make(trouble=FAILING), replace(TRAINING, seeds=2)), 3, 4)

    for mine, theirs in zip(leaves(two.learner), leaves(played.run.learner), strict=True):
        np.testing.assert_allclose(mine[0], theirs[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(two.replay[0], played.run.replay[0])
    assert not np.array_equal(two.replay[0], two.replay[1])


def test_more_steps_in_a_round_are_stored_in_their_order():
    training = replace(TRAINING, environments=4, collect=2)
    parts = make_parts(Make(trouble=FAILING), training)
    run = play(parts, 3)
    rows = jax.device_get(parts.loop.store.replay.take(run.replay[0], jnp.arange(ROUNDS * COUNT)))
    clock = rows.observation[:, 0, 1].reshape(ROUNDS * 2, 4)
    there = rows.availability.alive[:, 0].reshape(ROUNDS * 2, 4)

    follows = np.where(clock[1:] == 0, 0, clock[:-1] + 1)
    np.testing.assert_array_equal(clock[1:], np.where(there[:-1], follows, 0))
    assert run.learner.updates[0] == (ROUNDS - WARM_UP) * TRAINING.updates


def test_the_memory_that_is_foretold_is_the_memory_that_is_taken(played):
    assert required_bytes(played.loop, 1) == sum(leaf.nbytes for leaf in jax.tree.leaves(played.run))


# Whole runs ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(folder, result) of two seeds, with ensembles and models of the others."""
    folder = RunFolder(tmp_path_factory.mktemp("coins"))
    parts = make_parts(Make(trouble=FAILING), replace(TRAINING, seeds=2), ensemble_size=2, inference=True, inference_layers=(8,))
    trained = train(parts, folder)
    yield folder, trained
    trained.close()


def lines(folder: RunFolder) -> list[dict]:
    return [json.loads(line) for line in folder.metrics.read_text().splitlines()]


def test_a_run_counts_its_steps_and_what_it_lost(trained):
    folder, result = trained
    told = lines(folder)

    assert (result.steps, result.updates, result.finished) == (240, 42, True)
    assert [(line["kind"], line["steps"]) for line in told if line["seed"] == 4] == [
        ("training", 80),
        ("training", 160),
        ("evaluation", 160),
        ("training", 240),
        ("evaluation", 240),
    ]
    assert sum(line.get("lost_steps", 0) for line in told) == result.lost_episodes > 6
    assert {line["seed"] for line in told} == {3, 4}
    assert any(line.get("lost_episodes", 0) > 0 for line in told if line["kind"] == "evaluation")
    for line in told:
        for agent, most in (("left", LENGTH), ("right", DEATH)):
            assert 0 <= line["return"][agent] <= most
    learned = [line for line in told if "critic_loss" in line]
    assert [line["steps"] for line in learned] == [80, 80, 160, 160, 240, 240]
    for line in learned:
        assert np.isfinite([line["critic_loss"]["left"], line["actor_loss"]["right"], line["inference_kl"]["left"]["right"]]).all()


def test_a_run_saves_what_it_learned(trained):
    folder, result = trained
    saved = load_file(folder.parameters)

    for name, leaf in named_leaves({"actor": result.learner.actor, "model": result.learner.model}).items():
        np.testing.assert_array_equal(saved[name], leaf)
    assert saved["actor/0/weight"].shape[:3] == (2, 2, 2)  # seed, agent, member


def test_a_sub_policy_plays_a_whole_episode():
    parts = make_parts(Make(trouble=FAILING), ensemble_size=2)
    rows = stored(parts.loop, play(parts, 3))

    goes_on = rows.observation[1:, :, 0, 1] > 0
    changed = rows.sub_policy[1:] != rows.sub_policy[:-1]
    assert not changed[goes_on].any()
    lost = ~rows.availability.alive[:-1].any(axis=2)
    assert changed[lost].any()
    assert changed[~goes_on & ~lost].any()


def test_coins_are_learned(tmp_path):
    training = replace(
        TRAINING,
        steps=6_000,
        environments=20,
        batch_size=64,
        warmup_steps=400,
        replay_capacity=6_000,
        log_interval=6_000,
        evaluation_interval=6_000,
        evaluation_episodes=40,
    )
    wide = {"actor_layers": (32,), "critic_layers": (32, 32), "estimator": "soft", "logit_regulariser": 0.03, "gamma": 0.0}
    train(make_parts(training=training, critic_rate=0.01, **wide), RunFolder(tmp_path)).close()

    [evaluation] = [line for line in lines(RunFolder(tmp_path)) if line["kind"] == "evaluation"]
    assert evaluation["return"]["left"] > 0.9 * LENGTH
    assert evaluation["return"]["right"] > 0.9 * DEATH


def test_agents_may_be_put_on_other_teams():
    parts = make_parts(teams={"both": TeamConfig(agents=("left", "right"))}, value_after_death="team")
    rows = stored(parts.loop, play(parts, 3))

    dead = ~rows.availability.alive[..., 1]
    np.testing.assert_array_equal(rows.reward[dead, 1], rows.reward[dead, 0])
    assert rows.reward[dead, 1].any()
    assert (rows.discount[dead] == 1).all(), "its team is cut off by a time limit"


# Trouble -------------------------------------------------------------------------------------------------------------------------


def test_a_bad_environment_ends_the_run_with_the_last_good_state_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "CHUNK_SECONDS", 0.0)
    after, work = [], Host.train

    def watched(self, numbers, run, rounds):
        run = work(self, numbers, run, rounds)
        after.append(leaves(run.learner.actor))
        return run

    monkeypatch.setattr(Host, "train", watched)
    folder = RunFolder(tmp_path)

    with pytest.raises(BadEnvironment, match=r"^left: the reward is nan; it must be finite \(environment \d, step \d+\)$"):
        train(make_parts(Make(trouble=Trouble(bad=107))), folder)

    assert 0 < len(after) < ROUNDS - WARM_UP
    saved = load_file(folder.parameters)
    np.testing.assert_array_equal(saved["actor/0/bias"], after[-1][0])


def test_too_many_faults_end_the_run(tmp_path):
    parts = make_parts(Make(trouble=FAILING), host=HostConfig(workers=0, max_faults=2))

    with pytest.raises(EnvironmentFailed, match=r"more than max_faults = 2; .*no coins left") as failure:
        train(parts, RunFolder(tmp_path))

    assert "ZeroDivisionError" in failure.value.traceback
    assert (tmp_path / "parameters.safetensors").is_file()
