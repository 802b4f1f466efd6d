"""Games whose values and best actions are known, learned through the fused loop.

Each agent of one game poses a question of its own, so that one program answers them all.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.acting import act_greedily
from maddpg.algorithm.state import Algorithm, TrainState, assemble, hyper
from maddpg.algorithm.views import critic_input
from maddpg.config import AlgorithmConfig, TrainingConfig
from maddpg.training.fused import Fused
from maddpg.types import Categorical, Simplex
from tests.games import UNIT, probe

GAMMA = 0.5
TERMINATED, TRUNCATED, LATE, STEERED, CHOSEN, BLENDED, WATCHING, BLIND = range(8)
"""The agents, by what they are rewarded for:

TERMINATED, TRUNCATED: 1 at each step of an episode that ends the world, or that a time limit cuts.
LATE: its coin, at the second step. STEERED: steering to half its coin. CHOSEN: choosing column 2 or 0, by its coin.
BLENDED: a point near the corner that its coin names.
WATCHING, BLIND: whatever STEERED does, which the critic of WATCHING sees, being of the same team, and that of BLIND does not.
"""


def reward(clock, coin, action):
    first = coin > 0
    return jnp.stack(
        [
            jnp.float32(1),
            jnp.float32(1),
            jnp.where(clock == 1, coin[LATE], 0.0),
            -jnp.square(action[STEERED, 0] - 0.5 * coin[STEERED]),
            jnp.where(first[CHOSEN], action[CHOSEN, 2], action[CHOSEN, 0]),
            jnp.where(first[BLENDED], action[BLENDED, 0], action[BLENDED, 1]),
            action[STEERED, 0],
            action[STEERED, 0],
        ]
    )


GAME = probe(
    reward,
    spaces=(UNIT, UNIT, UNIT, UNIT, Categorical(3), Simplex(2), UNIT, UNIT),
    teams="aaaaaaab",
    length=2,
    terminates=[agent != TRUNCATED for agent in range(8)],
)


class Learned(NamedTuple):
    """What came of it."""

    algorithm: Algorithm
    learner: TrainState

    def value(self, agent: int, clock: float, coins: jax.Array, action: jax.Array) -> jax.Array:
        """An agent's critic at these coins [batch, agent] and actions [batch, agent, action]."""
        algorithm = self.algorithm
        state = jnp.concatenate([coins, jnp.full((len(coins), 1), clock)], axis=1)
        view = jax.tree.map(lambda leaf: leaf[agent], algorithm.view)
        blocks = critic_input(algorithm.config, view, coins[..., None], state, action)
        return algorithm.critic.apply(jax.tree.map(lambda leaf: leaf[agent, 0], self.learner.critic), *blocks)[:, 0]


@pytest.fixture(scope="module")
def learned():
    rounds = 600
    config = AlgorithmConfig(
        actor_layers=(16,),
        critic_layers=(48,),
        critic_input="both",
        critic_view="team",
        twin_critics=False,
        gamma=GAMMA,
        tau=0.05,
        actor_rate=3e-3,
        critic_rate=5e-3,
        noise=0.5,
    )
    training = TrainingConfig(steps=16 * rounds, environments=16, batch_size=128, updates=2, warmup_steps=1, replay_capacity=10_000)
    fused = Fused(assemble(config, GAME.spec), GAME, training)
    numbers = hyper(fused.algorithm)
    run = fused.train(numbers, fused.start(jax.random.split(jax.random.key(0), 1)), rounds)
    return Learned(fused.algorithm, jax.tree.map(lambda leaf: leaf[0], run.learner))


@pytest.fixture(scope="module")
def played():
    """All agents' coins [batch, agent], and actions like those of the replay, at which critics are asked."""
    coins = jax.random.rademacher(jax.random.key(1), (64, 8), jnp.float32)
    action = jnp.clip(0.5 * jax.random.normal(jax.random.key(2), (64, 8, 3)), -1, 1) * jnp.asarray(GAME.spec.action_valid)[None]
    action = action.at[:, CHOSEN].set(jax.nn.one_hot(jnp.arange(64) % 3, 3))
    action = action.at[:, BLENDED, :2].set(jnp.array([[0.3, 0.7]]))
    return coins, action


def error(learned, agent, clock, played, expected) -> float:
    return float(jnp.sqrt(jnp.mean(jnp.square(learned.value(agent, clock, *played) - expected))))


def test_a_terminated_episode_has_no_value_beyond_its_end(learned, played):
    assert error(learned, TERMINATED, 1, played, 1.0) < 0.1
    assert error(learned, TERMINATED, 0, played, 1 + GAMMA) < 0.1


def test_a_truncated_episode_has_the_value_of_going_on(learned, played):
    for clock in (0, 1):
        assert error(learned, TRUNCATED, clock, played, 1 / (1 - GAMMA)) < 0.1


def test_a_delayed_reward_comes_back_discounted(learned, played):
    coin = played[0][:, LATE]

    assert error(learned, LATE, 1, played, coin) < 0.1
    assert error(learned, LATE, 0, played, GAMMA * coin) < 0.1


def greedy(learned, agent: int, coin: float) -> np.ndarray:
    return np.asarray(act_greedily(learned.algorithm, learned.learner.actor, jnp.full((1, 8, 1), coin))[0, agent])


@pytest.mark.parametrize("coin", [-1.0, 1.0])
def test_a_box_is_steered_to_its_best_point(learned, coin):
    np.testing.assert_allclose(greedy(learned, STEERED, coin)[0], 0.5 * coin, atol=0.1)


@pytest.mark.parametrize("coin", [-1.0, 1.0])
def test_the_best_choice_is_chosen(learned, coin):
    np.testing.assert_array_equal(greedy(learned, CHOSEN, coin), [0, 0, 1] if coin > 0 else [1, 0, 0])


@pytest.mark.parametrize("coin", [-1.0, 1.0])
def test_a_simplex_goes_to_its_best_corner(learned, coin):
    assert greedy(learned, BLENDED, coin)[0 if coin > 0 else 1] > 0.9


def watched(played):
    """The value to WATCHING of the second step: what STEERED does."""
    return played[1][:, STEERED, 0]


def test_a_critic_that_sees_another_knows_what_its_action_is_worth(learned, played):
    assert error(learned, WATCHING, 1, played, watched(played)) < 0.1


def test_a_critic_that_does_not_cannot_know_it(learned, played):
    assert error(learned, BLIND, 1, played, watched(played)) > 0.9 * float(jnp.std(watched(played)))
