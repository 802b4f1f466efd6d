"""Spaces of Gymnasium of all kinds, and what it means that two actions are the same."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

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
