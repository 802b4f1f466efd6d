"""How the perceptron stores a layer: the only place in the tests that knows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np


def weight_of(layer: dict[str, jax.Array]) -> np.ndarray:
    """[..., input, output]."""
    return np.asarray(layer["weight"])


def bias_of(layer: dict[str, jax.Array]) -> np.ndarray:
    """[..., output]."""
    return np.asarray(layer["bias"])


def layer_of(weight: np.ndarray, bias: np.ndarray) -> dict[str, jax.Array]:
    """A layer from its weight [input, output] and bias [output]."""
    return {"weight": jnp.float32(weight), "bias": jnp.float32(bias)}
