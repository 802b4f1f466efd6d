"""Parameters as safetensors: named arrays, no code. A tree's path becomes the name: actor/0/weight."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np

from maddpg.storage.files import write_bytes
from maddpg.types import AnyArray, PyTree


def _name(path: tuple) -> str:
    return "/".join(str(getattr(part, "key", getattr(part, "idx", getattr(part, "name", part)))) for part in path)


def named_leaves(tree: PyTree) -> dict[str, AnyArray]:
    """A tree's arrays by path, such as actor/0/weight."""
    return {_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def save_parameters(path: Path, tree: PyTree) -> None:
    """Write a tree of arrays to a safetensors file."""
    from safetensors.numpy import save

    # safetensors writes the memory as it lies and would save a transposed view wrongly.
    write_bytes(path, save({name: np.asarray(leaf, order="C") for name, leaf in named_leaves(tree).items()}))


def load_parameters(path: Path, like: PyTree) -> PyTree:
    """Read a tree of the structure, shapes and types of `like`.

    Raises:
        ValueError: the file is damaged, or an array is missing or of another shape or type.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        stored = load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error

    def find(key_path: tuple, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        name = _name(key_path)
        if name not in stored:
            raise ValueError(f"{path} lacks {name}")
        found = stored[name]
        if found.shape != leaf.shape or found.dtype != leaf.dtype:
            raise ValueError(f"{path}: {name} is {found.dtype}{list(found.shape)}, but this run's is {leaf.dtype}{list(leaf.shape)}")
        return found

    return jax.tree_util.tree_map_with_path(find, like)
