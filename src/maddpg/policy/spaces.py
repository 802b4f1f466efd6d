"""Spaces in the JSON file of an exported actor: acting needs neither Gymnasium nor the environment."""

from __future__ import annotations

from math import prod
from typing import Any

from maddpg.policy.tables import LARGEST_COUNT, Table, list_of, one_of, read_flag, read_number, read_table, read_text, whole
from maddpg.spaces.kinds import Choices, Columns, Numbers, Product, Space

DTYPES = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)), "float16", "float32", "float64")
DEEPEST = 16
"""Levels of spaces within spaces."""


def to_json(space: Space) -> dict[str, Any]:
    """The description that `from_json` reads."""
    match space:
        case Columns():
            return {"kind": "columns", "size": space.size, **({} if space.maskable else {"maskable": False})}
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
        table.require_no_more(("kind", "size", "maskable"))
        return Columns(table.take("size", whole(0)), table.take("maskable", read_flag) if "maskable" in table.values else True)
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
