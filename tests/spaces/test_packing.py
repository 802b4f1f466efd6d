"""Observations into columns: what fits, and what is refused. How actions come back: tests/environments/foreign/test_spaces.py."""

from __future__ import annotations

import numpy as np
import pytest

from maddpg.spaces.kinds import Choices, Columns, Numbers, Product, leaves
from maddpg.spaces.packing import pack, unpack


@pytest.mark.parametrize(
    ("space", "value", "message"),
    [
        (Columns(3), [1, 2], r"the observation has shape \(2,\); it must have \(3,\)"),
        (Columns(2), [[1], [2, 3]], "it must be an array of numbers"),
        (Numbers((2,), "float32"), ["a", "b"], r"the observation is \['a', 'b'\]; it must be an array of numbers"),
        (Choices((), "int64", (3,), (5,)), 8, "the observation is 8; 8 must be a choice from 5 to 7"),
        (Choices((), "int64", (3,), (5,)), 6.5, "6.5 must be a choice from 5 to 7"),
        (Choices((), "int64", (3,), (5,)), 4, "4 must be a choice from 5 to 7"),
        (Product((Columns(1), Columns(1))), [[1]], "it must be a tuple of 2"),
        (Product((Columns(1),), ("eye",)), {"ear": [1]}, "it must be a mapping with eye"),
        (Product((Columns(1),), ("eye",)), [1], "it must be a mapping with eye"),
    ],
)
def test_an_observation_that_does_not_fit_is_refused(space, value, message):
    with pytest.raises(ValueError, match=message):
        pack(space, value)


def test_a_tuple_may_come_as_an_array_as_gymnasium_has_it():
    pair = Product((Choices((), "int64", (2,), (0,)), Choices((), "int64", (3,), (-1,))))

    np.testing.assert_array_equal(pack(pair, np.array([1, 1])), [0, 1, 0, 0, 1])


def test_columns_after_the_last_are_not_read():
    pair = Product((Columns(1), Choices((), "int64", (2,), (3,))), (0, "b"))

    assert unpack(pair, np.array([0.5, 0, 1, 9, 9])) == {0: 0.5, "b": 4}


def test_paths_are_unambiguous():
    part = Columns(1)
    tricky = Product((part, Product((part,), ("b",)), part, part), ("a/b", "a", "a~1b", "~"))

    assert [path for path, _ in leaves(tricky)] == ["/a~1b", "/a/b", "/a~01b", "/~0"]
