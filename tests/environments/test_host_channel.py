"""The channel over environments in Python: held to the one on the device, column by column."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
import pytest

from maddpg.config import ChannelConfig
from maddpg.environments import particles
from maddpg.environments.channel import with_channel
from maddpg.environments.host import HostStep, HostWorld
from maddpg.environments.host_channel import with_host_channel

DEVICE = particles.make("simple_tag", action_mode="discrete", episode_length=4)


class Hosted:
    """A world on the device behind the contract of the host; `dead` agents are absent from the second step on."""

    def __init__(self, dead=()):
        self.spec, self.dead = DEVICE.spec, list(dead)

    def reset(self, seed):
        self.world, observation = DEVICE.reset(jax.random.key(seed))
        return self._tell(np.asarray(observation), np.zeros(4, np.float32), np.ones(4, bool))

    def step(self, action):
        assert action.shape == (4, self.spec.action_width)
        self.world, result = DEVICE.step(jax.random.key(0), self.world, jax.numpy.asarray(action))
        alive = np.ones(4, bool)
        alive[self.dead] = False
        return self._tell(np.asarray(result.next_observation), np.asarray(result.reward), alive)

    def _tell(self, observation, reward, alive):
        none = np.zeros(4, bool)
        state = np.asarray(DEVICE.global_state(self.world))
        mask = np.ones((4, self.spec.action_width), bool)
        return HostStep(np.where(alive[:, None], observation, 0), state, reward, none, none, alive, mask)

    def close(self):
        pass


def worlds(dead=(), **settings):
    config = ChannelConfig(**{"channel_senders": ("all",), **settings})
    hosted = with_host_channel(HostWorld(DEVICE.spec, partial(Hosted, dead)), config)
    return with_channel(DEVICE, config), hosted


def one_hot(choices, symbols):
    action = np.zeros((4, 5 + 4), np.float32)
    action[np.arange(4), choices] = 1
    action[np.arange(4), 5 + np.array(symbols)] = 1
    return action


@pytest.mark.parametrize("receivers", [("all",), ("adversary",)])
def test_what_is_heard_is_what_the_device_hears(receivers):
    device, hosted = worlds(channel_receivers=receivers)
    assert hosted.spec == device.spec
    environment = hosted.factory()
    assert environment.spec == hosted.spec

    state, observation = device.reset(jax.random.key(5))
    told = environment.reset(5)
    np.testing.assert_allclose(told.observation, observation, atol=1e-6)
    for symbols in ((0, 1, 2, 3), (3, 3, 0, 1)):
        action = one_hot([1, 2, 3, 4], symbols)
        state, result = device.step(jax.random.key(0), state, jax.numpy.asarray(action))
        told = environment.step(action)
        np.testing.assert_allclose(told.observation, result.next_observation, atol=1e-6)
        np.testing.assert_allclose(told.state, result.next_state, atol=1e-6)
        assert told.observation.dtype == told.state.dtype == np.float32


def test_the_absent_say_and_hear_nothing():
    _, hosted = worlds(dead=[0])
    environment = hosted.factory()
    environment.reset(1)
    size = DEVICE.spec.agents[1].observation_size

    told = environment.step(one_hot([0] * 4, [2] * 4))
    assert told.observation[1, size : size + 4].tolist() == [0, 0, 1, 0]  # agent 0 was there when it spoke
    assert not told.observation[0].any()

    told = environment.step(one_hot([0] * 4, [2] * 4))
    assert told.observation[1, size : size + 4].tolist() == [0, 0, 0, 0]
    assert told.observation[1, size + 4 : size + 8].tolist() == [0, 0, 1, 0]


def test_without_a_state_there_is_none_with_a_channel_either():
    from dataclasses import replace

    hosted = with_host_channel(HostWorld(replace(DEVICE.spec, state_size=0), Hosted), ChannelConfig(channel_senders=("all",)))

    assert hosted.spec.state_size == 0
    assert hosted.factory().spec.state_size == 0


@pytest.mark.parametrize("kind", ["discrete", "simplex", "continuous"])
def test_noise_and_loss_are_as_often_as_they_should_be_and_repeat_with_a_seed(kind):
    noise = 0.3
    _, hosted = worlds(channel_kind=kind, channel_noise=noise, channel_loss=0.25)
    environment, again = hosted.factory(), hosted.factory()
    environment.reset(7)
    again.reset(7)
    size = DEVICE.spec.agents[0].observation_size
    action = one_hot([0] * 4, [1] * 4)

    heard = []
    for _ in range(300):
        told = environment.step(action)
        np.testing.assert_array_equal(told.observation, again.step(action).observation)
        heard.append(told.observation[:3, size:].reshape(3, 3, 4))
    mail = np.concatenate(heard).reshape(-1, 4)

    lost = (mail == 0).all(axis=1)
    assert lost.mean() == pytest.approx(0.25, abs=0.04)
    if kind == "discrete":
        counts = mail[~lost].mean(axis=0)
        np.testing.assert_allclose(counts, [0.1, 0.7, 0.1, 0.1], atol=0.04)
    else:
        np.testing.assert_allclose(mail[~lost].mean(axis=0), [0, 1, 0, 0], atol=0.05)
        np.testing.assert_allclose(mail[~lost].std(axis=0), noise, rtol=0.1)


def test_every_message_is_allowed():
    _, hosted = worlds()
    environment = hosted.factory()

    told = environment.reset(0)

    assert told.action_mask.shape == (4, 9)
    assert told.action_mask.all()


def test_nobody_sends_nothing_changes():
    world = HostWorld(DEVICE.spec, Hosted)

    assert with_host_channel(world, ChannelConfig()) is world
