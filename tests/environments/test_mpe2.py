"""The reference itself: what it is given, what is read from it and written into it, and what it cannot do."""

from __future__ import annotations

import sys
from dataclasses import fields, replace

import jax
import numpy as np
import pytest

from maddpg.config import ChannelConfig, Config, WorldConfig
from maddpg.environments import mpe2, particles
from maddpg.particles import SCENARIOS, make_scenario
from tests.particles.writing import write_world

pytest.importorskip("mpe2")


@pytest.mark.parametrize("name", SCENARIOS)
def test_worlds_survive_writing_and_reading(name):
    scenario = make_scenario(name)
    reset = jax.jit(jax.vmap(scenario.reset))
    worlds = reset(jax.random.split(jax.random.key(0), 5))
    reference = mpe2.make(name)
    for index in range(5):
        world = replace(jax.tree.map(lambda leaf, index=index: np.asarray(leaf[index]), worlds), clock=np.array(index + 3))
        world = replace(world, velocity=world.position * 0.5, message=world.message + 0.25)
        write_world(reference, world)
        back = mpe2.read_world(reference)
        for field in fields(world):
            np.testing.assert_array_equal(getattr(back, field.name), getattr(world, field.name), err_msg=field.name)


def test_written_worlds_are_copies():
    reference = mpe2.make("simple")
    world = mpe2.read_world(reference)
    before = world.position.copy()
    write_world(reference, world)

    reference.parallel.step(mpe2.to_actions(reference, np.ones((1, 5))))
    reference.parallel.step(mpe2.to_actions(reference, np.array([[0, 0, 1, 0, 1]])))
    reference.parallel.step(mpe2.to_actions(reference, np.ones((1, 5))))

    np.testing.assert_array_equal(world.position, before)
    assert (mpe2.read_world(reference).position != before).all()


def test_discrete_actions_are_composed():
    reference = mpe2.make("simple_reference", action_mode="discrete")
    action = np.zeros((2, 15))
    action[0, 3], action[0, 5 + 7] = 1, 1
    action[1, 0], action[1, 5] = 1, 1

    assert mpe2.to_actions(reference, action) == {"agent_0": 7 * 5 + 3, "agent_1": 0}


def test_speakers_and_movers_have_their_own_columns():
    discrete, box = mpe2.make("simple_speaker_listener", action_mode="discrete"), mpe2.make("simple_speaker_listener")
    action = np.array([[0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.5]])

    vectors = mpe2.to_actions(box, action)

    assert mpe2.to_actions(discrete, action) == {"speaker_0": 2, "listener_0": 4}
    np.testing.assert_array_equal(vectors["speaker_0"], [0, 0, 1])
    np.testing.assert_array_equal(vectors["listener_0"], [0, 0, 0, 0, 1])


@pytest.mark.parametrize("name", SCENARIOS)
def test_spaces_agree(name):
    for mode in make_scenario(name).action_modes:
        spec, reference = particles.make(name, action_mode=mode).spec, mpe2.make(name, action_mode=mode)
        assert tuple(reference.parallel.possible_agents) == spec.names
        for agent in spec.agents:
            space = reference.parallel.action_space(agent.name)
            expected = np.prod([part.size for part in agent.action]) if mode == "discrete" else agent.action_size
            assert (space.n if mode == "discrete" else space.shape[0]) == expected
            assert reference.parallel.observation_space(agent.name).shape == (agent.observation_size,)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("simple_tag", {"dynamics": "openai"}, "mpe2 has no dynamics='openai'"),
        ("simple_spread", {"rewards": "openai"}, "mpe2 has no rewards='openai'"),
        ("simple_tag", {"prey_speed": 2.0}, "mpe2 has no prey_speed=2.0 in simple_tag"),
        ("simple_world_comm", {"prey_acceleration": 5.0}, "mpe2 has no prey_acceleration=5.0"),
        ("simple_adversary", {"adversaries": 2}, "mpe2 has no adversaries=2"),
        ("simple_spread", {"agents": 3, "landmarks": 4}, "mpe2 has no landmarks=4"),
        ("simple_crypto", {"action_mode": "box"}, "silent Eve"),
        ("simple_spred", {}, "did you mean 'simple_spread'"),
    ],
)
def test_what_mpe2_cannot_do_is_refused(name, parameters, message):
    with pytest.raises(ValueError, match=message):
        mpe2.make(name, **parameters)


def test_a_world_of_ones_own_is_not_in_mpe2(monkeypatch):
    monkeypatch.setitem(SCENARIOS, "gather", lambda **_: replace(make_scenario("simple"), name="gather"))

    with pytest.raises(ValueError, match="mpe2 has no gather; it has: simple, simple_adversary, "):
        mpe2.make("gather")
    assert not mpe2.has(Config("gather"))


def test_parameters_that_say_what_mpe2_does_are_taken():
    assert len(mpe2.make("simple_spread_v3", agents=4, landmarks=4).raw.world.landmarks) == 4
    assert len(mpe2.make("simple_tag", prey_speed=1.3, adversaries=2, episode_length=10).raw.world.agents) == 3
    assert mpe2.make("simple_tag", episode_length=10).raw.max_cycles == 10


@pytest.mark.parametrize(
    ("config", "there"),
    [
        (Config("simple_spread"), True),
        (Config("simple_spread", world=WorldConfig(rewards="openai")), False),
        (Config("simple_spread", channel=ChannelConfig(channel_senders=("all",))), False),
    ],
)
def test_it_says_what_mpe2_has(config, there):
    assert mpe2.has(config) == there


def test_without_mpe2_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpe2.simple_v3", None)

    with pytest.raises(ImportError, match=r'pip install "maddpg\[mpe2\]"'):
        mpe2.make("simple")


def test_scripted_players_play_in_mpe2():
    environment, reference = particles.make("simple_spread"), mpe2.make("simple_spread")
    scripted = jax.jit(environment.scripted)
    total = 0.0
    for seed in range(5):
        reference.parallel.reset(seed=seed)
        for _ in range(25):
            action = scripted(jax.random.key(0), mpe2.read_world(reference))
            _, reward, _, truncated, _ = reference.parallel.step(mpe2.to_actions(reference, np.asarray(action)))
            total += mpe2.to_rows(reference, reward).mean()
        assert all(truncated.values())

    assert total / 5 > -10  # random play scores -26
