"""The particle worlds under the contract: padding, the end of an episode, state, metrics, names."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.environments import particles
from maddpg.environments.contract import Environment, restart
from maddpg.particles import SCENARIOS, World, make_scenario

KINDS = {  # names, teams, observation sizes, discrete columns: as in mpe2
    "simple": (["agent_0"], ["agents"], [4], [5]),
    "simple_adversary": (["adversary_0", "agent_0", "agent_1"], ["adversary", "good", "good"], [8, 10, 10], [5] * 3),
    "simple_crypto": (["eve_0", "bob_0", "alice_0"], ["adversary", "good", "good"], [4, 8, 8], [4] * 3),
    "simple_push": (["adversary_0", "agent_0"], ["adversary", "good"], [8, 19], [5, 5]),
    "simple_reference": (["agent_0", "agent_1"], ["agents"] * 2, [21, 21], [15, 15]),
    "simple_speaker_listener": (["speaker_0", "listener_0"], ["agents"] * 2, [3, 11], [3, 5]),
    "simple_spread": (["agent_0", "agent_1", "agent_2"], ["agents"] * 3, [18] * 3, [5] * 3),
    "simple_tag": (
        ["adversary_0", "adversary_1", "adversary_2", "agent_0"],
        ["adversary"] * 3 + ["good"],
        [16, 16, 16, 14],
        [5] * 4,
    ),
    "simple_world_comm": (
        ["leadadversary_0", "adversary_0", "adversary_1", "adversary_2", "agent_0", "agent_1"],
        ["adversary"] * 4 + ["good"] * 2,
        [34] * 4 + [28] * 2,
        [9] + [5] * 5,
    ),
}
EPISODES = 4


@cache
def episodes(name: str) -> tuple[Environment, dict]:
    """A few episodes of scripted play: worlds, actions, time steps, metrics, states; leading axes [episode, step]."""
    environment = particles.make(name, episode_length=7)

    def step(world: World, key: jax.Array):
        policy_key, step_key = jax.random.split(key)
        action = environment.scripted(policy_key, world)
        after, result = environment.step(step_key, world, action)
        record = {"before": world, "after": after, "action": action, "result": result, "metrics": environment.metrics(after)}
        return after, record | {"state": environment.global_state(after)}

    def episode(key: jax.Array):
        reset_key, key = jax.random.split(key)
        return jax.lax.scan(step, environment.reset(reset_key)[0], jax.random.split(key, 7))[1]

    return environment, jax.jit(jax.vmap(episode))(jax.random.split(jax.random.key(0), EPISODES))


every_world = pytest.mark.parametrize("name", SCENARIOS)


@every_world
def test_names_teams_and_sizes(name):
    environment, _ = episodes(name)
    agents = environment.spec.agents
    found = ([agent.name for agent in agents], [agent.team for agent in agents], [agent.observation_size for agent in agents])

    assert environment.spec.name == name
    assert (*found, [agent.action_size for agent in agents]) == KINDS[name]


@every_world
def test_padding_is_zero_and_unread(name):
    environment, record = episodes(name)
    spec = environment.spec
    observation, action = np.asarray(record["result"].observation), record["action"][0, 0]
    noise = jnp.where(spec.action_valid, 0, 0.7)
    first = jax.tree.map(lambda leaf: leaf[0, 0], record["before"])

    after, result = jax.jit(environment.step)(jax.random.key(0), first, action + noise)

    assert observation.shape[2:] == spec.observation_valid.shape
    assert not observation[..., ~spec.observation_valid].any()
    assert observation[..., spec.observation_valid].any(axis=(0, 1)).mean() >= 0.5
    np.testing.assert_allclose(result.next_observation, observation[0, 0], atol=1e-6)
    np.testing.assert_allclose(after.position, record["after"].position[0, 0], atol=1e-6)


@every_world
def test_episodes_are_truncated_at_their_length_and_never_terminate(name):
    _, record = episodes(name)

    assert record["result"].truncated[:, -1].all()
    assert not record["result"].truncated[:, :-1].any()
    assert not record["result"].terminated.any()


@every_world
def test_metrics_are_finite_declared_and_add_up(name):
    environment, record = episodes(name)
    terms = [value for key, value in record["metrics"].items() if key.startswith("reward/")]

    assert set(record["metrics"]) == set(environment.aggregates)
    assert set(environment.aggregates.values()) <= {"sum", "mean", "last"}
    assert all(np.isfinite(value).all() for value in record["metrics"].values())
    assert all(value.shape[2:] in ((), (environment.spec.agent_count,)) for value in record["metrics"].values())
    np.testing.assert_allclose(sum(terms), record["result"].reward, atol=1e-5)


@every_world
def test_state_holds_all_but_the_clock(name):
    environment, record = episodes(name)
    world, scenario = record["after"], make_scenario(name)
    one_hots = [np.eye(count)[world.choice[..., index]] for index, count in enumerate(scenario.choices.values())]
    parts = [world.position, world.velocity, world.message, world.landmark, *one_hots]

    expected = np.concatenate([np.asarray(part).reshape(EPISODES, 7, -1) for part in parts], axis=2)

    assert expected.shape[2] == environment.spec.state_size
    np.testing.assert_array_equal(record["state"], expected)
    np.testing.assert_array_equal(record["result"].next_state, expected)


def test_a_restart_keeps_the_true_next_observation():
    environment = particles.make("simple_tag", episode_length=3)
    key = jax.random.key(0)
    world, _ = environment.reset(key)
    step, again = jax.jit(environment.step), jax.jit(partial(restart, environment))
    plain = world
    for count in range(1, 4):
        plain, expected = step(key, plain, environment.still)
        world, result = again(jax.random.key(count), *step(key, world, environment.still))
        np.testing.assert_allclose(result.next_observation, expected.next_observation, atol=1e-6)
        np.testing.assert_allclose(result.next_state, expected.next_state, atol=1e-6)
        assert bool((result.observation == result.next_observation).all()) == (count < 3)
        assert bool((result.state == result.next_state).all()) == (count < 3)

    fresh, observation = environment.reset(jax.random.key(3))
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-6), world, fresh)
    np.testing.assert_allclose(result.observation, observation, atol=1e-6)
    assert world.clock == 0
    assert result.truncated.all()
    assert not world.velocity.any()


def test_the_wrong_name_is_refused():
    with pytest.raises(ValueError, match="did you mean 'simple_push'"):
        particles.make("simple_pushh")


def test_steps_compile_once():
    environment = particles.make("simple_spread")
    traces = []

    @jax.jit
    def step(world, action):
        traces.append(1)
        return environment.step(jax.random.key(0), world, action)[0]

    world, _ = environment.reset(jax.random.key(0))
    for _ in range(3):
        world = step(world, environment.still)

    assert len(traces) == 1


def test_a_scenario_of_ones_own_needs_no_registry():
    scenario = replace(make_scenario("simple"), name="far_away", reward_terms=lambda world: {"alone": jnp.ones(1)})

    environment = particles.from_scenario(scenario)
    _, result = environment.step(jax.random.key(0), environment.reset(jax.random.key(0))[0], environment.still)

    assert environment.spec.name == "far_away"
    assert result.reward == 1
