"""The ring buffer, held against a deque."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from maddpg.replay import Replay


class Item(NamedTuple):
    """A little transition: a number of its own, and leaves of other shapes and types."""

    number: jax.Array  # int
    matrix: jax.Array  # [2, 3]
    flag: jax.Array  # bool


EXAMPLE = Item(jax.ShapeDtypeStruct((), jnp.int32), jax.ShapeDtypeStruct((2, 3), jnp.float32), jax.ShapeDtypeStruct((), jnp.bool_))


def items(first: int, count: int) -> Item:
    """The items number `first` and on, all their leaves told by the number."""
    number = np.arange(first, first + count)
    matrix = number[:, None, None] + np.arange(6).reshape(1, 2, 3) / 7
    return Item(jnp.asarray(number, jnp.int32), jnp.asarray(matrix, jnp.float32), jnp.asarray(number % 2 == 0))


def filled(replay: Replay, blocks: int, length: int) -> jax.Array:
    rows = replay.init()
    for block in range(blocks):
        rows = replay.add(rows, jnp.int32(block * length), items(block * length, length))
    return rows


@settings(max_examples=25, deadline=None, derandomize=True)
@given(length=some.integers(1, 3), capacity=some.integers(1, 3), blocks=some.integers(1, 10))
def test_holds_what_a_deque_would_hold(length, capacity, blocks):
    replay = Replay(EXAMPLE, capacity * length)
    model = deque(range(blocks * length), maxlen=replay.capacity)

    held = replay.take(filled(replay, blocks, length), jnp.arange(replay.capacity))

    assert sorted(held.number[: len(model)].tolist()) == sorted(model)


def test_draws_all_that_is_there_and_nothing_else():
    replay = Replay(EXAMPLE, 12)
    rows = filled(replay, blocks=2, length=4)  # 8 of 12 rows

    drawn = replay.sample(rows, jnp.int32(8), jax.random.key(0), 4000)

    times = np.bincount(drawn.number, minlength=12)
    assert times[8:].sum() == 0
    assert np.all(np.abs(times[:8] - 500) < 5 * np.sqrt(500))  # uniform, within five standard deviations


def test_draws_from_the_whole_ring_once_it_has_wrapped():
    replay = Replay(EXAMPLE, 12)

    drawn = replay.sample(filled(replay, blocks=5, length=4), jnp.int32(20), jax.random.key(0), 1000)

    assert set(drawn.number.tolist()) == set(range(8, 20))


def test_gives_back_every_leaf_with_its_shape_and_type():
    replay = Replay(EXAMPLE, 6)

    back = replay.take(filled(replay, blocks=2, length=3), jnp.array([4, 0]))

    expected = jax.tree.map(lambda leaf: leaf[jnp.array([4, 0])], items(0, 6))
    jax.tree.map(np.testing.assert_array_equal, back, expected)
    assert [leaf.dtype for leaf in back] == [leaf.dtype for leaf in expected]


def test_a_transition_is_one_row():
    replay = Replay(EXAMPLE, 6)

    rows = filled(replay, blocks=1, length=6)

    assert rows.shape == (6, replay.width) == (6, 1 + 6 + 1)
    assert replay.bytes == rows.nbytes
    changed = replay.take(rows.at[2].set(0.0), jnp.arange(6))  # one row gone: one item gone
    assert changed.number.tolist() == [0, 1, 0, 3, 4, 5]


def test_refuses_a_block_that_would_straddle_the_end():
    replay = Replay(EXAMPLE, 10)

    with pytest.raises(AssertionError, match="straddles"):
        replay.add(replay.init(), jnp.int32(8), items(8, 4))
