"""Writing files whole: staged beside their place, synced, then renamed, so that a reader never finds half of one."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

LARGEST_JSON = 16 * 2**20  # bytes: what our own JSON files never reach; as tables they take twenty times as much


def write_bytes(path: Path, content: bytes) -> None:
    """Put `content` at `path`, or leave what was there."""
    staged = path.with_name(f".{path.name}.{os.getpid()}.part")
    staged.unlink(missing_ok=True)
    try:
        with staged.open("xb") as file:  # never through a link that lies there
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
        sync_folder(path.parent)
    finally:
        staged.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make names in a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, content: Any) -> None:
    """Put `content` at `path` as indented JSON. NaN and infinity, which JSON does not have, become null."""
    write_bytes(path, to_json(without_nan(content)))


def to_json(content: Any) -> bytes:
    """`content` as indented JSON; raises `ValueError` where a number is not finite."""
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        ValueError: it cannot be read, is no JSON, or is larger or nested deeper than any of ours.
    """
    try:
        require_file(path)
        if path.stat().st_size > LARGEST_JSON:
            raise ValueError(f"it has {path.stat().st_size} bytes; none of ours has more than {LARGEST_JSON}")
        return json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def require_file(path: Path) -> None:
    """Raise `ValueError` for what is there and is no file: a pipe would be waited for, and a device never ends."""
    if path.exists() and not path.is_file():
        raise ValueError("it is no file")


def require_plain(folder: Path) -> None:
    """Raise `ValueError` unless all that lies in a folder and in those below is files and folders: a link would lead out of it."""
    for parent, folders, files in os.walk(folder):
        for path in (Path(parent, name) for name in (*folders, *files)):
            try:
                kind = path.lstat().st_mode
            except FileNotFoundError:  # another process put it in its place, or took it away
                continue
            if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
                raise ValueError(f"{path} is a link or no file, and could lead out of {folder}: put the file itself there")


def without_nan(content: Any) -> Any:
    """The same tables with None where a number is not finite."""
    if isinstance(content, dict):
        return {name: without_nan(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    if isinstance(content, float) and not (float("-inf") < content < float("inf")):
        return None
    return content
