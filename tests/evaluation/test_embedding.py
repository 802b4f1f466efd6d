"""A perceptron inside a larger one computes the same."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.networks import mlp
from maddpg.evaluation.embedding import common_layers, embed

SEEN = jax.random.normal(jax.random.key(1), (20, 5))


def parameters(hidden: tuple[int, ...], outputs: int):
    """[agent, member, ...] of two agents with three members each, biases not zero."""
    keys = jax.random.split(jax.random.key(0), (2, 3))
    made = jax.vmap(jax.vmap(lambda key: mlp(hidden).init(key, jnp.ones(5, bool), jnp.ones(outputs, bool))))(keys)
    return jax.tree.map(lambda leaf: leaf + 0.1, made)


def outputs(hidden: tuple[int, ...], made) -> np.ndarray:
    apply = mlp(hidden).apply
    return np.asarray(jax.vmap(jax.vmap(lambda each: apply(each, SEEN)))(made))


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        ((8, 6), (8, 6), (8, 6)),
        ((8, 6), (4, 10), (8, 10)),
        ((8,), (4, 10, 5), (10, 10, 10)),
        ((), (3, 4), (8, 8)),  # without hidden layers: twice the four outputs
        ((), (), ()),
    ],
)
def test_the_larger_network_says_the_same(own, others, expected):
    shared = common_layers([own, others], 4)
    assert shared == expected

    for hidden in (own, others):
        made = parameters(hidden, 4)
        np.testing.assert_allclose(outputs(shared, embed(made, shared, 4)), outputs(hidden, made), rtol=1e-4, atol=1e-5)


def test_outputs_beyond_those_wanted_are_left_out():
    made = parameters((8,), 6)

    np.testing.assert_allclose(outputs((9, 9), embed(made, (9, 9), 4)), outputs((8,), made)[..., :4], rtol=1e-4, atol=1e-5)
