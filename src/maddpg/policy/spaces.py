"""Spaces as data: how an environment's observation becomes columns, how columns become its action, and masks over its choices.

The same rules as `maddpg.environments.foreign`, in NumPy alone and from a description that comes with the policy: acting needs neither
Gymnasium nor the environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from maddpg.policy.tables import LARGEST_COUNT, Table, list_of, one_of, read_number, read_table, read_text, whole

DTYPES = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)), "float16", "float32", "float64")
DEEPEST = 16
"""Levels of spaces within spaces."""


@dataclass(frozen=True)
class Columns:
    """A vector of real numbers as the networks have it, with nothing to translate."""

    size: int


@dataclass(frozen=True)
class Numbers:
    """An array of real numbers. In an action its columns are in [-1, 1], mapped to the bounds; an observation has none."""

    shape: tuple[int, ...]
    dtype: str
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None

    @property
    def size(self) -> int:
        """Number of columns."""
        return prod(self.shape)


@dataclass(frozen=True)
class Choices:
    """An array of choices, a single one where the shape is (). A choice has a column for each option; the first means `starts`."""

    shape: tuple[int, ...]
    dtype: str
    sizes: tuple[int, ...]
    starts: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of columns."""
        return sum(self.sizes)


@dataclass(frozen=True)
class Product:
    """Spaces side by side: a dictionary if they have names, else a tuple."""

    parts: tuple[Space, ...]
    names: tuple[str, ...] | None = None

    @property
    def size(self) -> int:
        """Number of columns."""
        return sum(part.size for part in self.parts)


Space = Columns | Numbers | Choices | Product


def pack(space: Space, value: Any) -> np.ndarray:
    """[size] float32 from what the environment gives. Raises ValueError for what does not fit."""
    match space:
        case Product():
            return np.concatenate([np.zeros(0, np.float32), *(pack(part, given) for part, given in _parts(space, value))])
        case Choices():
            chosen = _array(value, space.shape).ravel() - np.array(space.starts)
            sizes = np.array(space.sizes)
            if not ((chosen >= 0) & (chosen < sizes) & (chosen == np.rint(chosen))).all():
                raise ValueError(f"the observation is {_brief(value)}; it must be a choice from {space.starts} on, of {space.sizes}")
            columns = np.zeros(space.size, np.float32)
            columns[np.cumsum(sizes) - sizes + chosen.astype(int)] = 1
            return columns
    shape = space.shape if isinstance(space, Numbers) else (space.size,)
    with np.errstate(over="ignore"):  # told by the caller, as infinite
        return _array(value, shape).astype(np.float32).ravel()


def unpack(space: Space, row: np.ndarray) -> Any:
    """What the environment takes, from the columns [size] of an action."""
    match space:
        case Product():
            ends = np.cumsum([part.size for part in space.parts])
            values = [unpack(part, row[end - part.size : end]) for part, end in zip(space.parts, ends, strict=True)]
            return tuple(values) if space.names is None else dict(zip(space.names, values, strict=True))
        case Choices():
            ends = np.cumsum(space.sizes, dtype=int)
            chosen = [np.argmax(row[end - size : end]) for size, end in zip(space.sizes, ends, strict=True)]
            picked = (np.array(space.starts, np.int64) + np.array(chosen, np.int64)).astype(space.dtype).reshape(space.shape)
            return picked[()]
        case Numbers():
            low, high, place = np.array(space.low), np.array(space.high), row.astype(np.float64)
            # A weighted mean, since low + share * (high - low) misses the upper bound by a rounding and may overflow.
            value = low * ((1 - place) / 2) + high * ((1 + place) / 2)
            value = value if np.dtype(space.dtype).kind == "f" else np.rint(value)
            return np.clip(value, low, high).astype(space.dtype).reshape(space.shape)
    return row


def leaves(space: Space, path: str = "") -> Iterator[tuple[str, Columns | Numbers | Choices]]:
    """The parts of products, and theirs, in the order of columns; each with its path, such as `/arm/0`."""
    if isinstance(space, Product):
        for name, part in zip(space.names or map(str, range(len(space.parts))), space.parts, strict=True):
            yield from leaves(part, f"{path}/{name}")
    else:
        yield path, space


def read_mask(space: Space, given: Any) -> np.ndarray:
    """[size] bool: allowed; true in columns that are no choice.

    Args:
        space: of the action.
        given: 0 or 1 for each option of each choice (for `Columns`, for each of them), in one array; or, where the space has parts, a mask
            for each part in the same structure, and None, or no key, where all is allowed.

    Raises:
        ValueError: another number of options, or other values.
    """
    if given is None:
        return np.ones(space.size, bool)
    if isinstance(space, Product) and space.names is not None and isinstance(given, Mapping):
        return _beside(read_mask(part, given.get(name)) for name, part in zip(space.names, space.parts, strict=True))
    if isinstance(space, Product) and space.names is None and _is_structured(given) and len(given) == len(space.parts):
        return _beside(read_mask(part, one) for part, one in zip(space.parts, given, strict=True))
    if isinstance(given, Mapping):
        raise ValueError("the action mask is a mapping; it must be an array, or a tuple with one for each part")
    options = _beside(np.full(leaf.size, isinstance(leaf, Choices | Columns)) for _, leaf in leaves(space))
    flat = np.concatenate([np.ravel(part) for part in given]) if _is_structured(given) else np.ravel(given)
    if flat.size != options.sum():
        raise ValueError(f"the action mask has {flat.size} values; it must have {options.sum()}, one for each option of each choice")
    if flat.dtype.kind not in "fiub" or not ((flat == 0) | (flat == 1)).all():
        raise ValueError(f"the action mask is {_brief(given)}; it must hold 1 where an option is allowed, else 0")
    mask = np.ones(space.size, bool)
    mask[options] = flat == 1
    return mask


def to_json(space: Space) -> dict[str, Any]:
    """The description that `from_json` reads."""
    match space:
        case Columns():
            return {"kind": "columns", "size": space.size}
        case Numbers():
            bounds = {} if space.low is None or space.high is None else {"low": list(space.low), "high": list(space.high)}
            return {"kind": "numbers", "shape": list(space.shape), "dtype": space.dtype, **bounds}
        case Choices():
            sizes = {"sizes": list(space.sizes), "starts": list(space.starts)}
            return {"kind": "choices", "shape": list(space.shape), "dtype": space.dtype, **sizes}
    names = {} if space.names is None else {"names": list(space.names)}
    return {"kind": "product", "parts": [to_json(part) for part in space.parts], **names}


def from_json(bounded: bool, where: str, value: Any, depth: int = 0) -> Space:
    """A space from a description that nobody vouches for; `bounded` says that numbers must have bounds, as in actions."""
    table = read_table(where, value)
    kind = table.take("kind", one_of("columns", "numbers", "choices", "product"))
    if kind == "columns":
        table.require_no_more(("kind", "size"))
        return Columns(table.take("size", whole(0)))
    if kind == "product":
        return _product_from_json(bounded, table, depth)
    shape, dtype = table.take("shape", list_of(whole(0), DEEPEST)), table.take("dtype", one_of(*DTYPES))
    count = prod(shape)
    if count > LARGEST_COUNT:
        raise ValueError(f"{where}: shape = {list(shape)}: it must hold at most {LARGEST_COUNT} numbers; export the run again")
    names, read = (("sizes", "starts"), whole(-(2**62), 2**62)) if kind == "choices" else (("low", "high"), read_number)
    if kind == "numbers" and not bounded:
        table.require_no_more(("kind", "shape", "dtype"))
        return Numbers(shape, dtype)
    table.require_no_more(("kind", "shape", "dtype", *names))
    first, second = (table.take(name, list_of(read, count)) for name in names)
    if not len(first) == len(second) == count:
        raise ValueError(f"{where}: {' and '.join(names)} must have {count} entries each; export the run again")
    if kind == "choices":
        if not all(1 <= size <= LARGEST_COUNT for size in first) or sum(first) > LARGEST_COUNT:
            raise ValueError(f"{where}: sizes must be at least 1, and {LARGEST_COUNT} together at most; export the run again")
        return Choices(shape, dtype, tuple(map(int, first)), tuple(map(int, second)))
    if any(low > high for low, high in zip(first, second, strict=True)):
        raise ValueError(f"{where}: low must not lie above high; export the run again")
    return Numbers(shape, dtype, first, second)


def _product_from_json(bounded: bool, table: Table, depth: int) -> Product:
    if depth >= DEEPEST:
        raise ValueError(f"{table.where}: spaces lie more than {DEEPEST} deep; export the run again")
    table.require_no_more(("kind", "parts", "names"))
    parts = table.take("parts", list_of(lambda where, value: from_json(bounded, where, value, depth + 1)))
    names = table.take("names", list_of(read_text)) if "names" in table.values else None
    if names is not None and len({*names}) != len(parts):
        raise ValueError(f"{table.where}: names must be as many as parts, and differ; export the run again")
    product = Product(parts, names)
    if product.size > LARGEST_COUNT:
        raise ValueError(f"{table.where}: parts have {product.size} columns, and may have {LARGEST_COUNT}; export the run again")
    return product


def _parts(space: Product, value: Any) -> list[tuple[Space, Any]]:
    """Each part and what was given for it."""
    if space.names is None:
        if not isinstance(value, tuple | list) or len(value) != len(space.parts):
            raise ValueError(f"the observation is {_brief(value)}; it must be a tuple of {len(space.parts)}")
        return list(zip(space.parts, value, strict=True))
    if not isinstance(value, Mapping) or any(name not in value for name in space.names):
        raise ValueError(f"the observation is {_brief(value)}; it must be a mapping with {', '.join(space.names)}")
    return [(part, value[name]) for name, part in zip(space.names, space.parts, strict=True)]


def _is_structured(mask: Any) -> bool:
    """Whether a mask comes in parts, and not as the numbers of one array."""
    return isinstance(mask, tuple | list) and any(part is None or isinstance(part, Mapping) or np.ndim(part) > 0 for part in mask)


def _beside(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Boolean columns side by side."""
    return np.concatenate([np.zeros(0, bool), *parts])


def _array(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """An array of numbers of that shape."""
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"the observation is {_brief(value)}; it must be an array of numbers")
    if array.shape != shape:
        raise ValueError(f"the observation has shape {array.shape}; it must have {shape}")
    return array


def _brief(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 120 else f"{text[:117]}..."
