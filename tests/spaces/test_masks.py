"""Action masks: from the choices that an environment speaks of to all columns, in whatever form they come."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from maddpg.environments.foreign.spaces import describe_action
from maddpg.spaces.kinds import Choices, Columns, Product
from maddpg.spaces.masks import first_options, leaves_nothing, read_mask

HYBRID = spaces.Tuple([spaces.Box(0, 1, (2,)), spaces.Discrete(3), spaces.MultiBinary(1), spaces.MultiDiscrete([2, 3])])
NAMED = spaces.Dict({"aim": spaces.Box(0, 1, (1,)), "fire": spaces.Discrete(2), "move": spaces.Discrete(3)})


def described(space):
    return describe_action(space, "agent_0")


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
    mask = read_mask(described(HYBRID), given)

    np.testing.assert_array_equal(mask, np.array([1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1], bool))


def test_a_mask_by_name_follows_the_order_of_the_space():
    mask = read_mask(described(NAMED), {"move": np.array([0, 1, 1]), "fire": np.array([1, 0])})

    np.testing.assert_array_equal(mask, np.array([1, 1, 0, 0, 1, 1], bool))


@pytest.mark.parametrize(
    ("space", "given", "allowed"),
    [
        (HYBRID, (None, None, [0, 1], None), [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]),
        (NAMED, {"move": [0, 1, 1]}, [1, 1, 1, 0, 1, 1]),
        (NAMED, {"move": None, "fire": [1, 0], "aim": None}, [1, 1, 0, 1, 1, 1]),
        (NAMED, {}, [1, 1, 1, 1, 1, 1]),
        (spaces.Dict({"arm": spaces.Tuple([spaces.Discrete(2), spaces.Discrete(2)])}), {"arm": (None, (1, 0))}, [1, 1, 1, 0]),
    ],
)
def test_a_part_without_a_mask_is_all_allowed(space, given, allowed):
    np.testing.assert_array_equal(read_mask(described(space), given), np.array(allowed, bool))


def test_a_mask_is_the_environments_own_and_says_nothing_of_messages():
    move, aim, message = Choices((), "int64", (2,), (0,)), Choices((), "int64", (3,), (0,)), Columns(2, maskable=False)

    for given in ([0, 1], ([0, 1],), np.array([0, 1])):
        np.testing.assert_array_equal(read_mask(Product((move, message)), given), [False, True, True, True])
    both = Product((Product((move, aim)), message))
    for given in ([0, 1, 1, 0, 1], ([0, 1], [1, 0, 1])):
        np.testing.assert_array_equal(read_mask(both, given), [False, True, True, False, True, True, True])
    assert read_mask(both, None).all()
    np.testing.assert_array_equal(read_mask(Columns(2), [0, 1]), [False, True])  # as worlds on the device have them


@pytest.mark.parametrize(
    ("space", "given", "message"),
    [
        (spaces.Discrete(3), np.ones(4), r"has 4 values; it must have 3, one for each option of each choice"),
        (NAMED, {"mvoe": np.ones(3)}, "unknown part in the action mask 'mvoe'; did you mean 'move'[?] Known: aim, fire, move"),
        (NAMED, {"aim": np.ones(1)}, "has 1 values; it must have 0"),
        (HYBRID, (None, None, None, [[1, 1], [0, 1]]), "has 4 values; it must have 5"),
        (spaces.Discrete(3), ["a", "b", "c"], "must hold 1 where an option is allowed, else 0"),
        (spaces.Box(0, 1, (2,)), np.ones(2), "has 2 values; it must have 0"),
        (spaces.Discrete(2), np.array([0, -np.inf]), "must hold 1 where an option is allowed, else 0"),
        (spaces.Discrete(2), {"move": np.ones(2)}, "is a mapping; it must be an array, or a tuple"),
    ],
)
def test_what_does_not_fit_is_said(space, given, message):
    with pytest.raises(ValueError, match=message):
        read_mask(described(space), given)


def test_a_choice_without_an_option_is_found_wherever_it_stands():
    space = described(HYBRID)

    assert not leaves_nothing(space, read_mask(space, np.array([0, 0, 1, 1, 0, 0, 1, 1, 0, 0])))
    for nothing in ([0, 0, 0, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]):
        assert leaves_nothing(space, read_mask(space, np.array(nothing)))


def test_who_looks_on_has_one_option_in_each_choice():
    np.testing.assert_array_equal(first_options(described(HYBRID)), np.array([1, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0], bool))


def test_without_choices_nothing_is_forbidden():
    space = described(spaces.Box(0, 1, (2,)))

    assert not leaves_nothing(space, read_mask(space, None))
    assert first_options(space).all()
