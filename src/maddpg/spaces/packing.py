"""Observations into columns, and columns into actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from maddpg.spaces.kinds import Choices, Numbers, Product, Space


def pack(space: Space, value: Any, place: str = "the observation") -> np.ndarray:
    """[size] float32 from what the environment gives.

    Numbers are taken as they are, whatever the bounds and the type that their space has: neither one that is not finite nor one beyond 32
    bits, which becomes infinite (NumPy warns of an overflow), is hidden from the caller.

    Args:
        space: of the observation.
        value: as the environment gives it; keys of a mapping that the space does not have are not read.
        place: what `value` is called in errors.

    Raises:
        ValueError: another shape or structure, something else than numbers, or a choice that there is not.
    """
    match space:
        case Product():
            return np.concatenate([np.zeros(0, np.float32), *(pack(*part) for part in _parts(space, value, place))])
        case Choices():
            columns, first = np.zeros(space.size, np.float32), 0
            for choice, size, start in zip(_array(value, space.shape, place).ravel().tolist(), space.sizes, space.starts, strict=True):
                option = choice - start
                if not (0 <= option < size and option == int(option)):
                    raise ValueError(f"{place} is {shorten(value)}; {choice} must be a choice from {start} to {start + size - 1}")
                columns[first + int(option)] = 1
                first += size
            return columns
    shape = space.shape if isinstance(space, Numbers) else (space.size,)
    return _array(value, shape, place).astype(np.float32).ravel()


def unpack(space: Space, row: np.ndarray) -> Any:
    """What the environment takes, in its own type, dtype and shape, from the columns of an action; those after the last are not read.

    A choice is the largest of its columns. A number is mapped from [-1, 1] to its bounds, which -1 and 1 and all beyond them reach
    exactly, and rounded where its space has whole numbers.
    """
    match space:
        case Product():
            values = [unpack(part, row[end - part.size :]) for part, end in zip(space.parts, space.ends, strict=True)]
            return tuple(values) if space.names is None else dict(zip(space.names, values, strict=True))
        case Choices():
            chosen, first = [], 0
            for size, start in zip(space.sizes, space.starts, strict=True):
                chosen.append(start + int(row[first : first + size].argmax()))
                first += size
            return np.array(chosen, np.int64).astype(space.dtype).reshape(space.shape)[()]
        case Numbers():
            low, high = space.bounds
            place = np.clip(row[: space.size].astype(np.float64), -1, 1)
            # A weighted mean, since low + share * (high - low) misses the upper bound by a rounding and may overflow.
            value = low * ((1 - place) / 2) + high * ((1 + place) / 2)
            value = np.rint(value) if space.whole else value
            return np.clip(value, low, high).astype(space.dtype).reshape(space.shape)
    return row[: space.size]


def shorten(value: Any) -> str:
    """A value for an error message, on one short line."""
    text = " ".join(str(value).split())
    return text if len(text) <= 120 else f"{text[:117]}..."


def _parts(space: Product, value: Any, place: str) -> Iterator[tuple[Space, Any, str]]:
    """Each part, what was given for it, and what that is called."""
    if space.names is None:
        count = len(value) if isinstance(value, tuple | list) or (isinstance(value, np.ndarray) and value.ndim) else None
        if count != len(space.parts):
            raise ValueError(f"{place} is {shorten(value)}; it must be a tuple of {len(space.parts)}")
    elif not isinstance(value, Mapping) or any(name not in value for name in space.names):
        raise ValueError(f"{place} is {shorten(value)}; it must be a mapping with {', '.join(map(str, space.names))}")
    for name, part in zip(range(len(space.parts)) if space.names is None else space.names, space.parts, strict=True):
        yield part, value[name], f"{place}[{name!r}]"


def _array(value: Any, shape: tuple[int, ...], place: str) -> np.ndarray:
    """An array of numbers of that shape."""
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{place} is {shorten(value)}; it must be an array of numbers")
    if array.shape != shape:
        raise ValueError(f"{place} has shape {array.shape}; it must have {shape}")
    return array
