"""The channel: who hears what and when, noise and loss, and an environment inside that notices nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.config import ChannelConfig
from maddpg.environments import particles
from maddpg.environments.channel import transmit, with_channel
from maddpg.types import Box, Categorical, Simplex
from tests.secret_game import secret_game

KINDS = {"discrete": Categorical(3), "simplex": Simplex(3), "continuous": Box((-1.0,) * 3, (1.0,) * 3)}
every_kind = pytest.mark.parametrize("kind", KINDS)


def open_channel(**settings) -> ChannelConfig:
    return ChannelConfig(**{"channel_senders": ("all",), "channel_size": 3} | settings)


def random_actions(environment, count):
    """[count, agent, action]: a choice in every categorical or simplex head, any point of a box."""
    generator = np.random.default_rng(0)
    actions = np.zeros((count, *environment.spec.action_valid.shape), np.float32)
    for index, agent in enumerate(environment.spec.agents):
        parts = [
            generator.uniform(space.low, space.high, (count, space.size))
            if isinstance(space, Box)
            else np.eye(space.size)[generator.integers(0, space.size, count)]
            for space in agent.action
        ]
        actions[:, index, : agent.action_size] = np.concatenate(parts, axis=1)
    return actions


def play(environment, actions, key):
    """States and time steps [step, ...] of `actions` [step, agent, action], and the observation after the reset."""
    reset_key, play_key = jax.random.split(key)
    state, observation = environment.reset(reset_key)

    def step(state, given):
        state, result = environment.step(given[0], state, given[1])
        return state, (state, result)

    return observation, *jax.lax.scan(step, state, (jax.random.split(play_key, len(actions)), actions))[1]


WORLDS = {
    "simple_spread": lambda: particles.make("simple_spread", action_mode="discrete", episode_length=4),
    "simple_world_comm": lambda: particles.make("simple_world_comm", episode_length=4),
    "secret_game": lambda: secret_game(5, length=4),
}


@pytest.mark.parametrize("name", WORLDS)
def test_delivered_one_step_later_and_the_environment_inside_is_untouched(name):
    plain = WORLDS[name]()
    talking = with_channel(plain, open_channel())
    actions = random_actions(talking, 4)
    inner_actions = np.where(plain.spec.action_valid, actions[:, :, : plain.spec.action_width], 0)

    fresh, _, results = jax.jit(lambda key: play(talking, actions, key))(jax.random.key(1))
    inner_fresh, _, inner = jax.jit(lambda key: play(plain, inner_actions, key))(jax.random.key(1))

    np.testing.assert_allclose(results.reward, inner.reward, atol=1e-6)
    np.testing.assert_array_equal(results.truncated, inner.truncated)
    sizes = [agent.observation_size for agent in plain.spec.agents]
    own = [agent.action_size for agent in plain.spec.agents]
    for index, size in enumerate(sizes):
        others = [other for other in range(len(sizes)) if other != index]
        mail = np.concatenate([actions[:, other, own[other] : own[other] + 3] for other in others], axis=1)
        end = size + mail.shape[1]
        assert mail.sum() == 4 * len(others)
        np.testing.assert_array_equal(fresh[index, :size], inner_fresh[index, :size])
        np.testing.assert_array_equal(fresh[index, size:], 0)
        for observation in (results.next_observation, results.observation):
            np.testing.assert_allclose(observation[:, index, :size], inner.next_observation[:, index, :size], atol=1e-6)
            np.testing.assert_array_equal(observation[:, index, size:end], mail)
            np.testing.assert_array_equal(observation[:, index, end:], 0)
        assert talking.spec.agents[index].observation_size == end


def test_messages_do_not_reach_the_padding_of_the_environment_inside():
    plain = secret_game(5)

    def step(key, state, action):
        state, result = plain.step(key, state, action)
        return state, replace(result, reward=jnp.sum(action, axis=1))

    environment = with_channel(replace(plain, step=step), open_channel())
    everything = jnp.ones_like(environment.still)

    _, _, result = jax.jit(lambda key: play(environment, everything[None], key))(jax.random.key(0))

    np.testing.assert_array_equal(result.reward[0], [2, 5])


@every_kind
def test_the_specification(kind):
    plain = particles.make("simple_speaker_listener", action_mode="simplex")

    spec = with_channel(plain, open_channel(channel_kind=kind, channel_receivers=("listener_0",))).spec
    speaker, listener = spec.agents

    assert speaker.action == (Simplex(3), KINDS[kind])
    assert listener.action == (Simplex(5), KINDS[kind])
    assert (speaker.message_size, listener.message_size) == (6, 3)
    assert (speaker.observation_size, listener.observation_size) == (3, 11 + 3)
    assert spec.state_size == plain.spec.state_size + 2 * 3
    np.testing.assert_array_equal(spec.message_columns, [[1] * 6 + [0] * 2, [0] * 5 + [1] * 3])
    assert (spec.name, spec.names, spec.episode_length) == (plain.spec.name, plain.spec.names, plain.spec.episode_length)


def test_senders_and_receivers_by_team():
    plain = particles.make("simple_tag")
    config = open_channel(channel_senders=("adversary_2", "adversary_0"), channel_receivers=("adversary",))

    environment = with_channel(plain, config)
    action = environment.still.at[0, 5:8].set(jnp.array([0, 1, 0])).at[2, 5:8].set(jnp.array([0, 0, 1]))
    _, _, result = jax.jit(lambda key: play(environment, action[None], key))(jax.random.key(0))

    assert [agent.message_size for agent in environment.spec.agents] == [3, 0, 3, 0]
    assert [agent.observation_size for agent in environment.spec.agents] == [16 + 3, 16 + 6, 16 + 3, 14]
    mail = [row[size:] for row, size in zip(result.next_observation[0], (16, 16, 16, 14), strict=True)]
    np.testing.assert_array_equal(mail[0], [0, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(mail[1], [0, 1, 0, 0, 0, 1])
    np.testing.assert_array_equal(mail[2], [0, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(mail[3], 0)


@pytest.mark.parametrize("settings", [{}, {"channel_noise": 0.5, "channel_loss": 0.3}])
def test_the_global_state_holds_what_was_delivered(settings, checked_keys):
    environment = with_channel(secret_game(4, length=3), open_channel(**settings))
    actions = random_actions(environment, 3)

    _, states, results = jax.jit(lambda key: play(environment, actions, key))(jax.random.key(1))

    assert results.next_state.shape == (3, environment.spec.state_size)
    np.testing.assert_array_equal(results.state, results.next_state)
    np.testing.assert_array_equal(results.next_state, jax.vmap(environment.global_state)(states))
    # The mail that agents see can be read off the state: the walker's from the guide, the guide's from the walker.
    delivered = np.asarray(results.next_state[:, 4 + 3 :]).reshape(3, -1, 2, 3)
    np.testing.assert_array_equal(results.next_observation[:, 1, 1:4], delivered[:, -1, 0])
    np.testing.assert_array_equal(results.next_observation[:, 0, 5:8], delivered[:, 0, 1])


def test_discrete_noise_is_another_symbol_and_loss_is_zeros(checked_keys):
    config = open_channel(channel_size=4, channel_noise=0.3, channel_loss=0.2)
    spoken = jax.nn.one_hot(jnp.array([1, 3]), 4)
    draws = 4000

    arrived = jax.vmap(lambda key: transmit(config, key, spoken, 2))(jax.random.split(jax.random.key(0), draws))
    share = np.asarray(arrived.mean(axis=0))  # [receiver, sender, symbol]

    expected = np.full((2, 2, 4), 0.8 * 0.1)
    expected[:, 0, 1] = expected[:, 1, 3] = 0.8 * 0.7
    np.testing.assert_allclose(share, expected, atol=0.03)
    lost = np.asarray(arrived.sum(axis=3) == 0).reshape(draws, 4)
    turned = np.asarray(arrived[..., [1, 3]].max(axis=3) == 0).reshape(draws, 4) & ~lost
    for happened in (lost, turned):  # independent for each receiver and sender
        together = np.corrcoef(happened.T.astype(float)) - np.eye(4)
        np.testing.assert_allclose(together, 0, atol=0.07)


@pytest.mark.parametrize("kind", ["simplex", "continuous"])
def test_gaussian_noise(kind):
    config = open_channel(channel_kind=kind, channel_noise=0.25)
    spoken = jnp.array([[0.2, 0.5, 0.3]])

    arrived = jax.vmap(lambda key: transmit(config, key, spoken, 2))(jax.random.split(jax.random.key(0), 4000))
    off = (np.asarray(arrived) - np.asarray(spoken)).reshape(4000, 6)

    np.testing.assert_allclose(off.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(np.cov(off.T), 0.25**2 * np.eye(6), atol=0.006)


def test_silence_stays_silence():
    config = open_channel(channel_noise=1.0)

    assert not transmit(config, jax.random.key(0), jnp.zeros((2, 3)), 3).any()


def test_nobody_shouts_louder_than_the_space_allows():
    environment = with_channel(secret_game(2), open_channel(channel_kind="continuous", channel_senders=("guide",), channel_noise=0.0))
    action = environment.still.at[0, 2:].set(jnp.array([50.0, -50.0, 0.5]))

    _, _, result = jax.jit(lambda key: play(environment, action[None], key))(jax.random.key(0))

    np.testing.assert_array_equal(result.next_observation[0, 1, 1:4], [1, -1, 0.5])


@every_kind
def test_still_and_scripted_play_say_the_first_symbol_or_nothing(kind):
    plain = secret_game(4)
    environment = with_channel(plain, open_channel(channel_kind=kind))
    state, _ = environment.reset(jax.random.key(0))
    word = [0, 0, 0] if kind == "continuous" else [1, 0, 0]

    scripted = environment.scripted(jax.random.key(1), state)

    for action, inner in ((environment.still, plain.still), (scripted, plain.scripted(jax.random.key(1), state.inner))):
        np.testing.assert_array_equal(action[0], [*inner[0, :2], *word, 0, 0])
        np.testing.assert_array_equal(action[1], [*inner[1], *word])
    assert environment.secrets(state) == plain.secrets(state.inner)
    assert environment.metrics(state) == plain.metrics(state.inner)
    assert environment.aggregates == plain.aggregates


def test_many_episodes_with_noise_in_one_program():
    environment = with_channel(particles.make("simple_spread", episode_length=3), open_channel(channel_noise=0.1, channel_loss=0.1))
    actions = random_actions(environment, 3)

    observation, _, results = jax.jit(jax.vmap(lambda key: play(environment, actions, key)))(jax.random.split(jax.random.key(1), 8))

    assert observation.shape == (8, 3, 18 + 6)
    assert not observation[:, :, 18:].any()
    assert np.isfinite(results.next_state).all()
    assert results.next_state.shape == (8, 3, environment.spec.state_size)
    mail = np.asarray(results.next_observation[..., 18:]).reshape(8, 3, 3, 2, 3)
    assert set(np.unique(mail)) == {0, 1}
    assert len({episode.tobytes() for episode in mail}) > 1  # each episode has noise of its own
    assert all((first != second).any() for first, second in pairwise(np.moveaxis(mail, 1, 0)))


def test_without_senders_nothing_changes():
    plain = secret_game(2)

    assert with_channel(plain, ChannelConfig()) is plain


def test_what_makes_no_sense_is_refused():
    plain = particles.make("simple_tag")

    with pytest.raises(ValueError, match="unknown channel sender 'adversari'; did you mean 'adversary'"):
        with_channel(plain, open_channel(channel_senders=("adversari",)))
    with pytest.raises(ValueError, match="unknown channel receiver 'agent_7'; did you mean 'agent_0'"):
        with_channel(plain, open_channel(channel_receivers=("agent_7",)))
    with pytest.raises(ValueError, match="agent_0 is the only sender and the only receiver"):
        with_channel(plain, open_channel(channel_senders=("agent_0",), channel_receivers=("good",)))
    with pytest.raises(ValueError, match="agent_0 is the only sender and the only receiver"):
        with_channel(particles.make("simple"), open_channel())
