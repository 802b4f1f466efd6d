"""Spaces written down: observations and actions as the adapter of environments in Python has them, without Gymnasium."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from gymnasium import spaces

from maddpg.config import ChannelConfig
from maddpg.environments.foreign import adapt
from maddpg.environments.foreign.masks import find_choices
from maddpg.environments.foreign.masks import read_mask as read_foreign_mask
from maddpg.environments.foreign.observations import describe_observation
from maddpg.environments.foreign.spaces import describe_action
from maddpg.environments.host import HostWorld
from maddpg.environments.host_channel import with_host_channel
from maddpg.export.spaces import describe_space, describe_spaces
from maddpg.policy.spaces import Choices, Columns, Numbers, Product, from_json, pack, read_mask, to_json, unpack
from tests.environments.foreign.worlds import Auction, Film, frame

BOX = spaces.Box(np.array([[-1.5, 0.0], [1 / 3, -300.0]]), np.array([[0.1, 7.0], [1 / 3, 1e5]]), dtype=np.float64)
ACTIONS = [
    spaces.Discrete(4),
    spaces.Discrete(3, start=-1),
    spaces.Discrete(2, dtype=np.int32),
    spaces.MultiDiscrete([[2, 3], [4, 1]], start=[[0, 5], [-2, 9]]),
    spaces.MultiBinary(3),
    spaces.Box(-0.3, 0.7, (3,), np.float32),
    BOX,
    spaces.Box(0, 255, (2, 2), np.uint8),
    spaces.Tuple((spaces.Discrete(3), spaces.Box(-1, 1, (2,)), spaces.Box(0, 1, (0,)))),
    spaces.Dict({"move": spaces.Discrete(5), "arm": spaces.Dict({"b": spaces.MultiBinary(2), "a": spaces.Box(-2, 3, (1, 2))})}),
]
OBSERVATIONS = [*ACTIONS, spaces.Box(-np.inf, np.inf, (2, 3), np.float32), spaces.Box(0, 255, (3,), np.uint8)]


def name(space):
    return str(space)[:40]


@pytest.mark.parametrize("space", ACTIONS, ids=name)
def test_actions_are_those_that_the_adapter_makes(space):
    mine, theirs = describe_space(space, "a", True), describe_action(space, "a")
    rows = np.random.default_rng(0).normal(size=(500, mine.size), scale=0.8).astype(np.float32)
    rows[0], rows[1] = 1, -1

    assert mine.size == theirs.size
    assert from_json(True, "here", json.loads(json.dumps(to_json(mine)))) == mine
    for row in rows:
        action, expected = unpack(mine, row), theirs.decode(row)
        assert_same(action, expected)
        assert space.contains(action)


def assert_same(one, other):
    """In type, dtype and value."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, tuple):
        for part, right in zip(one, other, strict=True):
            assert_same(part, right)
    else:
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("space", OBSERVATIONS, ids=name)
def test_observations_are_those_that_the_adapter_makes(space):
    mine, theirs = describe_space(space, "a", False), describe_observation(space, "a")
    space.seed(0)

    assert from_json(False, "here", json.loads(json.dumps(to_json(mine)))) == mine
    for _ in range(100):
        value = space.sample()
        np.testing.assert_array_equal(pack(mine, value), theirs.pack(value).astype(np.float32))


@pytest.mark.parametrize(
    ("space", "given"),
    [
        (spaces.Discrete(3), np.array([1, 0, 1], np.int8)),
        (spaces.MultiDiscrete([2, 3]), (np.array([1, 0]), np.array([0, 1, 1]))),
        (spaces.MultiDiscrete([2, 3]), [1, 0, 0, 1, 1]),
        (spaces.Tuple((spaces.Box(-1, 1, (2,)), spaces.Discrete(3))), (None, [0, 1, 1])),
        (spaces.Tuple((spaces.Box(-1, 1, (2,)), spaces.Discrete(3))), np.array([0, 1, 1])),
        (spaces.Dict({"arm": spaces.Box(-1, 1, (2,)), "move": spaces.Discrete(2)}), {"move": [True, False]}),
    ],
    ids=str,
)
def test_masks_are_those_that_the_adapter_reads(space, given):
    action = describe_action(space, "a")

    mine = read_mask(describe_space(space, "a", True), given)

    np.testing.assert_array_equal(mine, read_foreign_mask(find_choices(space, action), given))
    assert not mine.all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, 0], "the action mask has 2 values; it must have 3, one for each option of each choice"),
        ([1, 0, 2], "the action mask is .*; it must hold 1 where an option is allowed, else 0"),
        (["a", "b", "c"], "the action mask is .*; it must hold 1"),
        ({"move": [1, 0, 1]}, "the action mask is a mapping; it must be an array"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        read_mask(Choices((), "int64", (3,), (0,)), given)


@pytest.mark.parametrize(
    ("space", "value", "message"),
    [
        (Columns(3), [1, 2], r"the observation has shape \(2,\); it must have \(3,\)"),
        (Columns(2), [[1], [2, 3]], "it must be an array of numbers"),
        (Numbers((2,), "float32"), ["a", "b"], r"the observation is \['a', 'b'\]; it must be an array of numbers"),
        (Choices((), "int64", (3,), (5,)), 8, "the observation is 8; it must be a choice from"),
        (Choices((), "int64", (3,), (5,)), 6.5, "it must be a choice from"),
        (Choices((), "int64", (3,), (5,)), 4, "it must be a choice from"),
        (Product((Columns(1), Columns(1))), [[1]], "it must be a tuple of 2"),
        (Product((Columns(1),), ("eye",)), {"ear": [1]}, "it must be a mapping with eye"),
        (Product((Columns(1),), ("eye",)), [1], "it must be a mapping with eye"),
    ],
)
def test_an_observation_that_does_not_fit_is_refused(space, value, message):
    with pytest.raises(ValueError, match=message):
        pack(space, value)


def host(environment, masked=False):
    """A world in Python, as a run has it."""
    adapter = adapt("world", environment, None, False)
    assert adapter.spec.masked == masked
    return HostWorld(adapter.spec, partial(adapt, "world", environment, None, False))


def test_a_mask_in_the_observation_is_told_and_taken_out():
    described = describe_spaces(host(Auction(), masked=True))

    assert list(described) == ["bidder_0", "bidder_1"]
    assert described["bidder_0"].observation == Product((Numbers((4,), "int8"),), ("observation",))
    assert described["bidder_0"].action == Choices((), "int64", (4,), (0,))
    assert described["bidder_0"].action_mask == "observed"


def test_a_world_in_python_is_closed_again():
    film = Film([frame(0, "ab")], possible_agents="ab")

    described = describe_spaces(host(film))

    assert film.closed
    assert described["a"].action_mask == "none"


def test_a_channel_adds_messages_and_mail():
    world = host(Film([frame(0, "ab")], possible_agents="ab"))
    channel = ChannelConfig(channel_senders=("a",), channel_receivers=("b",), channel_size=4)

    described = describe_spaces(with_host_channel(world, channel))

    assert described["a"].observation == described["b"].observation.parts[0]
    assert described["a"].action == Product((Choices((), "int64", (3,), (0,)), Columns(4)))
    assert described["b"].observation.parts[1] == Columns(4)
    assert unpack(described["a"].action, np.array([0, 1, 0, 0, 0, 0, 1], np.float32))[0] == 1


def test_beside_mail_a_mask_is_given_and_not_observed():
    channel = ChannelConfig(channel_senders=("all",), channel_size=2)

    described = describe_spaces(with_host_channel(host(Auction(), masked=True), channel))["bidder_0"]

    assert described.action_mask == "given"
    seen = ({"observation": np.arange(4, dtype=np.int8)}, [0.0, 1.0])
    np.testing.assert_array_equal(pack(described.observation, seen), [0, 1, 2, 3, 0, 1])
    np.testing.assert_array_equal(read_mask(described.action, ([1, 0, 1, 1], None)), [1, 0, 1, 1, 1, 1])


def test_names_that_are_no_text_are_refused():
    space = spaces.Dict([(1, spaces.Discrete(2))])

    with pytest.raises(ValueError, match="a: its space has a part called 1, of type int; only text can be written down as a name"):
        describe_space(space, "a", True)


def test_what_only_gymnasium_can_flatten_comes_as_columns():
    assert describe_space(spaces.Text(5), "a", False) == Columns(5)
