"""The index of who made which transition, against a list that is searched: after any blocks, around the ring's end, and when drawn from."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.replay import SubPolicyIndex, SubPolicyRings

GROUPS, MEMBERS, CAPACITY, BLOCK = 2, 3, 60, 6


@dataclass
class Plain:
    """What the index stands for: every row's indices, oldest first, forgotten when it is overwritten."""

    there: list[tuple[int, np.ndarray]] = field(default_factory=list)  # (row of the replay, index of each group's sub-policy)
    added: int = 0

    def add(self, played: np.ndarray) -> None:
        for indices in played:
            self.there.append((self.added % CAPACITY, indices))
            self.added += 1
        del self.there[:-CAPACITY]

    def rows(self, group: int, member: int) -> list[int]:
        return [row for row, indices in self.there if indices[group] == member]


class Both:
    """The index and its plain model, given the same blocks."""

    def __init__(self, seed: int):
        self.index, self.plain = SubPolicyIndex(GROUPS, MEMBERS, CAPACITY), Plain()
        self.rings = self.index.init()
        self.rng = np.random.default_rng(seed)
        self.compiled = jax.jit(self.index.add)

    def add(self, weights: np.ndarray) -> None:
        """A block whose members are drawn with these weights, [group, member]."""
        played = np.stack([self.rng.choice(MEMBERS, BLOCK, p=row) for row in weights], axis=1).astype(np.int32)
        self.rings = self.compiled(self.rings, jnp.int32(self.plain.added % CAPACITY), jnp.asarray(played))
        self.plain.add(played)

    def assert_alike(self) -> None:
        rows, written, alive = (np.asarray(leaf) for leaf in (self.rings.rows, self.rings.written, self.rings.alive))
        for group in range(GROUPS):
            for member in range(MEMBERS):
                expected = self.plain.rows(group, member)
                assert alive[group, member] == len(expected)
                places = (written[group, member] - np.arange(len(expected), 0, -1)) % CAPACITY
                assert rows[group, member, places].tolist() == expected


def test_the_rings_hold_what_each_sub_policy_made_whatever_is_added():
    both, weights = Both(0), np.full((GROUPS, MEMBERS), 1 / MEMBERS)
    emptied = filled = 0
    for number in range(2500):
        if number % 20 == 0:  # long stretches of one member, of all, or of two
            weights = both.rng.dirichlet([0.15] * MEMBERS, GROUPS)
        both.add(weights)
        if number < 30 or number % 7 == 0:
            both.assert_alike()
            emptied += int((np.asarray(both.rings.alive) == 0).sum())
            filled += int((np.asarray(both.rings.alive) == CAPACITY).sum())
    assert both.plain.added > 200 * CAPACITY
    assert emptied > 50  # the hard cases came up
    assert filled > 50


@pytest.fixture(scope="module")
def skewed():
    """A full replay: the first group's members hold few, many and none of its rows, the second's about the same."""
    both = Both(1)
    for _ in range(25):
        both.add(np.array([[0.1, 0.9, 0.0], [0.3, 0.3, 0.4]]))
    return both


@pytest.mark.parametrize("group", range(GROUPS))
def test_draws_are_uniform_over_a_sub_policys_own_rows_and_no_others(skewed, group):
    batch = 6000
    drawn = np.asarray(jax.jit(skewed.index.draw, static_argnums=3)(skewed.rings, jnp.int32(group), jax.random.key(0), batch))

    assert drawn.shape == (MEMBERS, batch)
    for member in range(MEMBERS):
        own = skewed.plain.rows(group, member)
        if not own:
            continue
        assert set(drawn[member]) == set(own)
        expected = batch / len(own)
        square = np.sum((np.bincount(drawn[member], minlength=CAPACITY)[own] - expected) ** 2) / expected
        freedom = len(own) - 1
        assert square < freedom + 5 * np.sqrt(2 * freedom + 1)


def test_members_draw_apart():
    index = SubPolicyIndex(1, 2, 20)
    rings = jax.jit(index.add)(
        index.init(), jnp.int32(0), jnp.arange(20, dtype=jnp.int32)[:, None] % 2
    )  # even rows are one's, odd ones the other's

    even, odd = np.asarray(jax.jit(index.draw, static_argnums=3)(rings, jnp.int32(0), jax.random.key(0), 200))

    assert np.mean(even // 2 == odd // 2) < 0.3


def test_an_empty_replay_of_a_sub_policy_says_so(skewed):
    assert skewed.plain.rows(0, 2) == []
    assert skewed.rings.alive[0].tolist() == [len(skewed.plain.rows(0, member)) for member in range(2)] + [0]
    assert np.all(np.asarray(skewed.index.init().alive) == 0)


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_a_block_may_be_the_whole_replay(blocks):
    index = SubPolicyIndex(1, 2, 5)
    rings, add = index.init(), jax.jit(index.add)
    for number in range(blocks):
        rings = add(rings, jnp.int32(0), jnp.array([[0], [1], [1], [0], [number % 2]], jnp.int32))

    last = (blocks - 1) % 2
    assert rings.alive.tolist() == [[3 - last, 2 + last]]
    drawn = np.asarray(jax.jit(index.draw, static_argnums=3)(rings, jnp.int32(0), jax.random.key(0), 50))
    assert set(drawn[0]) == {0, 3} | ({4} if last == 0 else set())


def test_seeds_side_by_side_have_rings_of_their_own():
    index = SubPolicyIndex(1, 2, 4)
    rings = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), index.init())
    played = jnp.array([[[0], [1]], [[1], [1]]])

    added: SubPolicyRings = jax.jit(jax.vmap(index.add, in_axes=(0, None, 0)))(rings, jnp.int32(2), played)

    assert added.alive.tolist() == [[[1, 1]], [[0, 2]]]
    assert added.rows[0, 0, :, 0].tolist() == [2, 3]
    assert added.rows[1, 0, 1, :2].tolist() == [2, 3]
