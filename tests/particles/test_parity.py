"""Our worlds are mpe2's: state, observation, reward and truncation, step by step and over whole episodes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.environments import particles
from maddpg.environments.contract import Environment
from maddpg.particles import SCENARIOS, Landmark, World, make_scenario, padded_observation
from maddpg.particles import world as physics
from maddpg.particles.scenarios import simple_push, simple_tag, simple_world_comm
from tests.particles.recording import LENGTH, Recording, modes, record, record_all

pytest.importorskip("mpe2")

CASES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in SCENARIOS),
    ("simple_spread", {"agents": 6, "local_ratio": 0.25}),
    ("simple_adversary", {"agents": 4}),
    ("simple_reference", {"local_ratio": 0.9}),
    ("simple_tag", {"agents": 2, "adversaries": 4, "obstacles": 1}),
    ("simple_world_comm", {"agents": 3, "adversaries": 2, "obstacles": 2, "food": 1, "forests": 3}),
]
every_case = pytest.mark.parametrize(
    ("name", "parameters"), CASES, ids=lambda case: case if isinstance(case, str) else "-".join(case) or "default"
)


def single_steps(environment: Environment, recording: Recording) -> tuple:
    """From every recorded world, the step with the recorded action."""

    def step(world: World, action: jax.Array) -> tuple:
        after, result = environment.step(jax.random.key(0), world, action)
        return after, result.next_observation, result.reward, result.terminated, result.truncated

    before = jax.tree.map(lambda leaf: leaf[:, :-1], recording.worlds)
    return jax.jit(jax.vmap(jax.vmap(step)))(before, recording.action)


def whole_episodes(environment: Environment, recording: Recording) -> tuple:
    """From every first recorded world, the episode with the recorded actions."""

    def step(world: World, action: jax.Array) -> tuple:
        after, result = environment.step(jax.random.key(0), world, action)
        return after, (after, result.next_observation, result.reward, result.terminated, result.truncated)

    first = jax.tree.map(lambda leaf: jnp.asarray(leaf[:, 0]), recording.worlds)
    return jax.jit(jax.vmap(lambda world, actions: jax.lax.scan(step, world, actions)[1]))(first, recording.action)


def compare(ours: tuple, recording: Recording, tolerance: float) -> None:
    """Raise AssertionError where ours is not what was recorded, relative to 1 or to the value, the larger."""
    worlds, observation, reward, terminated, truncated = ours
    after = jax.tree.map(lambda leaf: leaf[:, 1:], recording.worlds)
    for field in ("position", "velocity", "message", "landmark", "choice", "clock"):
        np.testing.assert_allclose(getattr(worlds, field), getattr(after, field), rtol=tolerance, atol=tolerance, err_msg=field)
    np.testing.assert_allclose(observation, recording.observation[:, 1:], rtol=tolerance, atol=tolerance, err_msg="observation")
    np.testing.assert_allclose(reward, recording.reward, rtol=tolerance, atol=tolerance, err_msg="reward")
    np.testing.assert_array_equal(terminated, recording.terminated, err_msg="terminated")
    np.testing.assert_array_equal(truncated, recording.truncated, err_msg="truncated")


@every_case
def test_single_steps_match_in_32_bits(name, parameters):
    recording = record_all(name, parameters)

    compare(single_steps(particles.make(name, **parameters), recording), recording, tolerance=1e-5)


@every_case
def test_whole_episodes_match_in_64_bits(name, parameters):
    recording = record_all(name, parameters)

    with jax.enable_x64(True):
        compare(whole_episodes(particles.make(name, **parameters), recording), recording, tolerance=1e-9)


@pytest.mark.parametrize("name", SCENARIOS)
def test_first_observations_match(name):
    recording = record(name, modes(name)[0])
    scenario = make_scenario(name)
    first = jax.tree.map(lambda leaf: leaf[:, 0], recording.worlds)

    observation = jax.jit(jax.vmap(lambda world: padded_observation(scenario, world)))(first)

    np.testing.assert_allclose(observation, recording.observation[:, 0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_reference_is_truncated_at_the_last_step_alone(name):
    recording = record(name, modes(name)[0])

    assert recording.truncated[:, -1].all()
    assert not recording.truncated[:, :-1].any()
    assert not recording.terminated.any()


def test_recordings_reach_what_matters():
    """Contact, the field's edge, forests, food and every goal: else agreement would mean little."""
    tag, comm = record("simple_tag", "box"), record("simple_world_comm", "box")
    scenario = make_scenario("simple_world_comm")
    measures = jax.vmap(jax.vmap(scenario.metrics))(jax.tree.map(lambda leaf: jnp.asarray(leaf), comm.worlds))

    assert (tag.reward[..., 0] > 0).mean() > 0.05
    assert (np.abs(tag.worlds.position[:, :, 3]) > 1).mean() > 0.05
    assert measures["meals"].max() > 0
    assert 0 < measures["prey_hidden"].mean() < 1
    assert set(record("simple_adversary", "box").worlds.choice.ravel()) == {0, 1}


WRONG = {
    "contact force": ("simple_spread", physics, "CONTACT_FORCE", 100.1),
    "contact margin": ("simple_spread", physics, "CONTACT_MARGIN", 1.01e-3),
    "damping": ("simple", physics, "DAMPING", 0.2501),
    "reward of a catch": ("simple_tag", simple_tag, "CATCH", 10.01),
    "size of food": ("simple_world_comm", simple_world_comm, "FOOD", Landmark(size=0.05)),
    "colours": ("simple_push", simple_push, "AGENT_COLOURS", simple_push.AGENT_COLOURS + 1e-3),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_comparison_notices(wrong, monkeypatch):
    name, module, constant, value = WRONG[wrong]
    monkeypatch.setattr(module, constant, value)
    recording = record(name, "box")

    with pytest.raises(AssertionError):
        compare(single_steps(particles.make(name), recording), recording, tolerance=1e-5)


def test_the_comparison_notices_the_other_dynamics():
    recording = record("simple", "box")

    with pytest.raises(AssertionError, match="position"):
        compare(single_steps(particles.make("simple", dynamics="openai"), recording), recording, tolerance=1e-5)


def test_the_comparison_notices_another_length():
    recording = record("simple", "box")

    with pytest.raises(AssertionError, match="truncated"):
        compare(single_steps(particles.make("simple", episode_length=LENGTH + 1), recording), recording, tolerance=1e-5)
