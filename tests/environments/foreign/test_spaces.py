"""Action spaces of Gymnasium: what is drawn from one comes back exactly, bounds are reached, and what cannot be is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from maddpg.environments.foreign.spaces import action_heads, describe_action
from maddpg.spaces.packing import unpack
from maddpg.types import Box, Categorical

FLOATS = (np.float16, np.float32, np.float64)
INTEGERS = (np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint32)


@st.composite
def boxes(draw):
    shape = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    dtype = draw(st.sampled_from(FLOATS + INTEGERS))
    least, most = (-1000, 1000) if dtype in FLOATS else (max(np.iinfo(dtype).min, -(2**40)), min(np.iinfo(dtype).max, 2**40))
    count = int(np.prod(shape))
    values = st.floats(least, most, width=np.dtype(dtype).itemsize * 8) if dtype in FLOATS else st.integers(least, most)
    ends = np.array(draw(st.lists(st.tuples(values, values), min_size=count, max_size=count)))
    return spaces.Box(ends.min(1).astype(dtype).reshape(shape), ends.max(1).astype(dtype).reshape(shape), dtype=dtype)


@st.composite
def several(draw):
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2)))
    count = int(np.prod(shape))
    sizes = draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    starts = draw(st.lists(st.integers(-5, 5), min_size=count, max_size=count))
    dtype = draw(st.sampled_from((np.int64, np.int8)))
    return spaces.MultiDiscrete(np.array(sizes, dtype).reshape(shape), dtype=dtype, start=np.array(starts, dtype).reshape(shape))


LEAVES = (
    st.builds(spaces.Discrete, st.integers(1, 6), start=st.integers(-9, 9))
    | several()
    | st.builds(spaces.MultiBinary, st.integers(1, 4) | st.just((2, 3)))
    | boxes()
)
PRODUCTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(spaces.Tuple)
        | st.dictionaries(st.sampled_from("zyx"), inner, min_size=1, max_size=3).map(spaces.Dict)
    ),
    max_leaves=4,
)


def encode(space, value):
    """The vector of an action, by another route than the code's: Gymnasium's own flatten for choices."""
    if isinstance(space, spaces.Tuple):
        return np.concatenate([encode(part, inner) for part, inner in zip(space.spaces, value, strict=True)])
    if isinstance(space, spaces.Dict):
        return np.concatenate([encode(part, value[key]) for key, part in space.spaces.items()])
    if isinstance(space, spaces.Box):
        low, high, value = (np.asarray(array, np.longdouble).ravel() for array in (space.low, space.high, value))
        return np.where(high > low, 2 * (value - low) / np.where(high > low, high - low, 1) - 1, 0.3)
    if isinstance(space, spaces.MultiBinary):
        return np.eye(2)[np.asarray(value).ravel()].ravel()
    return spaces.utils.flatten(space, value).astype(float)


def assert_same(space, one, other, exact):
    """Equal values of equal types; without `exact`, numbers of a Box may differ by rounding."""
    if isinstance(space, spaces.Tuple):
        assert isinstance(one, tuple)
        for part, first, second in zip(space.spaces, one, other, strict=True):
            assert_same(part, first, second, exact)
    elif isinstance(space, spaces.Dict):
        assert list(one) == list(space.spaces)
        for key, part in space.spaces.items():
            assert_same(part, one[key], other[key], exact)
    else:
        assert np.asarray(one).dtype == space.dtype
        assert np.shape(one) == space.shape
        scale = 1e-6 if isinstance(space, spaces.Box) and space.dtype.kind == "f" and not exact else 0
        reach = max(np.abs(space.high.astype(float)).max(), np.abs(space.low.astype(float)).max()) if scale else 0
        tolerance = reach * max(scale, np.finfo(space.dtype).eps if scale else 0)
        np.testing.assert_allclose(np.asarray(one, float), np.asarray(other, float), rtol=0, atol=tolerance)


@settings(max_examples=150, deadline=None)
@given(PRODUCTS, st.integers(0, 2**31))
def test_what_is_drawn_comes_back(space, seed):
    space.seed(seed)
    action = describe_action(space, "agent_0")
    value = space.sample()
    with warnings.catch_warnings(action="ignore"):  # that it had to look at a scalar as an array
        assume(value in space)  # Gymnasium 1.3 draws 125 from a Box of int8 that begins at 126

    vector = encode(space, value)
    decoded = unpack(action, np.concatenate([vector, [7.0, 7.0]]))  # padding is not read

    assert vector.size == action.size
    assert decoded in space
    assert_same(space, decoded, value, exact=False)


@settings(max_examples=150, deadline=None)
@given(boxes(), st.integers(0, 2**31))
def test_bounds_are_reached_exactly_and_never_passed(space, seed):
    action = describe_action(space, "agent_0")
    inside = np.random.default_rng(seed).uniform(-1, 1, action.size).astype(np.float32)

    assert action_heads(action) == (Box((-1.0,) * action.size, (1.0,) * action.size),)
    for share, bound in ((1, space.high), (-1, space.low), (7, space.high), (-7, space.low)):
        assert_same(space, unpack(action, np.full(action.size, share, np.float32)), bound, exact=True)
    assert unpack(action, inside) in space
    assert unpack(action, np.nextafter(np.ones(action.size, np.float32), np.float32(0))) in space


def test_columns_stand_side_by_side_in_gymnasiums_order():
    space = spaces.Dict({"turn": spaces.Box(-2, 4, (2,)), "gear": spaces.Discrete(3, start=1), "lamps": spaces.MultiBinary(2)})

    action = describe_action(space, "agent_0")

    # Gymnasium sorts a dictionary's keys: gear, lamps, turn.
    assert action_heads(action) == (Categorical(3), Categorical(2), Categorical(2), Box((-1.0, -1.0), (1.0, 1.0)))
    decoded = unpack(action, np.array([0.1, 0.2, 0.9, 0.0, 1.0, 1.0, 0.0, 0.0, 0.5], np.float32))
    assert decoded["gear"] == 3
    np.testing.assert_array_equal(decoded["lamps"], [1, 0])
    np.testing.assert_allclose(decoded["turn"], [1, 2.5])


def test_whole_numbers_are_rounded_to_the_nearest():
    action = describe_action(spaces.Box(0, 10, (3,), np.int32), "agent_0")

    np.testing.assert_array_equal(unpack(action, np.array([-0.51, -0.49, 0.09])), [2, 3, 5])


def test_the_widest_box_does_not_overflow():
    most = np.finfo(np.float64).max
    action = describe_action(spaces.Box(-most, most, (1,), np.float64), "agent_0")

    assert unpack(action, np.zeros(1)) == 0
    assert unpack(action, np.full(1, 9.0)) == most


@pytest.mark.parametrize(
    ("space", "reason"),
    [
        (spaces.Box(-np.inf, np.inf, (2,)), r"Box\(-inf, inf, \(2,\), float32\) is not bounded; give every column a finite low and high"),
        (spaces.Box(np.array([0, -np.inf], np.float32), np.ones(2, np.float32)), "is not bounded"),
        (spaces.Box(0, 2**60, (1,), np.int64), "closer bounds"),
        (spaces.Text(4), "is not supported; allowed are Discrete, "),
        (spaces.Sequence(spaces.Discrete(2)), "is not supported"),
        (spaces.Graph(spaces.Discrete(2), None), "is not supported"),
        (spaces.OneOf([spaces.Discrete(2), spaces.Discrete(3)]), "is not supported"),
        (spaces.Tuple([spaces.Discrete(2), spaces.Text(3)]), r"Text\(.* is not supported"),
        (spaces.Box(0, 1, (0,)), "leaves nothing to decide"),
        (spaces.Tuple([]), "leaves nothing to decide"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_is_refused_in_one_line(space, reason):
    with pytest.raises(ValueError, match=f"agent_7: the action space .*{reason}") as caught:
        describe_action(space, "agent_7")
    assert "\n" not in str(caught.value)


def test_rounding_never_leaves_a_narrow_box():
    space = spaces.Box(0.1, 0.1, (999,), np.float64)

    assert unpack(describe_action(space, "agent_0"), np.linspace(-1, 1, 999)) in space


def test_an_empty_part_takes_no_room():
    space = spaces.Tuple([spaces.Box(0, 1, (0, 2)), spaces.Discrete(2)])
    action = describe_action(space, "agent_0")

    assert action_heads(action) == (Categorical(2),)
    empty, choice = unpack(action, np.array([0.0, 1.0]))
    assert empty.shape == (0, 2)
    assert choice == 1
