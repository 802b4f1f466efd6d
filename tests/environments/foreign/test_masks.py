"""Action masks: from the choices that an environment speaks of to all columns, in whatever form they come."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from maddpg.environments.foreign.masks import find_choices, first_options, leaves_nothing, read_mask
from maddpg.environments.foreign.spaces import describe_action

HYBRID = spaces.Tuple([spaces.Box(0, 1, (2,)), spaces.Discrete(3), spaces.MultiBinary(1), spaces.MultiDiscrete([2, 3])])
NAMED = spaces.Dict({"aim": spaces.Box(0, 1, (1,)), "fire": spaces.Discrete(2), "move": spaces.Discrete(3)})


def choices_of(space):
    return find_choices(space, describe_action(space, "agent_0"))


@pytest.mark.parametrize(
    "given",
    [
        np.array([1, 0, 1, 0, 1, 1, 1, 0, 0, 1]),
        (None, [1, 0, 1], np.array([[0, 1]]), (np.array([1, 1]), np.array([0, 0, 1]))),
        ([1, 0, 1], [False, True], [[1, 1], [0, 0, 1]]),
    ],
    ids=["one array", "by part", "choices alone"],
)
def test_a_mask_of_choices_becomes_one_of_columns(given):
    mask = read_mask(choices_of(HYBRID), given)

    np.testing.assert_array_equal(mask, np.array([1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1], bool))


def test_a_mask_by_name_follows_the_order_of_the_space():
    mask = read_mask(choices_of(NAMED), {"move": np.array([0, 1, 1]), "fire": np.array([1, 0])})

    np.testing.assert_array_equal(mask, np.array([1, 1, 0, 0, 1, 1], bool))


@pytest.mark.parametrize(
    ("space", "given", "message"),
    [
        (spaces.Discrete(3), np.ones(4), r"has 4 values; it must have 3, one for each option of each choice in Discrete\(3\)"),
        (NAMED, {"move": np.ones(3)}, "has 3 values; it must have 5"),
        (spaces.Box(0, 1, (2,)), np.ones(2), "has 2 values; it must have 0"),
        (spaces.Discrete(2), np.array([0, -np.inf]), "must hold 1 where an option is allowed, else 0"),
        (spaces.Discrete(2), {"move": np.ones(2)}, "is a mapping"),
    ],
)
def test_what_does_not_fit_is_said(space, given, message):
    with pytest.raises(ValueError, match=message):
        read_mask(choices_of(space), given)


def test_a_choice_without_an_option_is_found_wherever_it_stands():
    choices = choices_of(HYBRID)

    assert not leaves_nothing(choices, read_mask(choices, np.array([0, 0, 1, 1, 0, 0, 1, 1, 0, 0])))
    for nothing in ([0, 0, 0, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]):
        assert leaves_nothing(choices, read_mask(choices, np.array(nothing)))


def test_who_looks_on_has_one_option_in_each_choice():
    np.testing.assert_array_equal(first_options(choices_of(HYBRID)), np.array([1, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0], bool))


def test_without_choices_nothing_is_forbidden():
    choices = choices_of(spaces.Box(0, 1, (2,)))

    assert not leaves_nothing(choices, read_mask(choices, None))
    assert first_options(choices).all()
