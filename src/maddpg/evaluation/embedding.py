"""A perceptron inside a larger one that computes the same: so networks of different sizes run in one compiled program."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.types import AnyArray, PyTree


def common_layers(networks: Sequence[tuple[int, ...]], outputs: int) -> tuple[int, ...]:
    """Hidden layers into which each of these perceptrons fits, with so many outputs."""
    if len({len(layers) for layers in networks}) == 1:
        return tuple(max(widths) for widths in zip(*networks, strict=True))
    # Where layers are put in, any of the widths may come to stand anywhere; without hidden layers, twice the outputs.
    widest = max(width for layers in networks for width in (layers or (2 * outputs,)))
    return (widest,) * max(map(len, networks))


def embed(parameters: PyTree, hidden: Sequence[int], outputs: int) -> PyTree:
    """The same function as a perceptron with these hidden layers, and the first `outputs` of its outputs.

    More units are units whose weights are zero. More layers pass on what comes: after a ReLU nothing is negative, and another ReLU changes
    nothing.

    Args:
        parameters: of `mlp`, [..., input, output] and [..., output] with any leading axes.
        hidden: widths, as `common_layers` gives them.
        outputs: how many outputs to keep.
    """
    *inner, last = parameters
    last = {name: leaf[..., :outputs] for name, leaf in last.items()}
    if not inner and hidden:
        # z = relu(z) - relu(-z): a network without hidden layers has no ReLU before its outputs.
        both = {name: jnp.concatenate([leaf, -leaf], axis=-1) for name, leaf in last.items()}
        sign = jnp.concatenate([jnp.eye(outputs), -jnp.eye(outputs)])
        inner, last = [both], {"weight": _like(sign, last["weight"]), "bias": jnp.zeros_like(last["bias"])}
    while len(inner) < len(hidden):
        width = inner[-1]["bias"].shape[-1]
        inner.append({"weight": _like(jnp.eye(width), inner[-1]["weight"]), "bias": jnp.zeros_like(inner[-1]["bias"])})
    layers = [*inner, last]
    widths = [layers[0]["weight"].shape[-2], *hidden, outputs]
    return [
        {"weight": _pad(layer["weight"], rows, columns), "bias": _pad(layer["bias"], columns)}
        for layer, rows, columns in zip(layers, widths[:-1], widths[1:], strict=True)
    ]


def _like(matrix: jax.Array, weight: AnyArray) -> jax.Array:
    """A matrix with the leading axes of a weight."""
    return jnp.broadcast_to(matrix, (*weight.shape[:-2], *matrix.shape))


def _pad(leaf: AnyArray, *sizes: int) -> jax.Array:
    """Zeros after the last entries of the last axes."""
    missing = np.array(sizes) - leaf.shape[-len(sizes) :]
    return jnp.pad(leaf, [(0, 0)] * (leaf.ndim - len(sizes)) + [(0, int(count)) for count in missing])
