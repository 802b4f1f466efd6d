"""When and how far target networks move."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.targets import move_target

ONLINE, TARGET = {"weight": jnp.array([1.0, 2.0])}, {"weight": jnp.array([3.0, 0.0])}


@pytest.mark.parametrize(
    ("tau", "due", "expected"),
    [(0.25, True, [2.5, 0.5]), (1.0, True, [1.0, 2.0]), (0.25, False, [3.0, 0.0]), (1.0, False, [3.0, 0.0])],
    ids=["soft", "hard", "soft, not due", "hard, not due"],
)
def test_moves_by_its_share_when_it_is_due(tau, due, expected):
    moved = move_target(ONLINE, TARGET, jnp.float32(tau), jnp.bool_(due))

    np.testing.assert_array_equal(moved["weight"], jnp.array(expected))
