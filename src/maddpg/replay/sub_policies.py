"""Which transitions each sub-policy of an ensemble made: the replay D_i^(k) of Lowe et al. 2017, section 4.3, without a second copy.

Every transition is stored once, with the index of the sub-policy that acted, one for each group of agents that share it. For each group
and index a ring keeps the rows that are its own, so that drawing from D^(k) is exact, and takes as long whatever K is.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class SubPolicyRings:
    """The rows of each group's sub-policies."""

    rows: jax.Array  # [group, member, capacity] int32, rows of the replay, in the order in which they were written
    written: jax.Array  # [group, member] int32, how many have ever been written, modulo the capacity
    alive: jax.Array  # [group, member] int32, how many of the last ones are still in the replay


@dataclass(frozen=True)
class SubPolicyIndex:
    """Pure functions over `SubPolicyRings`, for a replay of `capacity` rows."""

    groups: int
    members: int
    capacity: int

    def init(self) -> SubPolicyRings:
        """Nothing written yet."""
        none = jnp.zeros((self.groups, self.members), jnp.int32)
        return SubPolicyRings(jnp.zeros((self.groups, self.members, self.capacity), jnp.int32), none, none)

    def add(self, rings: SubPolicyRings, first_row: Int[Array, ""], played: Int[Array, "block group"]) -> SubPolicyRings:
        """Note a block of transitions that is written from `first_row` on, over whatever stood there.

        What stood there is at the old end of its ring, since rings and replay are in the same order.
        """
        step = jnp.arange(len(played), dtype=jnp.int32)

        def one(rows: jax.Array, written: jax.Array, alive: jax.Array, is_new: jax.Array) -> tuple:
            oldest = rows[(written - alive + step) % self.capacity]
            gone = jnp.sum((oldest >= first_row) & (oldest < first_row + len(step)) & (step < alive), dtype=jnp.int32)
            place = (written + jnp.cumsum(is_new) - 1) % self.capacity
            # What is not this sub-policy's goes out of range, and is dropped.
            rows = rows.at[jnp.where(is_new, place, self.capacity)].set(first_row + step, mode="drop")
            count = jnp.sum(is_new, dtype=jnp.int32)
            return rows, (written + count) % self.capacity, alive + count - gone

        is_new = played.T[:, None, :] == jnp.arange(self.members)[None, :, None]  # [group, member, block]
        return SubPolicyRings(*jax.vmap(jax.vmap(one))(rings.rows, rings.written, rings.alive, is_new))

    def draw(self, rings: SubPolicyRings, group: Int[Array, ""], key: Key[Array, ""], batch: int) -> Int[Array, "member batch"]:
        """Rows for each sub-policy of a group, uniform with replacement from its own; where it has none (`alive` says so), any row."""

        def one(rows: jax.Array, written: jax.Array, alive: jax.Array, key: jax.Array) -> jax.Array:
            back = jax.random.randint(key, (batch,), 0, jnp.maximum(alive, 1))
            return rows[(written - 1 - back) % self.capacity]

        drawn: jax.Array = jax.vmap(one)(rings.rows[group], rings.written[group], rings.alive[group], jax.random.split(key, self.members))
        return drawn
