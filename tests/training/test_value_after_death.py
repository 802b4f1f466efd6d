"""What the dead learn from where their value goes on with their team's: the mean of what the living learn from, whatever the design."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.rewards import reward_design
from maddpg.algorithm.state import assemble, hyper
from maddpg.config import AlgorithmConfig, HostConfig, RewardDesignConfig, TrainingConfig
from maddpg.environments.contract import Environment
from maddpg.environments.host import HostStep, HostWorld
from maddpg.training.fused import Fused
from maddpg.training.host import Host
from maddpg.types import AgentSpec, Availability, Categorical, EnvSpec, TimeStep, Transition

LENGTH = 3
AGENTS = tuple(AgentSpec(name, name[0], 1, (Categorical(2),)) for name in ("a_0", "a_1", "b_0"))
SPEC = EnvSpec("duel", AGENTS, 0, LENGTH, mortal=True)
"""The first dies in the first step; the others play on, to the end of the world after three."""
PAID = np.array([[1, 2, 3], [0, 6, 4], [0, 6, 4]], np.float32)
"""By step and agent."""
TRAINING = TrainingConfig(steps=24, environments=4, batch_size=4, warmup_steps=12, replay_capacity=24, evaluation_interval=0)
GAMMA = 0.5


def alive_at(clock: jax.Array) -> jax.Array:
    return (clock < LENGTH) & (jnp.arange(3) > 0) | (clock < 1)


def on_device() -> Environment:
    """What the world measures goes on for the dead: a term that pays them, and a potential."""

    def observe(clock: jax.Array) -> jax.Array:
        return jnp.where(alive_at(clock), 1.0 + clock, 0.0)[:, None]

    def step(key, clock, action):
        del key, action
        after, empty, nobody = clock + 1, jnp.zeros(0), jnp.zeros(3, bool)
        seen = observe(after)
        return after, TimeStep(seen, seen, empty, empty, jnp.asarray(PAID)[clock], ~alive_at(after), nobody)

    def metrics(clock):
        return {"reward/pay": jnp.where(clock > 1, jnp.array([100.0, 6.0, 4.0]), jnp.asarray(PAID[0])), "clock": clock.astype(jnp.float32)}

    return Environment(
        SPEC,
        lambda key: (jnp.int32(0), observe(jnp.int32(0))),
        step,
        lambda _: jnp.zeros(0),
        metrics,
        {},
        None,
        jnp.zeros((3, 2)),
        availability=lambda clock: Availability(alive_at(clock)),
    )


class InPython:
    """The same, step by step."""

    spec = SPEC

    def reset(self, seed: int | None) -> HostStep:
        self.clock = 0
        return self.look(np.zeros(3, np.float32))

    def step(self, action: np.ndarray) -> HostStep:
        self.clock += 1
        return self.look(PAID[self.clock - 1])

    def look(self, reward: np.ndarray) -> HostStep:
        alive = np.asarray(alive_at(self.clock))
        seen = np.where(alive, 1.0 + self.clock, 0.0).astype(np.float32)[:, None]
        return HostStep(seen, np.zeros(0, np.float32), reward, ~alive, np.zeros(3, bool), alive, np.ones((3, 2), bool))

    def close(self) -> None:
        pass


def stored(kind: str, value_after_death: str = "team", **given) -> Transition:
    """What a loop has in its replay after it has played."""
    config = AlgorithmConfig(actor_layers=(4,), critic_layers=(4,), gamma=GAMMA, value_after_death=value_after_death)
    algorithm, world = assemble(config, SPEC), on_device()
    if kind == "compiled":
        loop = Fused(algorithm, world, TRAINING, reward_design(RewardDesignConfig(**given), SPEC, world.metrics, world.reset))
    else:
        design = reward_design(RewardDesignConfig(**given), SPEC, lambda _: {}, lambda key: ((), key))
        loop = Host(algorithm, HostWorld(SPEC, InPython), HostConfig(workers=0), TRAINING, design)
    try:
        run = loop.warm_up(hyper(algorithm), loop.start(jax.random.split(jax.random.key(0), 1)), TRAINING.rounds)
        return jax.device_get(loop.store.replay.take(run.replay[0], jnp.arange(TRAINING.steps)))
    finally:
        loop.close()


SHARED = (
    ({}, [6, 6, 4]),
    ({"reward_zero_sum": True}, [2, 2, 4 - 3]),
    ({"reward_sharing": "team_mean"}, [3, 3, 4]),
    ({"reward_sharing": "team_mean", "reward_own_share": 0.5}, [4.5, 4.5, 4]),
    ({"reward_sharing": "team_sum"}, [6, 6, 4]),
    ({"reward_sharing": "all_sum"}, [10, 10, 10]),
    ({"reward_mixing": (1.0, 0.0, 0.0, 0.5, 0.5, 1.0, 0.0, 0.5, 1.0)}, [7, 7, 7]),
)
"""Designs, and what a_0, who is dead, a_1 and b_0 learn from where these two are paid 6 and 4."""


@pytest.mark.parametrize("kind", ["compiled", "python"])
@pytest.mark.parametrize(("given", "expected"), SHARED, ids=[" ".join(given) or "none" for given, _ in SHARED])
def test_the_dead_learn_from_the_mean_of_what_their_living_team_mates_learn_from(kind, given, expected):
    rows = stored(kind, **given)
    dead = ~rows.availability.alive[:, 0] & rows.availability.alive[:, 1]

    assert dead.any()
    np.testing.assert_allclose(rows.reward[dead], np.tile(expected, (dead.sum(), 1)), rtol=1e-6)


@pytest.mark.parametrize("kind", ["compiled", "python"])
def test_what_the_living_learn_from_does_not_hang_on_what_the_dead_are_worth(kind):
    team, zero = (stored(kind, after_death, reward_sharing="team_mean", reward_own_share=0.25) for after_death in ("team", "zero"))
    alive = team.availability.alive

    np.testing.assert_array_equal(alive, zero.availability.alive)
    np.testing.assert_array_equal(team.reward[alive], zero.reward[alive])
    assert (team.reward != zero.reward)[~alive].any()


@pytest.mark.parametrize(("given", "expected"), [({}, [12, 12, 8]), ({"reward_sharing": "team_sum"}, [12, 12, 8])], ids=["own", "sum"])
def test_no_term_pays_the_dead(given, expected):
    rows = stored("compiled", reward_terms=("pay=2",), **given)
    dead = ~rows.availability.alive[:, 0]

    np.testing.assert_allclose(rows.reward[dead], np.tile(expected, (dead.sum(), 1)), rtol=1e-6)


def test_shaping_comes_after_with_a_potential_of_each_ones_own():
    """Until its team ends, the dead one's too: at the last step no value follows for anybody."""
    rows = stored("compiled", potential=("a_0:clock=10",))
    dead = ~rows.availability.alive[:, 0]
    clock = rows.observation[dead, 1, 0] - 1

    shaping = GAMMA * np.where(clock == LENGTH - 1, 0, 10 * (clock + 1)) - 10 * clock
    np.testing.assert_allclose(rows.reward[dead, 0], 6 + shaping, rtol=1e-6)
    np.testing.assert_array_equal(rows.reward[dead, 1:], np.tile([6.0, 4.0], (dead.sum(), 1)))
    np.testing.assert_array_equal(rows.discount[dead], np.tile((clock < LENGTH - 1)[:, None], (1, 3)))
