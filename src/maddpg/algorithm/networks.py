"""Networks as pairs of functions, and the multilayer perceptron that the paper uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from maddpg.types import PyTree


class Network(NamedTuple):
    """A network of ONE agent as two pure functions; the agent axis comes from `vmap`.

    `init(key, input_valid, output_valid) -> parameters`: the two masks, [input] and [output], mark the columns that are not padding.
    Padded inputs must have no influence.
    `apply(parameters, *blocks) -> [batch, output]`: the blocks, [batch, columns] each, are the input's columns side by side. They come
    apart so that a block which serves all agents is never copied for each; a network that does not care concatenates them.
    """

    init: Callable[[jax.Array, jax.Array, jax.Array], PyTree]
    apply: Callable[..., jax.Array]


def mlp(hidden: Sequence[int]) -> Network:
    """A multilayer perceptron with ReLU between its layers, weights after Glorot and Bengio (2010) and zero biases.

    Fan-in and fan-out count true columns, and padded ones start at zero weight, so that padding changes neither the initial network nor,
    since their gradients are zero, any later one. Parameters are a list of {"weight": [input, output], "bias": [output]}.
    """

    def init(key: Key[Array, ""], input_valid: Bool[Array, " input"], output_valid: Bool[Array, " output"]) -> PyTree:
        valid = [input_valid, *(jnp.ones(width, bool) for width in hidden), output_valid]
        draws = _draws(key, rows=max(map(len, valid[:-1])), columns=[len(columns) for columns in valid[1:]])
        return [
            {"weight": _glorot_uniform(drawn, rows, columns), "bias": jnp.zeros(columns.shape)}
            for drawn, rows, columns in zip(draws, valid[:-1], valid[1:], strict=True)
        ]

    def apply(parameters: PyTree, *blocks: Float[Array, "batch _"]) -> Float[Array, "batch output"]:
        first, *rest = parameters
        starts = np.cumsum([0, *(block.shape[1] for block in blocks)])
        # A product for each block, instead of one over their concatenation: nothing is copied, and a gradient that is wanted
        # for one block alone (the actor's, for its own action) is computed for that block alone.
        rows = [first["weight"][start : start + block.shape[1]] for start, block in zip(starts, blocks, strict=False)]
        outputs = sum(_product(block, weight) for block, weight in zip(blocks, rows, strict=True)) + first["bias"][None]
        for layer in rest:
            outputs = _product(jax.nn.relu(outputs), layer["weight"]) + layer["bias"][None]
        return outputs

    return Network(init, apply)


def _draws(key: Key[Array, ""], rows: int, columns: Sequence[int]) -> list[Float[Array, "column row"]]:
    """Uniform numbers in [-1, 1) for each layer, from one key a column, so that more columns or rows leave the first ones as they were.

    All layers' in one call: random bits are what takes longest to compile. That a key's first draws are the same however many are
    drawn is a property of JAX's partitionable Threefry, its default since 0.5.
    """
    numbers = [layer * 2**20 + column for layer, width in enumerate(columns) for column in range(width)]
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, jnp.array(numbers))
    drawn = jax.vmap(lambda column: jax.random.uniform(column, (rows,), minval=-1.0, maxval=1.0))(keys)
    return jnp.split(drawn, np.cumsum(columns)[:-1])


def _glorot_uniform(
    drawn: Float[Array, "output row"], rows: Bool[Array, " input"], columns: Bool[Array, " output"]
) -> Float[Array, "input output"]:
    """Glorot-uniform weights on the true rows and columns, zero elsewhere: the n-th true one takes the n-th draw, whatever padding."""
    limit = jnp.sqrt(6.0 / (jnp.sum(rows) + jnp.sum(columns)))
    weight = limit * drawn[jnp.cumsum(columns) - 1][:, jnp.cumsum(rows) - 1].T
    return jnp.where(rows[:, None] & columns[None, :], weight, 0.0)


@jax.custom_vjp
def _product(inputs: Float[Array, "batch input"], weight: Float[Array, "input output"]) -> Float[Array, "batch output"]:
    """inputs @ weight, with a gradient for the weight that XLA runs twice as fast on a CPU."""
    return inputs @ weight


def _product_forward(inputs: jax.Array, weight: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return inputs @ weight, (inputs, weight)


def _product_backward(saved: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    inputs, weight = saved
    # The product over a long batch is slow with the batch as both operands' outer axis; the barrier keeps XLA from folding the
    # transposition back into it.
    return gradient @ weight.T, jax.lax.optimization_barrier(inputs.T) @ gradient


_product.defvjp(_product_forward, _product_backward)
