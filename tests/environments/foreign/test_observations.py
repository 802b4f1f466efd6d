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

    np.testing.assert_array_equal(observation.pack(value), spaces.utils.flatten(space, value))
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


def test_a_box_is_not_cast_to_its_declared_type():
    observation = describe_observation(spaces.Box(0, 9, (2,), np.int8), "agent_0")

    np.testing.assert_array_equal(observation.pack([0.5, np.nan]), [0.5, np.nan])


@pytest.mark.parametrize(
    ("space", "value", "message"),
    [
        (spaces.Box(0, 1, (2,)), np.zeros(3), r"has shape \(3,\); its space says \(2,\)"),
        (spaces.Box(0, 1, (2,)), ["a", "b"], "must be an array of numbers"),
        (spaces.Discrete(3), 5, r"the observation 5 does not fit its space Discrete\(3\)"),
        (spaces.Discrete(3), None, "does not fit"),
        (spaces.Dict({"a": spaces.Discrete(3)}), {"b": 1}, r"does not fit .*KeyError\('a'\)"),
        (spaces.Dict({"a": spaces.Box(0, 1, (2,))}), {"a": np.zeros(3)}, "has 3 values when flattened; .* says 2"),
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
