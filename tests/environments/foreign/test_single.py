"""A Gymnasium environment as the case of one agent."""

from __future__ import annotations

import gymnasium
import numpy as np

from maddpg.environments.foreign import as_factory, find_factory
from maddpg.environments.foreign.single import SingleAgent
from tests.environments.foreign.worlds import Walk, one_hot


def walk(adapter, choices):
    told = [adapter.reset(0)]
    return told + [adapter.step(one_hot(adapter.spec, choice)) for choice in choices]


def test_an_end_for_good_is_a_termination():
    adapter = as_factory("walk", Walk, {"start": 1})()

    told = walk(adapter, [0, 1, 1, 1])

    assert adapter.spec.names == ("agent",)
    assert adapter.spec.teams == ("agent",)
    assert not adapter.spec.mortal
    assert [step.observation.item() for step in told] == [1, 0, 1, 2, 3]
    assert [step.reward.item() for step in told] == [0, 0, 1, 2, 3]
    assert [step.alive.item() for step in told] == [True, True, True, True, False]
    assert told[-1].terminated.item()
    assert not told[-1].truncated.item()


def test_the_agent_leaves_when_its_episode_is_over():
    environment = SingleAgent(Walk(start=2))

    environment.reset(seed=0)
    assert environment.agents == ["agent"]
    environment.step({"agent": 0})
    assert environment.agents == []


def test_a_time_limit_of_gymnasium_is_a_truncation():
    adapter = as_factory("walk", lambda: gymnasium.wrappers.TimeLimit(Walk(), 2), {})()

    told = walk(adapter, [1, 1])

    assert adapter.spec.episode_length == 2
    assert told[-1].truncated.item()
    assert not told[-1].terminated.item()
    assert told[-1].observation.item() == 2


def test_both_at_once_are_a_termination():
    adapter = as_factory("walk", lambda: gymnasium.wrappers.TimeLimit(Walk(start=2), 1), {})()

    told = walk(adapter, [1])

    assert told[-1].terminated.item()
    assert not told[-1].truncated.item()


def test_pendulum_step_by_step_as_gymnasium_plays_it():
    adapter = as_factory("gymnasium:Pendulum-v1", find_factory("gymnasium:Pendulum-v1"), {"g": 5.0})()
    raw = gymnasium.make("Pendulum-v1", g=5.0)
    generator = np.random.default_rng(0)

    told, (observation, _) = adapter.reset(4), raw.reset(seed=4)
    for clock in range(1, 201):
        np.testing.assert_array_equal(told.observation[0], observation)
        action = generator.uniform(-1, 1, (1, 1)).astype(np.float32)
        told, (observation, reward, _, truncated, _) = adapter.step(action), raw.step(2 * action[0])
        np.testing.assert_allclose(told.reward[0], reward, rtol=1e-5)
        assert told.truncated.item() == truncated == (clock == 200)

    assert adapter.spec.episode_length == 200
    adapter.close()
