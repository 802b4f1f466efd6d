"""Trees of arrays as safetensors: named arrays, no code. A tree's path becomes the name: actor/0/weight."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np

from maddpg.names import one_line
from maddpg.storage.files import require_file, write_bytes
from maddpg.types import AnyArray, PyTree

LONGEST_HEADER = 16 * 2**20  # bytes: names and shapes of a file's arrays; ours take far less


def name_of(path: tuple) -> str:
    """A leaf's name, from its path in the tree."""
    return "/".join(str(getattr(part, "key", getattr(part, "idx", getattr(part, "name", part)))) for part in path)


def named_leaves(tree: PyTree) -> dict[str, AnyArray]:
    """A tree's arrays by path, such as actor/0/weight."""
    return {name_of(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def to_bytes(arrays: Mapping[str, AnyArray], metadata: Mapping[str, str] | None = None) -> bytes:
    """Named arrays as the content of a safetensors file."""
    from safetensors.numpy import save

    # safetensors writes the memory as it lies and would save a transposed view wrongly.
    content: bytes = save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata=dict(metadata or {}))
    return content


def from_bytes(content: bytes, where: str) -> dict[str, np.ndarray]:
    """The named arrays in the content of a safetensors file, called `where` in errors.

    Raises:
        ValueError: it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays: dict[str, np.ndarray] = load(content)
    except (SafetensorError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{where} cannot be read: {one_line(error)}") from error
    return arrays


def save_tree(path: Path, tree: PyTree, metadata: Mapping[str, str] | None = None) -> None:
    """Write a tree of arrays to a safetensors file."""
    write_bytes(path, to_bytes(named_leaves(tree), metadata))


def load_tree(path: Path, like: PyTree) -> PyTree:
    """Read a tree of the structure, shapes and types of `like`.

    Raises:
        ValueError: the file is damaged, larger than such a tree can be, or an array is missing or of another shape or type.
    """
    try:
        require_file(path)
        # A tree may be part of what the file holds, such as the actors of a run: a fiftieth is less than any of ours is.
        if path.stat().st_size > 50 * tree_bytes(like) + LONGEST_HEADER:
            raise ValueError(f"{path.stat().st_size} bytes are more than such a run has")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    return take_tree(from_bytes(content, str(path)), like, str(path))


def take_tree(arrays: Mapping[str, np.ndarray], like: PyTree, where: str, prefix: str = "") -> PyTree:
    """The tree among named arrays, each name with a prefix.

    Raises:
        ValueError: an array is missing or of another shape or type.
    """

    def find(path: tuple, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        name = prefix + name_of(path)
        if name not in arrays:
            raise ValueError(f"{where} lacks {name}")
        found = arrays[name]
        if found.shape != leaf.shape or found.dtype != leaf.dtype:
            raise ValueError(f"{where}: {name} is {found.dtype}{list(found.shape)}, but this run's is {leaf.dtype}{list(leaf.shape)}")
        return found

    return jax.tree_util.tree_map_with_path(find, like)


def read_metadata(path: Path) -> dict[str, str]:
    """The words that a safetensors file was saved with; none where there are none, or no file.

    Raises:
        ValueError: the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > LONGEST_HEADER:
                raise ValueError("its header is longer than any of ours")
            header = json.loads(file.read(length))
        metadata = header.get("__metadata__", {})
        return {str(name): str(word) for name, word in metadata.items()}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: {one_line(error)}") from error


def tree_bytes(like: PyTree) -> int:
    """Bytes of a tree's arrays."""
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(like))
