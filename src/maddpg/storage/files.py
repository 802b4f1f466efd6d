"""Writing files whole: staged beside their place, synced, then renamed, so that a reader never finds half of one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_bytes(path: Path, content: bytes) -> None:
    """Put `content` at `path`, or leave what was there."""
    staged = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with staged.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Put `content` at `path` as indented JSON. NaN and infinity, which JSON does not have, become null."""
    write_bytes(path, (json.dumps(without_nan(content), indent=2, allow_nan=False) + "\n").encode())


def without_nan(content: Any) -> Any:
    """The same tables with None where a number is not finite."""
    if isinstance(content, dict):
        return {name: without_nan(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    if isinstance(content, float) and not (float("-inf") < content < float("inf")):
        return None
    return content
