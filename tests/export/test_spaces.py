"""What agents of a world see and do, described for an export: parts in the observation, mail and messages of a channel."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from gymnasium import spaces

from maddpg.config import ChannelConfig
from maddpg.environments.foreign import adapt
from maddpg.environments.host import HostWorld
from maddpg.environments.host_channel import with_host_channel
from maddpg.export.spaces import describe_spaces
from maddpg.spaces.kinds import Choices, Columns, Numbers, Product
from maddpg.spaces.masks import read_mask
from maddpg.spaces.packing import pack, unpack
from tests.environments.foreign.worlds import Auction, Film, frame


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
    assert described["a"].action == Product((Choices((), "int64", (3,), (0,)), Columns(4, maskable=False)))
    assert described["b"].observation.parts[1] == Columns(4)
    assert unpack(described["a"].action, np.array([0, 1, 0, 0, 0, 0, 1], np.float32))[0] == 1


def test_beside_mail_a_mask_is_given_and_not_observed():
    channel = ChannelConfig(channel_senders=("all",), channel_size=2)

    described = describe_spaces(with_host_channel(host(Auction(), masked=True), channel))["bidder_0"]

    assert described.action_mask == "given"
    seen = ({"observation": np.arange(4, dtype=np.int8)}, [0.0, 1.0])
    np.testing.assert_array_equal(pack(described.observation, seen), [0, 1, 2, 3, 0, 1])
    np.testing.assert_array_equal(read_mask(described.action, [1, 0, 1, 1]), [1, 0, 1, 1, 1, 1])


@pytest.mark.parametrize("kind", ["observation_space", "action_space"])
def test_names_that_are_no_text_are_refused(kind):
    space = spaces.Dict({"arm": spaces.Dict([(1, spaces.Discrete(2))])})
    film = Film([frame(0, "ab", observations={key: {"arm": {1: 0}} for key in "ab"})], "ab", **{kind: space})

    with pytest.raises(ValueError, match="a: its space has a part called 1, of type int; only text can be written down as a name"):
        describe_spaces(host(film))


def test_what_only_gymnasium_can_flatten_comes_as_columns():
    film = Film([frame(0, "ab")], "ab", spaces.Tuple((spaces.Text(5), spaces.Discrete(2))))

    assert describe_spaces(host(film))["a"].observation == Product((Columns(5), Choices((), "int64", (2,), (0,))))
