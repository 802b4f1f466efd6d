"""The kinds of spaces, as data. What is needed again at every step is worked out once, on first use.

All have `size`, the number of columns; `options` [size] bool, the columns that action masks speak of; and `firsts` [choice] int, the first
column of each choice.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np


@dataclass(frozen=True)
class Columns:
    """A vector of real numbers as the networks have it, with nothing to translate."""

    size: int
    maskable: bool = True
    """Whether masks speak of it, as of the actions of worlds on the device; not of a channel's messages, which no environment knows."""

    @cached_property
    def options(self) -> np.ndarray:
        """All of them, or none."""
        return np.full(self.size, self.maskable)

    @cached_property
    def firsts(self) -> np.ndarray:
        """None: where its choices begin, the heads alone know."""
        return np.zeros(0, int)


@dataclass(frozen=True)
class Numbers:
    """An array of real numbers. In an action its columns are in [-1, 1], mapped to the bounds; an observation has none."""

    shape: tuple[int, ...]
    dtype: str
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None

    @cached_property
    def size(self) -> int:
        """Number of columns."""
        return prod(self.shape)

    @cached_property
    def options(self) -> np.ndarray:
        """None."""
        return np.zeros(self.size, bool)

    @cached_property
    def firsts(self) -> np.ndarray:
        """None."""
        return np.zeros(0, int)

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Low and high, [size] float64 each."""
        return np.array(self.low, np.float64), np.array(self.high, np.float64)

    @cached_property
    def whole(self) -> bool:
        """Whether its numbers are whole."""
        return np.dtype(self.dtype).kind != "f"


@dataclass(frozen=True)
class Choices:
    """An array of choices, a single one where the shape is (). A choice has a column for each option; the first means `starts`."""

    shape: tuple[int, ...]
    dtype: str
    sizes: tuple[int, ...]
    starts: tuple[int, ...]

    @cached_property
    def size(self) -> int:
        """Number of columns."""
        return sum(self.sizes)

    @cached_property
    def options(self) -> np.ndarray:
        """All."""
        return np.ones(self.size, bool)

    @cached_property
    def firsts(self) -> np.ndarray:
        """The first column of each."""
        return np.cumsum(self.sizes, dtype=int) - np.array(self.sizes, int)


@dataclass(frozen=True)
class Product:
    """Spaces side by side: a dictionary if they have names, else a tuple."""

    parts: tuple[Space, ...]
    names: tuple[Hashable, ...] | None = None

    @cached_property
    def size(self) -> int:
        """Number of columns."""
        return sum(part.size for part in self.parts)

    @cached_property
    def options(self) -> np.ndarray:
        """Those of its parts."""
        return np.concatenate([np.zeros(0, bool), *(part.options for part in self.parts)])

    @cached_property
    def firsts(self) -> np.ndarray:
        """Those of its parts."""
        return np.concatenate([np.zeros(0, int), *(end - part.size + part.firsts for part, end in zip(self.parts, self.ends, strict=True))])

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """The column after the last of each part."""
        return tuple(np.cumsum([part.size for part in self.parts], dtype=int).tolist())


Space = Columns | Numbers | Choices | Product


def leaves(space: Space, path: str = "") -> Iterator[tuple[str, Columns | Numbers | Choices]]:
    """The parts of products, and theirs, in the order of columns; each with its path, as a JSON Pointer (RFC 6901), such as `/arm/0`."""
    if isinstance(space, Product):
        for name, part in zip(range(len(space.parts)) if space.names is None else space.names, space.parts, strict=True):
            yield from leaves(part, f"{path}/{str(name).replace('~', '~0').replace('/', '~1')}")
    else:
        yield path, space
