"""Networks as pairs of functions, and the multilayer perceptron that the paper uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from maddpg.types import PyTree


class Network(NamedTuple):
    """A network of ONE agent as two pure functions; the agent axis comes from `vmap`.

    `init(key, input_valid, output_valid) -> parameters`: the two masks, [input] and [output], mark the columns that are not padding.
    Padded inputs must have no influence.
    `apply(parameters, inputs [batch, input]) -> [batch, output]`.
    """

    init: Callable[[jax.Array, jax.Array, jax.Array], PyTree]
    apply: Callable[[PyTree, jax.Array], jax.Array]


def mlp(hidden: Sequence[int]) -> Network:
    """A multilayer perceptron with ReLU between its layers, weights after Glorot and Bengio (2010) and zero biases.

    Fan-in and fan-out count true columns, and padded ones start at zero weight, so that padding changes neither the initial network nor,
    since their gradients are zero, any later one. Parameters are a list of {"weight": [input, output], "bias": [output]}.
    """

    def init(key: Key[Array, ""], input_valid: Bool[Array, " input"], output_valid: Bool[Array, " output"]) -> PyTree:
        valid = [input_valid, *(jnp.ones(width, bool) for width in hidden), output_valid]
        keys = jax.random.split(key, len(valid) - 1)
        return [
            {"weight": _glorot_uniform(layer_key, rows, columns), "bias": jnp.zeros(columns.shape)}
            for layer_key, rows, columns in zip(keys, valid[:-1], valid[1:], strict=True)
        ]

    def apply(parameters: PyTree, inputs: Float[Array, "batch input"]) -> Float[Array, "batch output"]:
        for index, layer in enumerate(parameters):
            inputs = inputs @ layer["weight"] + layer["bias"][None]
            if index < len(parameters) - 1:
                inputs = jax.nn.relu(inputs)
        return inputs

    return Network(init, apply)


def _glorot_uniform(key: Key[Array, ""], rows: Bool[Array, " input"], columns: Bool[Array, " output"]) -> Float[Array, "input output"]:
    """Glorot-uniform weights on the true rows and columns, zero on the others, the same numbers whatever the padding.

    One key for each output column and as many draws as inputs: more of either leaves the first ones as they were. The n-th true row takes
    the n-th draw of its column.
    """
    column_keys = jax.vmap(lambda column: jax.random.fold_in(key, column))(jnp.cumsum(columns))
    drawn = jax.vmap(lambda column_key: jax.random.uniform(column_key, rows.shape, minval=-1.0, maxval=1.0))(column_keys)
    limit = jnp.sqrt(6.0 / (jnp.sum(rows) + jnp.sum(columns)))
    weight = limit * drawn.T[jnp.cumsum(rows) - 1]
    return jnp.where(rows[:, None] & columns[None, :], weight, 0.0)
