"""Observation spaces of Gymnasium as flat vectors."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from maddpg.environments.foreign.observations import describe_observation
from tests.environments.foreign.test_spaces import PRODUCTS


@settings(max_examples=60, deadline=None)
@given(PRODUCTS, st.integers(0, 2**31))
def test_flattened_as_gymnasium_does(space, seed):
    space.seed(seed)
    observation, value = describe_observation(space, "agent_0"), space.sample()

    np.testing.assert_array_equal(observation.pack(value), spaces.utils.flatten(space, value).astype(np.float32))
    assert observation.size == spaces.utils.flatdim(space)
    assert not observation.masked


def test_the_mask_is_apart_and_all_else_is_the_observation():
    seen = spaces.Box(-1, 1, (2, 2))
    mask = spaces.Box(0, 1, (3,), np.int8)
    alone = describe_observation(spaces.Dict({"action_mask": mask, "observation": seen}), "agent_0")
    both = describe_observation(spaces.Dict({"action_mask": mask, "range": spaces.Discrete(3), "sight": seen}), "agent_0")
    sight = np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)

    assert alone.masked
    assert both.masked
    np.testing.assert_array_equal(alone.pack({"observation": sight, "action_mask": np.ones(3)}), sight.ravel())
    np.testing.assert_array_equal(both.pack({"sight": sight, "range": 2, "action_mask": np.ones(3)}), [0, 0, 1, *sight.ravel()])


def test_numbers_are_not_cast_to_their_declared_type():
    box, value = spaces.Box(0, 9, (3,), np.int8), [0.5, np.nan, 300]

    for space, seen in ((box, value), (spaces.Tuple((spaces.Discrete(2), box)), (1, value))):
        np.testing.assert_array_equal(describe_observation(space, "agent_0").pack(seen)[-3:], np.array(value, np.float32))


def test_what_has_no_numbers_is_flattened_by_gymnasium_wherever_it_stands():
    word, count = spaces.Text(3, charset="abc"), spaces.Discrete(3)
    either = spaces.OneOf([spaces.Discrete(2), spaces.Box(0, 1, (2,))])
    space = spaces.Dict({"inner": spaces.Tuple([word, count]), "or": either})
    value = {"inner": ("cab", 2), "or": (1, np.array([0.5, 1], np.float32))}

    observation = describe_observation(space, "agent_0")

    np.testing.assert_array_equal(observation.pack(value), spaces.utils.flatten(space, value))
    for wrong, message in (
        ({"inner": ("xyz", 2), "or": (0, 1)}, r"the observation xyz does not fit its space Text.*KeyError\('x'\)"),
        ({"inner": ("cab", 3), "or": (0, 1)}, r"the observation\['inner'\]\[1\] is 3; 3 must be a choice from 0 to 2"),
        ({"inner": ("cab", 2), "or": 5}, "does not fit its space OneOf"),
        ({"inner": ("cab",), "or": (0, 1)}, r"the observation\['inner'\] is .*; it must be a tuple of 2"),
        ({"inner": ("cab", 2)}, "it must be a mapping with inner, or"),
        ("cab", "it must be a mapping with inner, or"),
    ):
        with pytest.raises(ValueError, match=message):
            observation.pack(wrong)


PAIR = spaces.Tuple((spaces.Discrete(2), spaces.Box(-1, 1, (2, 2))))


@pytest.mark.parametrize(
    ("space", "value", "message"),
    [
        (spaces.Box(0, 1, (2,)), np.zeros(3), r"has shape \(3,\); it must have \(2,\)"),
        (spaces.Box(0, 1, (2,)), ["a", "b"], "must be an array of numbers"),
        (spaces.Discrete(3), 5, "the observation is 5; 5 must be a choice from 0 to 2"),
        (spaces.Discrete(3), -1, "the observation is -1; -1 must be a choice from 0 to 2"),
        (spaces.Discrete(3, start=1), 1.5, "the observation is 1.5; 1.5 must be a choice from 1 to 3"),
        (spaces.Discrete(3), np.nan, "the observation is nan; nan must be a choice from 0 to 2"),
        (spaces.Discrete(3), None, "the observation is None; it must be an array of numbers"),
        (spaces.MultiDiscrete([2, 3]), np.array([2, 0]), r"the observation is \[2 0\]; 2 must be a choice from 0 to 1"),
        (spaces.Dict({"a": spaces.Discrete(3)}), {"b": 1}, "the observation is {'b': 1}; it must be a mapping with a"),
        (spaces.Dict({"a": spaces.Box(0, 1, (2,))}), {"a": np.zeros(3)}, r"the observation\['a'\] has shape \(3,\); it must have \(2,\)"),
        (PAIR, (1, np.zeros((4, 1))), r"the observation\[1\] has shape \(4, 1\); it must have \(2, 2\)"),
        (PAIR, (1, [[1], [2, 3]]), r"the observation\[1\] is .*; it must be an array of numbers"),
        (PAIR, (1,), "it must be a tuple of 2"),
        (PAIR, np.array(1), "it must be a tuple of 2"),
    ],
)
def test_what_does_not_fit_is_said(space, value, message):
    with pytest.raises(ValueError, match=message):
        describe_observation(space, "agent_0").pack(value)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Sequence(spaces.Discrete(2)), "cannot be flattened; allowed are Box"),
        (spaces.Graph(spaces.Discrete(2), None), "cannot be flattened"),
        (spaces.Dict({"action_mask": spaces.MultiBinary(3)}), "holds no number"),
        (spaces.Box(0, 1, (0,)), "holds no number"),
    ],
)
def test_what_cannot_be_is_refused(space, message):
    with pytest.raises(ValueError, match=f"agent_7: the observation space .* {message}"):
        describe_observation(space, "agent_7")
