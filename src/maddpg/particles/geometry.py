"""Small vector functions that worlds share: lengths, offsets, contacts, and leaving an agent out of its own list."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

TINY = 1e-12  # a length below this counts as this: coincident bodies then have finite forces, rewards and gradients


def length(vector: Float[Array, "*shape 2"]) -> Float[Array, "*shape"]:
    """Euclidean length, at least `TINY`."""
    # Two written-out squares fuse with what surrounds them; a reduction over an axis of two does not.
    return jnp.sqrt(jnp.maximum(squared_length(vector), TINY**2))


def squared_length(vector: Float[Array, "*shape 2"]) -> Float[Array, "*shape"]:
    """Squared Euclidean length."""
    return jnp.square(vector[..., 0]) + jnp.square(vector[..., 1])


def offsets(origin: Float[Array, "a 2"], point: Float[Array, "b 2"]) -> Float[Array, "a b 2"]:
    """Where each point lies as seen from each origin."""
    return point[None] - origin[:, None]


def distances(a: Float[Array, "a 2"], b: Float[Array, "b 2"]) -> Float[Array, "a b"]:
    """Euclidean distance of each pair."""
    return length(offsets(a, b))


def without_self(pair: Float[Array, "n n *rest"]) -> Float[Array, "n others *rest"]:
    """Leave out the diagonal of a square table, so that row i lists all but i, in order.

    Dropping the first entry of the flattened table moves the diagonal into one column of n - 1 rows of n + 1: no gather needed.
    """
    count, rest = pair.shape[0], pair.shape[2:]
    rows = pair.reshape(count * count, *rest)[1:].reshape(count - 1, count + 1, *rest)
    return rows[:, :-1].reshape(count, count - 1, *rest)


def to_all(count: int, shared: Float[Array, " *shape"]) -> Float[Array, " {count} *shape"]:
    """Repeat for each of `count` agents what all of them see alike."""
    return jnp.broadcast_to(shared, (count, *shared.shape))


def join(*parts: Float[Array, "agent ..."]) -> Float[Array, "agent observation"]:
    """Lay parts of observations side by side, each flattened to one row an agent."""
    return jnp.concatenate([part.reshape(part.shape[0], -1) for part in parts], axis=1)


def pick(options: Float[Array, " option *rest"], index: Int[Array, ""]) -> Float[Array, " *rest"]:
    """The option of that index."""
    # A masked sum, since under vmap an index becomes a gather, which is slow for a handful of options.
    chosen = (jnp.arange(options.shape[0]) == index).reshape(-1, *[1] * (options.ndim - 1))
    return jnp.sum(jnp.where(chosen, options, 0), axis=0)


def one_hot(index: Int[Array, ""], size: int) -> Float[Array, " {size}"]:
    """A vector of zeros with a one at the index."""
    return (jnp.arange(size) == index).astype(float)
