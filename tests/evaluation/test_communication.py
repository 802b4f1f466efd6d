"""Measures of messages against closed forms: what they tell, and what a team loses without them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.config import ChannelConfig
from maddpg.environments import particles
from maddpg.environments.channel import with_channel
from maddpg.evaluation.communication import measure_communication, read_symbols, summarise
from maddpg.evaluation.conversation import Conversation, choose_senders, converse, join, last_heard, shuffle
from maddpg.evaluation.information import chance_information, cross_table, entropy, mutual_information
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, Simplex
from tests.secret_game import secret_game

OPTIONS, EPISODES = 4, 600


def talking_game(**settings):
    return with_channel(
        secret_game(OPTIONS, length=3), ChannelConfig(**{"channel_senders": ("guide",), "channel_size": OPTIONS} | settings)
    )


def one_word(words):
    return jax.nn.one_hot(words, OPTIONS)


def act(say, worlds, observation, key):
    """The guide says `say(secret, key)`, and the walker names what it heard."""
    words = say(jnp.argmax(observation[:, 0, 1 : 1 + OPTIONS], axis=1), key)
    first = jnp.zeros((len(observation), 2))
    guide = jnp.concatenate([first, one_word(words)], axis=1)
    walker = jnp.concatenate([observation[:, 1, 1 : 1 + OPTIONS], first], axis=1)
    return jnp.stack([guide, walker], axis=1)


def mistaken(secret, key):
    """The secret, or with probability 0.3 another word, each as likely."""
    err_key, word_key = jax.random.split(key)
    other = jnp.mod(secret + jax.random.randint(word_key, secret.shape, 1, OPTIONS), OPTIONS)
    return jnp.where(jax.random.bernoulli(err_key, 0.3, secret.shape), other, secret)


SPEAKERS = {  # what the guide says; bits that it tells; chance that the walker is right
    "the secret": (lambda secret, key: secret, 2.0, 1.0),
    "a code": (lambda secret, key: jnp.mod(secret + 1, OPTIONS), 2.0, 0.0),
    "one word": (lambda secret, key: jnp.ones_like(secret), 0.0, 0.25),
    "half of it": (lambda secret, key: secret // 2, 1.0, 0.25),
    "chance": (lambda secret, key: jax.random.randint(key, secret.shape, 0, OPTIONS), 0.0, 0.25),
    "mistaken": (mistaken, 2 + 0.7 * np.log2(0.7) + 0.3 * np.log2(0.1), 0.7),
}


@cache
def all_speakers():
    """Conversations of every speaker, [speaker, ...], from one program."""
    game = talking_game()

    def one(index, key):
        def say(secret, key):
            return jnp.stack([say(secret, key) for say, _, _ in SPEAKERS.values()])[index]

        return converse(game, partial(act, say), EPISODES, key, choose_senders(game.spec))

    return jax.device_get(jax.jit(jax.vmap(one, in_axes=(0, None)))(jnp.arange(len(SPEAKERS)), jax.random.key(0)))


@pytest.mark.parametrize("name", SPEAKERS)
def test_bits_and_returns_of_known_speakers(name):
    _, bits, right = SPEAKERS[name]
    spec = talking_game().spec
    conversation = jax.tree.map(lambda leaf: leaf[list(SPEAKERS).index(name)], all_speakers())

    measured = summarise(spec, conversation, choose_senders(spec))
    guide = measured.senders["guide"]
    telling = guide.secrets["secret"]

    assert list(measured.senders) == measured.tampered == ["guide"]
    assert telling.bits == pytest.approx(bits, abs=0.12)
    assert telling.bits <= guide.entropy + 1e-9
    assert (telling.bits > telling.chance) == (bits > 0)
    assert telling.ceiling == pytest.approx(2, abs=0.02)
    assert np.sum(telling.language) == EPISODES
    returns = {kind: table["walker"].mean for kind, table in measured.returns.items()}
    assert returns["as sent"] == pytest.approx(2 * right, abs=0.2)
    assert returns["cut"] == pytest.approx(2 * 0.25, abs=0.2)  # hearing nothing, the walker names the first option
    assert returns["shuffled"] == pytest.approx(2 * 0.25, abs=0.2)  # it hears another episode's word
    for kind, table in measured.falls.items():
        assert table["guide"].mean == pytest.approx(returns["as sent"] - returns[kind])


def test_shuffling_keeps_what_is_said_and_cutting_does_not():
    """A walker that only waits for any word at all loses nothing by shuffling, and everything by cutting."""

    def wait(worlds, observation, key):
        action = act(lambda secret, key: secret, worlds, observation, key)
        heard = observation[:, 1, 1 : 1 + OPTIONS].sum(axis=1) > 0
        named = jnp.argmax(observation[:, 0, 1 : 1 + OPTIONS], axis=1)  # it peeks, as no agent can
        words = jnp.where(heard, named, jnp.mod(named + 1, OPTIONS))
        return action.at[:, 1, :OPTIONS].set(one_word(words))

    measured = measure_communication(talking_game(), wait, 64, jax.random.key(0))

    assert [table["walker"].mean for table in measured.returns.values()] == [2, 0, 2]
    assert measured.falls["cut"]["walker"].standard_error == 0  # the same episodes, so differences have no noise


def test_bits_are_of_what_is_sent_not_of_what_arrives():
    measured = measure_communication(
        talking_game(channel_noise=0.75), partial(act, lambda secret, key: secret), EPISODES, jax.random.key(0)
    )

    assert measured.senders["guide"].secrets["secret"].bits == pytest.approx(2, abs=0.02)
    assert measured.returns["as sent"]["walker"].mean == pytest.approx(0.5, abs=0.15)


def test_only_named_senders_are_tampered_with():
    environment = talking_game(channel_senders=("all",))

    def babble(worlds, observation, key):
        action = act(lambda secret, key: secret, worlds, observation, key)
        return jnp.pad(action, ((0, 0), (0, 0), (0, environment.spec.action_width - action.shape[2])))

    measured = measure_communication(environment, babble, 64, jax.random.key(0), senders=["walker"])

    assert measured.tampered == ["walker"]
    assert list(measured.senders) == ["guide", "walker"]
    assert [table["walker"].mean for table in measured.returns.values()] == [2, 2, 2]


def test_the_language_and_a_joint_secret():
    """A cipher tells about word and key together, and about neither alone."""
    spec = EnvSpec("cipher", (AgentSpec("alice", "a", 1, (Categorical(2),), 2), AgentSpec("bob", "a", 1, (Categorical(2),))), 1, 1)
    word, key = np.array([0, 0, 1, 1] * 25), np.array([0, 1, 0, 1] * 25)
    conversation = Conversation(np.zeros((3, 100, 2)), np.eye(2)[np.stack([word ^ key, word], axis=1)], {"word": word, "key": key})

    alice = summarise(spec, conversation, choose_senders(spec)).senders["alice"]

    assert alice.secrets["word"].bits < alice.secrets["word"].chance
    assert alice.secrets["key"].bits < alice.secrets["key"].chance
    joint = alice.secrets["word, key"]
    assert joint.bits == pytest.approx(1, abs=0.03)
    assert (alice.symbols, joint.options) == (["0", "1"], ["0 0", "0 1", "1 0", "1 1"])
    assert joint.language == [[25, 0, 0, 25], [0, 25, 25, 0]]


def test_the_symbol_is_the_last_that_could_be_heard():
    said = jnp.array([[0, 1, 2, 3], [4, 5, 6, 7], [8, 0, 0, 0]])

    heard = last_heard(jax.nn.one_hot(said.T, 9)[:, :, None], jnp.array([4, 3, 1]))

    np.testing.assert_array_equal(heard, np.eye(9)[[[2], [5], [8]]])


def test_conversations_are_joined_up_to_a_number_of_episodes():
    parts = [Conversation(np.full((3, 4, 2), part), np.full((4, 2, 5), part), {"goal": np.full(4, part)}) for part in range(3)]

    whole = join(parts, 10)

    first = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert (whole.returns.shape, whole.spoken.shape) == ((3, 10, 2), (10, 2, 5))
    assert whole.returns[2, :, 1].tolist() == whole.spoken[:, 1, 4].tolist() == whole.secrets["goal"].tolist() == first


def test_symbols_of_every_kind_of_head():
    agent = AgentSpec("a", "a", 1, (Box((0.0, 0.0, -1.0), (1.0, 1.0, 3.0)), Simplex(3), Categorical(2)), message_size=7)
    action = np.array([[0.9, 0.6, 0.9, 0.2, 0.5, 0.3, 1, 0, 0.7], [0.9, 0.4, 1.1, 0.9, 0.1, 0.0, 0, 1, 0.7]])

    np.testing.assert_array_equal(read_symbols(agent, action), [[1, 0, 1, 0], [0, 1, 0, 1]])
    with pytest.raises(ValueError, match=r"a: message_size = 4 ends inside Simplex\(size=3\)"):
        read_symbols(replace(agent, message_size=4), action)


def test_shuffle_takes_from_episodes_that_go_on():
    action = jnp.arange(40.0).reshape(20, 2, 1)
    alive = jnp.arange(20) % 3 > 0
    once = jax.jit(shuffle)

    drawn = np.asarray(jax.vmap(lambda key: once(key, action, alive))(jax.random.split(jax.random.key(0), 400)))[..., 0]

    going = np.flatnonzero(alive)
    for agent in range(2):
        for episode in range(20):
            assert set(drawn[:, episode, agent] // 2) == (set(going) if alive[episode] else {episode})
        assert (np.sort(drawn[:, going, agent], axis=1) == np.asarray(action)[going, agent, 0]).all()
    assert (drawn[:, going, 0] + 1 != drawn[:, going, 1]).any()  # an order of its own for each agent
    share = (drawn[:, going[0], 0] // 2 == going[0]).mean()
    assert share == pytest.approx(1 / len(going), abs=0.05)


def test_episodes_count_until_their_end(checked_keys):
    """A game that is over after three of six steps pays twice, not five times."""
    game = talking_game()
    longer = replace(game, spec=replace(game.spec, episode_length=6))

    play = jax.jit(lambda key: converse(longer, partial(act, lambda secret, key: secret), 8, key, choose_senders(longer.spec)))
    conversation = play(jax.random.key(0))

    assert conversation.spoken.shape == (8, 2, longer.spec.action_width)
    np.testing.assert_array_equal(conversation.returns[0], 2)


def test_bias_of_small_samples_is_taken_off():
    generator = np.random.default_rng(0)
    said, secret = generator.integers(0, 6, (2, 500, 200))

    found = [mutual_information(*pair) for pair in zip(said, secret, strict=True)]
    entropies = [entropy(row) for row in said]

    # Without the correction they would be about 25 / (2 * 200 ln 2) = 0.09 bits too many, and 5 / (2 * 200 ln 2) = 0.018 too few.
    assert np.mean(found) == pytest.approx(0, abs=0.01)
    assert np.mean(entropies) == pytest.approx(np.log2(6), abs=0.005)
    share = np.mean([value > chance_information(*pair) for value, pair in zip(found[:100], zip(said, secret, strict=True), strict=False)])
    assert 0 < share < 0.13  # by chance, one in twenty


def test_counts_and_corrections_by_hand():
    first, second = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])

    np.testing.assert_array_equal(cross_table(first, second), [[2, 0, 0], [0, 1, 1]])
    assert entropy(first) == pytest.approx(1 + 1 / (8 * np.log(2)))
    assert mutual_information(first, second) == pytest.approx(1 + 1 / (8 * np.log(2)))
    assert entropy(np.zeros(5, int)) == 0


def test_a_worlds_own_messages_and_json():
    environment = particles.make("simple_speaker_listener", action_mode="simplex", episode_length=4)
    spec = environment.spec

    def speak(worlds, observation, key):
        word = jax.nn.one_hot(jnp.argmax(observation[:, 0, :3], axis=1), spec.action_width)
        return jnp.stack([word, jnp.zeros_like(word)], axis=1)

    tables = measure_communication(environment, speak, 300, jax.random.key(0)).to_dict()

    telling = tables["senders"]["speaker_0"]["secrets"]["goal"]
    assert telling["bits"] == pytest.approx(np.log2(3), abs=0.02)
    np.testing.assert_array_equal(np.array(telling["language"]), np.diag(np.diag(telling["language"])))
    assert [table["listener_0"]["mean"] for table in tables["falls"].values()] == [0, 0]  # nobody moves, whatever is said
    assert json.loads(json.dumps(tables)) == tables


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="nobody sends messages in simple_spread: add a channel"):
        choose_senders(particles.make("simple_spread").spec)
    with pytest.raises(ValueError, match="unknown sender 'speaker'; did you mean 'speaker_0'"):
        choose_senders(particles.make("simple_speaker_listener").spec, ["speaker"])
