"""One process at a time trains in a folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maddpg.storage.files import require_plain

LOCK = ".lock"


class Busy(ValueError):
    """Another process trains in this folder."""


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder until the end of the block or of the process, however it ends.

    Raises:
        Busy: another process holds it.
        ValueError: nothing can be written there, or something in it leads elsewhere.
    """
    require_plain(folder)
    try:
        file = (folder / LOCK).open("w")
    except OSError as error:
        raise ValueError(f"{folder} cannot be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{folder} is being trained by another process: wait for it, or stop it") from None
        yield
