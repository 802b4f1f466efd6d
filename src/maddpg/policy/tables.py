"""Reading tables of a JSON file that nobody vouches for: every value is checked before it is used, and refused in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from maddpg.names import one_line

LARGEST_TEXT = 4 * 2**20
"""Bytes in a file of ours, at most."""
LARGEST_COUNT = 2**24
"""Columns or units, at most: what is allocated for them stays within memory."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class Table:
    """A JSON object, and where it stands, for errors. Its methods raise `ValueError` where a value is missing or not what it must be."""

    where: str
    values: Mapping[str, Any]

    def take(self, name: str, read: Callable[[str, Any], Read]) -> Read:
        """A value, read by one of the functions below."""
        if name not in self.values:
            raise ValueError(f"{self.where} lacks {name}; export the run again")
        return read(f"{self.where}: {one_line(name)}", self.values[name])

    def require_no_more(self, known: Sequence[str]) -> None:
        """Raise `ValueError` for a name that is not known: it might change what the others mean."""
        for name in self.values:
            if name not in known:
                raise ValueError(f"{self.where} has {name[:40]!r}, which this version does not know; export the run again")


def read_file(path: Path) -> Table:
    """The JSON object in a file of at most `LARGEST_TEXT` bytes."""
    try:
        if path.exists() and not path.is_file():
            raise ValueError(f"{path} is no file; give a file or a folder of `maddpg export`")
        with path.open("rb") as file:
            content = file.read(LARGEST_TEXT + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}; give a file or a folder of `maddpg export`") from error
    if len(content) > LARGEST_TEXT:
        raise ValueError(f"{path} is larger than {LARGEST_TEXT} bytes: it is no file of `maddpg export`")
    try:
        tables = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: it is not JSON ({error}); export the run again") from error
    return read_table(str(path), tables)


def read_table(where: str, value: Any) -> Table:
    """A JSON object."""
    if not isinstance(value, dict):
        raise ValueError(_wrong(where, value, "a table"))
    return Table(where, value)


def read_text(where: str, value: Any) -> str:
    """A printable text of at most 1,000 characters."""
    if not isinstance(value, str) or len(value) > 1_000 or not value.isprintable():
        raise ValueError(_wrong(where, value, "a printable text of at most 1000 characters"))
    return value


def one_of(*allowed: str) -> Callable[[str, Any], str]:
    """A reader of one of these words."""

    def read(where: str, value: Any) -> str:
        if value not in allowed:
            raise ValueError(_wrong(where, value, f"one of {', '.join(allowed)}"))
        return str(value)

    return read


def whole(lowest: int, highest: int = LARGEST_COUNT) -> Callable[[str, Any], int]:
    """A reader of whole numbers between these two."""

    def read(where: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise ValueError(_wrong(where, value, f"a whole number from {lowest} to {highest}"))
        return value

    return read


def read_flag(where: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(_wrong(where, value, "true or false"))
    return value


def read_number(where: str, value: Any) -> float:
    """A finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= sys.float_info.max:
        raise ValueError(_wrong(where, value, "a finite number"))
    return float(value)


def list_of(read: Callable[[str, Any], Read], longest: int = LARGEST_COUNT) -> Callable[[str, Any], tuple[Read, ...]]:
    """A reader of lists."""

    def read_list(where: str, value: Any) -> tuple[Read, ...]:
        if not isinstance(value, list) or len(value) > longest:
            raise ValueError(_wrong(where, value, f"a list of at most {longest}"))
        return tuple(read(f"{where}[{index}]", item) for index, item in enumerate(value))

    return read_list


def optional(read: Callable[[str, Any], Read]) -> Callable[[str, Any], Read | None]:
    """A reader of the same, or of null."""
    return lambda where, value: None if value is None else read(where, value)


def _wrong(where: str, value: Any, rule: str) -> str:
    text = f"a {'list' if isinstance(value, list) else 'table'} of {len(value)}" if isinstance(value, list | dict) else repr(value)
    return f"{where} = {text if len(text) <= 60 else text[:57] + '...'}: it must be {rule}; export the run again"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
