"""The multilayer perceptron: how it starts, and what it computes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.networks import mlp

NETWORK = mlp((40,))
INPUTS = jnp.arange(30) < 20
OUTPUTS = jnp.arange(8) < 5


@pytest.fixture(scope="module")
def parameters():
    return jax.jit(NETWORK.init)(jax.random.key(0), INPUTS, OUTPUTS)


def test_weights_are_uniform_within_glorots_limit_of_the_true_sizes(parameters):
    for layer, rows, columns in ((parameters[0], 20, 40), (parameters[1], 40, 5)):
        weight = np.asarray(layer["weight"][:rows, :columns])
        limit = np.sqrt(6 / (rows + columns))

        assert 0.97 * limit < np.abs(weight).max() <= limit
        np.testing.assert_allclose(weight.std(), limit / np.sqrt(3), rtol=0.1)
        assert len(np.unique(weight)) == weight.size


def test_biases_and_padding_start_at_zero(parameters):
    first, last = parameters

    assert not np.any(first["weight"][20:])
    assert not np.any(last["weight"][:, 5:])
    assert not np.any(first["bias"])
    assert not np.any(last["bias"])


def test_computes_what_numpy_computes_from_one_block_or_several():
    rng = np.random.default_rng(0)
    shapes = [((7, 5), 5), ((5, 4), 4), ((4, 2), 2)]
    layers = [{"weight": rng.normal(size=shape), "bias": rng.normal(size=size)} for shape, size in shapes]
    inputs = rng.normal(size=(3, 7))
    hidden = np.maximum(np.maximum(inputs @ layers[0]["weight"] + layers[0]["bias"], 0) @ layers[1]["weight"] + layers[1]["bias"], 0)
    expected = hidden @ layers[2]["weight"] + layers[2]["bias"]

    parameters = jax.tree.map(jnp.float32, layers)
    for blocks in ([inputs], [inputs[:, :3], inputs[:, 3:4], inputs[:, 4:]]):
        np.testing.assert_allclose(mlp((5, 4)).apply(parameters, *map(jnp.float32, blocks)), expected, rtol=1e-4)


def test_without_hidden_layers_it_is_linear():
    parameters = jax.jit(mlp(()).init)(jax.random.key(0), INPUTS, OUTPUTS)

    np.testing.assert_allclose(mlp(()).apply(parameters, jnp.eye(30)), parameters[0]["weight"], atol=1e-6)
