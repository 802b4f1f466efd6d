"""Checkpoints on disk: a manifest that is renamed last, the state that it names, and the replay in segments that are only ever added.

A run's folder `checkpoints` holds checkpoint-<rounds>.json, state-<rounds>.safetensors and replay-<first>-<end>.safetensors. What no
manifest names is left over from a checkpoint that was not finished, and goes with the next one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from maddpg.storage.arrays import LONGEST_HEADER, from_bytes, to_bytes
from maddpg.storage.files import write_bytes
from maddpg.storage.manifest import NAME, Damaged, File, Manifest, ReplayRecord, Segment, read_manifest, write_manifest
from maddpg.types import AnyArray

LONGEST_SEGMENT = 64 * 2**20
"""Bytes: what is in memory a second time while it is written."""
MOST_SEGMENTS = 1_000
"""Files of the replay beyond twice those that it takes: where there are more, since checkpoints come often, all is written anew."""


@dataclass(frozen=True)
class ReplayRows:
    """Where a checkpoint takes rows of the replay from."""

    added: int
    """Transitions that were ever added, of each seed."""
    capacity: int
    seeds: int
    width: int
    read: Callable[[int, int], AnyArray]
    """(first row, rows) -> [seed, row, number], of the ring."""


class CheckpointFolder:
    """The checkpoints of one run."""

    def __init__(self, path: Path, kept: int) -> None:
        """`kept` says how many of the newest stay."""
        self.path, self._kept = path, kept
        self._segments: tuple[Segment, ...] = ()

    def save(self, rounds: int, state: Mapping[str, AnyArray], replay: ReplayRows | None, about: Mapping[str, Any]) -> None:
        """Write a checkpoint: the new rows of the replay, the state, the manifest; then let the oldest one go.

        Raises:
            OSError: it cannot be written; those before are whole.
        """
        self.path.mkdir(exist_ok=True)
        record = None if replay is None else self._save_replay(replay)
        file = self._write(f"state-{rounds:012}.safetensors", to_bytes(state))
        write_manifest(self._manifest(rounds), Manifest(rounds, file, record, about))
        self._prune()

    def found(self) -> list[int]:
        """Rounds of the checkpoints that seem to be there, the newest first."""
        names = [re.fullmatch(r"checkpoint-([0-9]{12})\.json", path.name) for path in self.path.glob("checkpoint-*.json") if path.is_file()]
        return sorted((int(match[1]) for match in names if match), reverse=True)

    def read(self, rounds: int) -> Manifest:
        """A manifest, with all that it names in place: sizes are compared, contents are not yet.

        Raises:
            Damaged: something is missing, of another size, or no manifest of ours.
            Newer: a later version wrote it.
        """
        manifest = read_manifest(self._manifest(rounds))
        for file in manifest.files:
            path = self.path / file.name
            if not path.is_file():
                raise Damaged(f"{path} is missing")
            if path.stat().st_size != file.bytes:
                raise Damaged(f"{path} has {path.stat().st_size} bytes of {file.bytes}")
        if manifest.rounds != rounds:
            raise Damaged(f"{self._manifest(rounds)} is of {manifest.rounds} rounds")
        return manifest

    def read_state(self, manifest: Manifest, largest: int) -> dict[str, np.ndarray]:
        """The arrays that `save` was given.

        Raises:
            Damaged: the file is not what was written, or has more than `largest` bytes.
        """
        return self._read(manifest.state, largest)

    def read_rows(self, replay: ReplayRecord) -> Iterator[tuple[int, np.ndarray]]:
        """The rows that are in the ring, in the order in which they were added: (count of the first, [seed, row, number]).

        Raises:
            Damaged: a file is not what was written.
        """
        for segment in replay.segments:
            shape = (replay.seeds, segment.end - segment.first, replay.width)
            rows = self._read(segment.file, 4 * prod(shape) + LONGEST_HEADER).get("rows")
            if rows is None or rows.shape != shape or rows.dtype != np.float32:
                raise Damaged(f"{self.path / segment.file.name} holds no rows of the shape {shape}")
            first = max(segment.first, replay.added - replay.capacity)
            yield first, rows[:, first - segment.first :]

    def continue_from(self, manifest: Manifest) -> None:
        """Add to this checkpoint's replay from now on, and let go of all later ones, which are damaged."""
        self._segments = () if manifest.replay is None else manifest.replay.segments
        for rounds in self.found():
            if rounds > manifest.rounds:
                self._manifest(rounds).unlink()

    def _manifest(self, rounds: int) -> Path:
        return self.path / f"checkpoint-{rounds:012}.json"

    def _save_replay(self, replay: ReplayRows) -> ReplayRecord:
        """Write the rows that no segment holds yet."""
        oldest = max(0, replay.added - replay.capacity)
        segments = [segment for segment in self._segments if segment.end > oldest]
        longest = max(1, LONGEST_SEGMENT // (4 * replay.seeds * replay.width))
        if len(segments) > MOST_SEGMENTS + 2 * (replay.capacity // longest):
            segments = []
        first = max(oldest, segments[-1].end if segments else 0)
        while first < replay.added:
            row = first % replay.capacity
            end = first + min(longest, replay.added - first, replay.capacity - row)
            content = to_bytes({"rows": replay.read(row, end - first)})
            segments.append(Segment(first, end, self._write(f"replay-{first:015}-{end:015}.safetensors", content)))
            first = end
        self._segments = tuple(segments)
        return ReplayRecord(replay.added, replay.capacity, replay.seeds, replay.width, self._segments)

    def _write(self, name: str, content: bytes) -> File:
        write_bytes(self.path / name, content)
        return File(name, len(content), hashlib.sha256(content).hexdigest())

    def _read(self, file: File, largest: int) -> dict[str, np.ndarray]:
        path = self.path / file.name
        try:
            if file.bytes > largest:
                raise ValueError(f"{path} has {file.bytes} bytes, and may have {largest}")
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise ValueError(f"{path} is damaged: its checksum is wrong")
            return from_bytes(content, str(path))
        except (OSError, ValueError) as error:
            raise Damaged(str(error)) from error

    def _prune(self) -> None:
        """Delete the oldest manifests, and then what no manifest names."""
        rounds = self.found()
        for old in rounds[self._kept :]:
            self._manifest(old).unlink()
        named: set[str] = set()
        for kept in rounds[: self._kept]:
            try:
                named |= {self._manifest(kept).name, *(file.name for file in read_manifest(self._manifest(kept)).files)}
            except ValueError:
                return  # nobody knows what it names
        for path in self.path.iterdir():
            if path.name not in named and (NAME.fullmatch(path.name) or path.name.endswith(".part")):
                with suppress(OSError):
                    path.unlink()
