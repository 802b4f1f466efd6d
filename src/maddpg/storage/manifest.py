"""What a checkpoint says of itself, as a JSON file that can be trusted or is refused."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maddpg.names import brief, one_line
from maddpg.storage.files import read_json, without_nan, write_json

SCHEMA = 1
NAME = re.compile(r"checkpoint-[0-9]{12}\.json|state-[0-9]{12}\.safetensors|replay-[0-9]{15}-[0-9]{15}\.safetensors")
"""What the files of checkpoints are called: a name that is read from a file is one of these, and so never leads elsewhere."""


class Damaged(ValueError):
    """A checkpoint that is not whole any more."""


class Newer(ValueError):
    """A checkpoint that a later version wrote."""


@dataclass(frozen=True)
class File:
    """A file as it was written."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Segment:
    """Rows of the replay, counted from the first transition that was ever added."""

    first: int
    end: int
    file: File


@dataclass(frozen=True)
class ReplayRecord:
    """The replay of all seeds at a checkpoint."""

    added: int
    """Transitions that were ever added, of each seed."""
    capacity: int
    seeds: int
    width: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Manifest:
    """All that a checkpoint says of itself."""

    rounds: int
    state: File
    replay: ReplayRecord | None
    """None where it was left out."""
    about: Mapping[str, Any]
    """What the run noted: plain tables."""

    @property
    def files(self) -> tuple[File, ...]:
        """All that it names."""
        return (self.state, *(segment.file for segment in (self.replay.segments if self.replay else ())))


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write it, with a checksum of itself."""
    table = {"schema": SCHEMA, **without_nan(asdict(manifest))}
    write_json(path, {**table, "checksum": _checksum(table)})


def read_manifest(path: Path) -> Manifest:
    """Read it.

    Raises:
        Damaged: it is none of ours, or not as it was written.
        Newer: a later version wrote it.
    """
    try:
        table = read_json(path)
    except ValueError as error:
        raise Damaged(str(error)) from error
    try:
        schema, checksum = table.pop("schema"), table.pop("checksum")
        if isinstance(schema, int) and schema > SCHEMA:
            raise Newer(f"{path} is of schema {brief(schema)}, and this version reads up to {SCHEMA}: install a newer maddpg")
        if checksum != _checksum({"schema": schema, **table}):
            raise ValueError("its checksum is wrong")
        replay = None if table["replay"] is None else _replay(table["replay"])
        return Manifest(read_count(table["rounds"]), _file(table["state"]), replay, dict(table["about"]))
    except Newer:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else error
        raise Damaged(f"{path} is damaged: {one_line(reason)}") from error


def _replay(table: Mapping[str, Any]) -> ReplayRecord:
    """The replay's part; `ValueError` unless the segments hold every row that is in the ring."""
    segments = tuple(Segment(read_count(each["first"]), read_count(each["end"]), _file(each["file"])) for each in table["segments"])
    added, capacity, seeds, width = (read_count(table[name]) for name in ("added", "capacity", "seeds", "width"))
    record = ReplayRecord(added, capacity, seeds, width, segments)
    if not (record.capacity and record.seeds and record.width):
        raise ValueError("the replay has no rows, seeds or numbers")
    expected = max(0, record.added - record.capacity)
    for number, segment in enumerate(segments):
        reaches = segment.first <= expected if number == 0 else segment.first == expected
        if not reaches or segment.end <= max(segment.first, expected):
            raise ValueError(f"rows {expected} to {segment.first} of the replay are missing")
        expected = segment.end
    if expected != record.added:
        raise ValueError(f"rows {expected} to {record.added} of the replay are missing")
    return record


def _file(table: Mapping[str, Any]) -> File:
    file = File(str(table["name"]), read_count(table["bytes"]), str(table["sha256"]))
    if not NAME.fullmatch(file.name):
        raise ValueError(f"{brief(file.name)} is no name of a checkpoint's file")
    return file


def read_count(value: Any) -> int:
    """A number of things in a file; `ValueError` where it is something else."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**62:
        raise ValueError(f"{brief(value)} is no count")
    return value


def _checksum(table: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
