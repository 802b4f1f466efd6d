"""The check of environments on the device: clean ones are clean, and each fault is found."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.config import Config
from maddpg.environments.conformance import Findings, check_environment
from maddpg.environments.conformance.device import check_device, check_same
from maddpg.environments.conformance.device_play import Played, random_action
from maddpg.environments.contract import Environment
from maddpg.environments.registry import Typed
from maddpg.types import AgentSpec, Availability, Box, Categorical, EnvSpec, Simplex, TimeStep

SPEC = EnvSpec("clock", (AgentSpec("ant_0", "ant", 2, (Categorical(3),)), AgentSpec("ant_1", "ant", 2, (Categorical(3),))), 0, 4)


def make(change=lambda clock, result: result, spec=SPEC, **fields):
    """An environment that shows luck and the clock, and truncates at step 4, but for what is changed."""

    def see(key, clock):
        return jnp.stack([jax.random.uniform(key, (2,)), jnp.full(2, clock, jnp.float32)], axis=1)

    def step(key, clock, action):
        clock = clock + 1
        seen, nothing = see(key, clock), jnp.zeros(2, bool)
        result = TimeStep(seen, seen, jnp.zeros(0), jnp.zeros(0), action[:, 0], nothing, jnp.full(2, clock >= 4))
        return clock, change(clock, result)

    return Environment(
        spec=spec,
        reset=lambda key: (jnp.int32(0), see(key, 0)),
        step=step,
        global_state=lambda _: jnp.zeros(0),
        metrics=lambda _: {},
        aggregates={},
        scripted=None,
        still=jnp.eye(3)[jnp.zeros(2, int)],
        **fields,
    )


def tell(environment, episodes=3):
    return [(each.severity, each.agent, each.step, each.what) for each in check_device(environment, episodes, 0).findings]


def second(at, value):
    """A vector of agents in which the second has that value once the clock is there."""
    return lambda clock, vector: vector.at[1].set(jnp.where(clock >= at, value, vector[1]))


def test_a_right_world_is_left_in_peace():
    conformance = check_environment(Config("my:world"), Typed("my:world", make), 3)

    assert conformance.findings == ()
    assert conformance.spec == SPEC
    assert conformance.measures.episode_lengths == (4, 4, 4)
    assert 0 < conformance.measures.mean_returns["ant_0"] < 4
    assert conformance.measures.mean_returns["ant_0"] == pytest.approx(4 * conformance.measures.mean_absolute_rewards["ant_0"])


def test_a_known_world_has_no_errors():
    conformance = check_environment(Config("simple_push"), episodes=2)

    assert conformance.count("error") == conformance.count("warning") == 0, conformance.findings
    assert conformance.spec.name == "simple_push"
    assert conformance.measures.episode_lengths == (25, 25)


def test_numbers_that_are_not_finite_and_both_ends_at_once():
    def change(clock, result):
        return replace(
            result,
            reward=second(2, jnp.inf)(clock, result.reward),
            next_observation=result.next_observation.at[0, 1].set(jnp.where(clock >= 3, jnp.nan, 0.0)),
            terminated=second(4, True)(clock, result.terminated),
        )

    conformance = check_device(make(change), 2, 0)

    assert [(each.severity, each.agent, each.step, each.what) for each in conformance.findings if each.step] == [
        ("error", "ant_0", 3, "the observation is not finite"),
        ("error", "ant_1", 2, "the reward is not finite"),
        ("note", "ant_1", 4, "is terminated and truncated at once, which counts as terminated"),
    ]
    assert conformance.spec is None


def test_who_acts_after_its_end():
    def change(clock, result):
        return replace(result, terminated=second(2, True)(clock, result.terminated), truncated=jnp.array([clock >= 4, False]))

    assert tell(make(change)) == [("error", "ant_1", 2, "is there to act after it was terminated")]
    mortal = replace(SPEC, mortal=True)
    absent = make(change, mortal, availability=lambda clock: Availability(jnp.array([True, clock < 2])))
    assert tell(absent) == []


def test_another_shape():
    told = tell(make(lambda _, result: replace(result, reward=result.reward[:1])))

    assert told == [("error", None, None, "reward is float32 of shape (1,), and must be float32 of shape (2,)")]


def test_a_fault_in_the_code():
    def change(clock, result):
        raise KeyError("ant_7")

    ((severity, agent, step, what),) = tell(make(change))

    assert (severity, agent, step) == ("error", None, None)
    assert what.startswith("tracing a reset and a step raised KeyError: 'ant_7' (test_device.py, line")


def test_time_as_termination_and_an_end_that_does_not_come():
    swapped = make(lambda _, result: replace(result, terminated=result.truncated, truncated=result.terminated))
    endless = make(lambda _, result: replace(result, truncated=result.terminated))

    assert tell(swapped)[0][3] == "all 3 episodes terminated for everyone at step 4: that looks like a time limit"
    assert tell(endless)[0] == ("warning", None, 4, "an episode was not over after 4 steps")


def test_a_declared_length_beyond_what_the_default_discount_sees():
    ((severity, agent, step, what),) = tell(make(spec=replace(SPEC, episode_length=100)))

    assert (severity, agent, step) == ("note", None, None)
    assert what.startswith("an episode may take 100 steps, and the default discount, 0.85,")


def test_two_episodes_of_one_key_that_differ():
    step = TimeStep(
        *[jnp.zeros((4, 2))] * 4, reward=jnp.zeros((4, 2)), terminated=jnp.zeros((4, 2), bool), truncated=jnp.zeros((4, 2), bool)
    )
    told = jax.device_get(Played(np.zeros((2, 2)), step, np.ones((4, 2), bool)))
    other = replace(told, results=replace(told.results, reward=told.results.reward + 1))
    same, differ = Findings(), Findings()

    check_same(same, told, told)
    check_same(differ, told, other)

    assert same.ordered() == ()
    assert [finding.severity for finding in differ.ordered()] == ["warning"]


def test_random_actions_are_in_their_spaces(checked_keys):
    spaces = (Categorical(3), Box((-2.0, 0.0), (1.0, 5.0)), Simplex(2))
    spec = EnvSpec("all", (AgentSpec("ant", "ant", 1, spaces), AgentSpec("bee", "bee", 1, (Categorical(2),))), 0, 1)
    mask = jnp.ones((2, 7), bool).at[0, 1].set(False)
    actions = np.asarray(jax.vmap(lambda key: random_action(spec, key, Availability(None, mask)))(jax.random.split(jax.random.key(0), 500)))

    assert set(map(tuple, actions[:, 0, :3])) == {(1, 0, 0), (0, 0, 1)}
    np.testing.assert_allclose(actions[:, 0, 3:5].min(axis=0), [-2, 0], atol=0.1)
    np.testing.assert_allclose(actions[:, 0, 3:5].max(axis=0), [1, 5], atol=0.1)
    np.testing.assert_allclose(actions[:, 0, 3:5].mean(axis=0), [-0.5, 2.5], atol=0.3)
    np.testing.assert_allclose(actions[:, 0, 5:].sum(axis=1), 1, rtol=1e-5)
    assert set(map(tuple, actions[:, 1])) == {(1, 0, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0, 0)}
