"""A file of JSON lines that a run adds to, and that never holds half a line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from maddpg.storage.files import without_nan

LONGEST_LINE = 2**20  # bytes: more than any line of ours has


class Lines:
    """Adds lines to a file. Lines that cannot be written wait for the next chance, in order."""

    def __init__(self, path: Path) -> None:
        """Nothing is written yet; lines that the file has stay."""
        self.path = path
        self.waiting: list[str] = []
        """Lines that are not in the file yet."""

    def add(self, line: dict[str, Any]) -> None:
        """A line that the next `flush` writes."""
        self.waiting.append(json.dumps(without_nan(line), allow_nan=False) + "\n")

    def flush(self) -> None:
        """Write what waits.

        Raises:
            OSError: it cannot be written now; it waits, and half of it is nowhere.
        """
        if not self.waiting:
            return
        before = self.path.stat().st_size if self.path.exists() else 0
        try:
            with self.path.open("a") as file:
                file.writelines(self.waiting)
        except OSError:
            if self.path.exists():
                os.truncate(self.path, before)
            raise
        self.waiting = []

    def sync(self) -> int:
        """The bytes of the file, once they are all on the disk; raises as `flush`."""
        self.flush()
        if not self.path.exists():
            return 0
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
            return os.fstat(file.fileno()).st_size

    def cut(self, size: int) -> bool:
        """Go back to so many bytes, where a line ends; whether the file had as many."""
        self.waiting = []
        if not self.path.exists():
            return size == 0
        with self.path.open("r+b") as file:
            end = min(size, os.fstat(file.fileno()).st_size)
            start = max(0, end - LONGEST_LINE)
            file.seek(start)
            last = file.read(end - start).rfind(b"\n")
            end = 0 if last < 0 else start + last + 1
            file.truncate(end)
        return end == size
