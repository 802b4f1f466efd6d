"""When targets move: every n learning steps, every n episodes, and that the two are one thing where episodes have one length."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.learning import Batches
from maddpg.algorithm.state import assemble, hyper
from maddpg.algorithm.targets import boundaries_passed
from maddpg.algorithm.update import update
from maddpg.config import AlgorithmConfig, TrainingConfig
from maddpg.training.fused import Fused
from tests.algorithm.batches import random_transitions, start
from tests.games import probe


@pytest.mark.parametrize(
    ("interval", "by_episodes", "updates", "episodes", "passed"),
    [(1, False, 7, 3, 7), (3, False, 2, 99, 0), (3, False, 3, 0, 1), (3, False, 8, 0, 2), (3, True, 99, 2, 0), (3, True, 0, 9, 3)],
)
def test_boundaries_are_counted_in_what_the_unit_says(interval, by_episodes, updates, episodes, passed):
    count = boundaries_passed(jnp.int32(interval), jnp.bool_(by_episodes), jnp.int32(updates), jnp.int32(episodes))

    assert int(count) == passed


CONFIG = AlgorithmConfig(actor_layers=(3,), critic_layers=(4,), twin_critics=False, tau=1.0, gamma=0.5, noise=0.2)
GAME = probe(lambda clock, coin, action: coin * action[:, 0] + 0.1 * clock, length=3, terminates=False)


class Steps:
    """Learning steps of the probe's two agents; the schedule is a number, so one program has all of them."""

    def __init__(self):
        self.algorithm = assemble(CONFIG, GAME.spec)
        self.state = start(self.algorithm)
        batch = Batches(random_transitions(GAME.spec, 0, 6))
        self.step = jax.jit(lambda numbers, state, episodes: update(self.algorithm, numbers, state, batch, jax.random.key(0), episodes))

    def numbers(self, interval: int, unit: str, tau: float = 1.0):
        return hyper(assemble(replace(CONFIG, target_interval=interval, target_unit=unit, tau=tau), GAME.spec))

    def moves(self, interval: int, unit: str, episodes: list[int]) -> list[bool]:
        """For each step, whether the first agent's targets became copies of what it had learned; else they must not have moved."""
        numbers, state, moved = self.numbers(interval, unit), self.state, []
        for count in episodes:
            before = state.target_actor, state.target_critic
            state, metrics = self.step(numbers, state, jnp.int32(count))
            copied = np.array_equal(state.target_actor[0]["weight"], state.actor[0]["weight"])
            expected = (state.actor, state.critic) if copied else before
            jax.tree.map(np.testing.assert_array_equal, (state.target_actor, state.target_critic), expected)
            np.testing.assert_array_equal(metrics["target_moves"], float(copied))
            moved.append(copied)
        return moved


@pytest.fixture(scope="module")
def steps():
    return Steps()


def test_hard_every_few_learning_steps(steps):
    assert steps.moves(3, "updates", [0] * 9) == [False, False, True] * 3


def test_hard_every_few_episodes_whatever_the_steps(steps):
    # Several boundaries at once copy once; a boundary that has been copied at is not due again; what is left over counts on.
    episodes = [0, 1, 2, 2, 3, 9, 9, 10, 11]

    assert steps.moves(2, "episodes", episodes) == [False, False, True, False, False, True, False, True, False]


def test_an_interval_of_one_learning_step_is_always_due(steps):
    assert steps.moves(1, "updates", [0] * 3) == [True] * 3


def test_soft_targets_move_by_their_share_when_due(steps):
    numbers = steps.numbers(2, "updates", tau=0.25)
    first, _ = steps.step(numbers, steps.state, jnp.int32(0))
    second, _ = steps.step(numbers, first, jnp.int32(0))

    jax.tree.map(np.testing.assert_array_equal, first.target_critic, steps.state.target_critic)
    mixed = jax.tree.map(lambda new, old: 0.25 * new + 0.75 * old, second.critic, first.target_critic)
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7), second.target_critic, mixed)


def test_each_agent_may_have_a_schedule_of_its_own(steps):
    numbers = replace(steps.numbers(2, "updates"), target_by_episodes=jnp.array([False, True]))
    state, moves = steps.state, []
    for episodes in (2, 2, 3, 4):
        state, metrics = steps.step(numbers, state, jnp.int32(episodes))
        moves.append(metrics["target_moves"].astype(int).tolist())

    assert moves == [[0, 1], [1, 0], [0, 0], [1, 1]]


# Through the loop: E environments with episodes of L steps, one update a round; E / L episodes end in each round.

WORLDS, LENGTH, ROUNDS, EVERY = 6, 3, 23, 4
TRAINING = TrainingConfig(steps=WORLDS * 100, environments=WORLDS, updates=1, batch_size=12, warmup_steps=WORLDS * 4)


def ends_on_success(game):
    """The game, over for all as soon as the first agent's coin is heads: episodes of one step or of three."""

    def step(key, state, action):
        stepped, result = game.step(key, state, action)
        won = jnp.broadcast_to(state["coins"][0, 0] > 0, result.terminated.shape)
        return stepped, replace(result, terminated=result.terminated | won)

    return replace(game, step=step)


class Loop:
    """The fused loop of a game, trained with any schedule by one program."""

    def __init__(self, game):
        self.fused = Fused(assemble(CONFIG, game.spec), game, TRAINING)

    def trained(self, interval: int, unit: str):
        numbers = hyper(assemble(replace(CONFIG, target_interval=interval, target_unit=unit), GAME.spec))
        run = self.fused.warm_up(numbers, self.fused.start(jax.random.split(jax.random.key(0), 1)), 4)
        return self.fused.train(numbers, run, ROUNDS)


@pytest.fixture(scope="module", params=["one length", "many lengths"])
def loop(request):
    return request.param, Loop(GAME if request.param == "one length" else ends_on_success(GAME))


def test_the_hard_schedules_are_one_thing_only_where_episodes_have_one_length(loop):
    name, loop = loop
    by_updates = loop.trained(EVERY, "updates")
    by_episodes = loop.trained(EVERY * WORLDS // LENGTH, "episodes")

    assert by_updates.totals.updates["target_moves"].tolist() == [[ROUNDS // EVERY] * 2]
    networks = [
        (run.learner.actor, run.learner.critic, run.learner.target_actor, run.learner.target_critic) for run in (by_updates, by_episodes)
    ]
    same = all(jax.tree.leaves(jax.tree.map(np.array_equal, *networks)))
    if name == "one length":
        assert int(by_episodes.episodes[0]) == ROUNDS * WORLDS // LENGTH  # the warm-up's do not count
        assert same
        elsewhen = loop.trained(EVERY * WORLDS // LENGTH + 1, "episodes")
        assert not np.array_equal(elsewhen.learner.target_actor[0]["weight"], by_updates.learner.target_actor[0]["weight"])
    else:
        assert int(by_episodes.episodes[0]) > 1.3 * ROUNDS * WORLDS // LENGTH
        assert not same
        assert by_episodes.totals.updates["target_moves"][0, 0] > ROUNDS // EVERY
