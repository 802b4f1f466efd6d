"""The replay buffer: a ring over transitions of any structure, kept as one array so that reading a transition reads one row."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from maddpg.types import PyTree


@dataclass(frozen=True)
class Replay:
    """A ring buffer of `capacity` transitions shaped like `example`, as pure functions over `rows`, an array [capacity, row].

    Every field of a transition is a slice of its row, in 32-bit floats (whole numbers are exact up to 2**24). `added`, the number of
    transitions ever added, is the caller's: seeds that train side by side share it. Blocks are added whole, so `capacity` must be a
    multiple of their length.
    """

    example: PyTree  # a tree of `jax.ShapeDtypeStruct`, one transition
    capacity: int

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(self.example))

    @property
    def bytes(self) -> int:
        """Memory that the rows take."""
        return 4 * self.capacity * self.width

    def init(self) -> Float[Array, "capacity row"]:
        """Empty rows."""
        return jnp.zeros((self.capacity, self.width), jnp.float32)

    def add(self, rows: Float[Array, "capacity row"], added: Int[Array, ""], block: PyTree) -> Float[Array, "capacity row"]:
        """Write a block of transitions [block, ...] over the oldest ones."""
        leaves = [leaf.reshape(leaf.shape[0], -1).astype(jnp.float32) for leaf in jax.tree.leaves(block)]
        assert self.capacity % len(leaves[0]) == 0, "a block that straddles the end would be written in the wrong place"
        return jax.lax.dynamic_update_slice(rows, jnp.concatenate(leaves, axis=1), (added % self.capacity, 0))

    def sample(self, rows: Float[Array, "capacity row"], added: Int[Array, ""], key: Key[Array, ""], batch: int) -> PyTree:
        """`batch` transitions drawn uniformly with replacement from those that are there."""
        return self.take(rows, jax.random.randint(key, (batch,), 0, jnp.minimum(added, self.capacity)))

    def sample_latest(
        self, rows: Float[Array, "capacity row"], added: Int[Array, ""], key: Key[Array, ""], batch: int, window: int
    ) -> PyTree:
        """`batch` transitions drawn uniformly with replacement from the latest `window` of those that are there."""
        there = jnp.minimum(jnp.minimum(added, self.capacity), window)
        back = jax.random.randint(key, (batch,), 0, there)
        return self.take(rows, (added - 1 - back) % self.capacity)

    def take(self, rows: Float[Array, "capacity row"], indices: Int[Array, " batch"]) -> PyTree:
        """The transitions at these rows."""
        drawn = rows.at[indices].get(mode="promise_in_bounds")
        leaves, tree = jax.tree.flatten(self.example)
        fields, start = [], 0
        for leaf in leaves:
            size = math.prod(leaf.shape)
            fields.append(drawn[:, start : start + size].reshape(len(indices), *leaf.shape).astype(leaf.dtype))
            start += size
        return jax.tree.unflatten(tree, fields)
