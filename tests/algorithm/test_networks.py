"""The multilayer perceptron: how it starts, and what it computes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.networks import mlp
from tests.algorithm.layers import bias_of, layer_of, weight_of
from tests.algorithm.reference import forward

NETWORK = mlp((40,))
INPUTS = jnp.arange(30) < 20
OUTPUTS = jnp.arange(8) < 5


@pytest.fixture(scope="module")
def parameters():
    return jax.jit(NETWORK.init)(jax.random.key(0), INPUTS, OUTPUTS)


def test_weights_are_uniform_within_glorots_limit_of_the_true_sizes(parameters):
    for layer, rows, columns in ((parameters[0], 20, 40), (parameters[1], 40, 5)):
        weight = weight_of(layer)[:rows, :columns]
        limit = np.sqrt(6 / (rows + columns))

        assert 0.97 * limit < np.abs(weight).max() <= limit
        np.testing.assert_allclose(weight.std(), limit / np.sqrt(3), rtol=0.1)
        assert len(np.unique(weight)) == weight.size


def test_biases_and_padding_start_at_zero(parameters):
    first, last = parameters

    assert not np.any(weight_of(first)[20:])
    assert not np.any(weight_of(last)[:, 5:])
    assert not np.any(bias_of(first))
    assert not np.any(bias_of(last))


def test_computes_what_numpy_computes_from_one_block_or_several():
    rng = np.random.default_rng(0)
    shapes = [((7, 5), 5), ((5, 4), 4), ((4, 2), 2)]
    layers = [(rng.normal(size=shape), rng.normal(size=size)) for shape, size in shapes]
    inputs = rng.normal(size=(3, 7))
    expected, _ = forward(layers, inputs)

    parameters = [layer_of(*layer) for layer in layers]
    for blocks in ([inputs], [inputs[:, :3], inputs[:, 3:4], inputs[:, 4:]]):
        np.testing.assert_allclose(mlp((5, 4)).apply(parameters, *map(jnp.float32, blocks)), expected, rtol=1e-4)


def test_without_hidden_layers_it_is_linear():
    parameters = jax.jit(mlp(()).init)(jax.random.key(0), INPUTS, OUTPUTS)

    np.testing.assert_allclose(mlp(()).apply(parameters, jnp.eye(30)), weight_of(parameters[0]), atol=1e-6)
