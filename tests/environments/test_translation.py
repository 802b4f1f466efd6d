"""Between dictionaries and arrays: agents are found however they are called, and what does not fit says whose it is."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from maddpg.config import ChannelConfig
from maddpg.environments import particles
from maddpg.environments.foreign import adapt
from maddpg.environments.host import HostWorld
from maddpg.environments.host_channel import with_host_channel
from maddpg.environments.translation import Translator
from tests.environments.foreign.worlds import Film, frame

SEEN = {0: np.array([1, 2], np.float32), 1: np.array([3, 4], np.float32)}
DEVICE = particles.make("simple_spread", action_mode="box", episode_length=5)


def numbered():
    """A world in Python whose agents are called 0 and 1."""
    film = Film([frame(0, (0, 1), observations=SEEN, infos={0: {"action_mask": [1, 1, 1]}})], (0, 1))
    return HostWorld(adapt("film", film, None, False).spec, partial(adapt, "film", film, None, False))


def named(name):
    """A world on the device whose first agent has that name."""
    first, *others = DEVICE.spec.agents
    return replace(DEVICE, spec=replace(DEVICE.spec, agents=(replace(first, name=name), *others)))


@pytest.mark.parametrize("call", [int, str])
def test_agents_in_python_are_found_by_number_and_by_name(call):
    translator = Translator(numbered())
    observations = {call(agent): seen for agent, seen in SEEN.items()}

    rows, there, allowed = translator.pack(observations, {call(1): {"action_mask": [0, 1, 0]}})
    actions = translator.unpack(np.array([[0, 0, 1], [1, 0, 0]], np.float32), list(observations))

    assert rows.tolist() == [[1, 2], [3, 4]]
    assert there.all()
    assert allowed.tolist() == [[1, 1, 1], [0, 1, 0]]
    assert actions == {call(0): 2, call(1): 0}
    assert translator.unpack(np.eye(3)[:2], [call(1)]) == {call(1): 1}


def test_agents_on_the_device_are_found_by_number_too():
    translator = Translator(named("7"))
    seen = np.arange(18, dtype=np.float32)

    rows, there, allowed = translator.pack({7: seen}, {7: {"action_mask": [1, 1, 0, 1, 1]}})

    np.testing.assert_array_equal(rows[0], seen)
    assert there.tolist() == [True, False, False]
    assert allowed[0].tolist() == [1, 1, 0, 1, 1]
    assert list(translator.unpack(np.zeros((3, 5), np.float32), [7])) == [7]


def test_a_channel_finds_them_too():
    config = ChannelConfig(channel_senders=("0",), channel_receivers=("1",), channel_size=2)
    translator = Translator(with_host_channel(numbered(), config))

    rows, there, _ = translator.pack({1: (SEEN[1], [0.5, 0.25])}, {})
    actions = translator.unpack(np.array([[0, 1, 0, 0, 1], [0, 0, 1, 0, 0]], np.float32), [0, 1])

    assert rows[1].tolist() == [3, 4, 0.5, 0.25]
    assert there.tolist() == [False, True]
    own, message = actions[0]
    assert (own, message.tolist(), actions[1]) == (1, [0, 1], 2)


@pytest.mark.parametrize(
    ("observations", "infos", "message"),
    [
        ({2: SEEN[0]}, {}, r"unknown agent '2'\. Known: 0, 1"),
        ({0: SEEN[0], "0": SEEN[1]}, {}, "two of 0, '0' are one agent; give each agent once"),
        ({1: np.zeros(3)}, {}, r"1: the observation has shape \(3,\); it must have \(2,\)"),
        ({1: np.array([0, np.inf])}, {}, "1: the observation is inf in column 1; it must be finite"),
        ({1: SEEN[1]}, {1: {"action_mask": [1, 1]}}, "1: the action mask has 2 values; it must have 3"),
    ],
)
def test_what_does_not_fit_says_whose_it_is(observations, infos, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        Translator(numbered()).pack(observations, infos)
