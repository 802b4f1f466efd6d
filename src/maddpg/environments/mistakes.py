"""Mistakes in code of others, told in one line with their place, and told apart from our own refusals."""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path

from maddpg.environments.host import describe_value

_FOLDERS = (str(Path(__file__).parents[1]), *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))
NOT_THEIRS = ("<frozen", *(f"{folder}{os.sep}" for folder in _FOLDERS))
"""How the names of files begin in which the mistakes of others are not found: Python's, the installed packages' and ours."""


def describe_mistake(error: BaseException) -> str:
    """What was raised, and in which line of which file: `ZeroDivisionError: division by zero (world.py, line 3)`."""
    if isinstance(error, SyntaxError) and error.filename:
        said, file, line = error.msg, error.filename, error.lineno  # its traceback ends where the file was read
    else:
        place = _place(traceback.extract_tb(error.__traceback__))
        said, file, line = describe_value(error), place.filename, place.lineno
    return f"{type(error).__name__}{': ' if said else ''}{said} ({Path(file).name}, line {line})"


def is_refusal(error: BaseException) -> bool:
    """Whether a `raise` of ours made it. What NumPy refuses where we look at an environment's values is that environment's mistake."""
    place, line = list(traceback.walk_tb(error.__traceback__))[-1][0], traceback.extract_tb(error.__traceback__)[-1].line or ""
    return place.f_globals["__name__"].startswith("maddpg.") and line.startswith("raise ")


def _place(frames: Sequence[traceback.FrameSummary]) -> traceback.FrameSummary:
    """The innermost frame in a file of the user's; of installed packages and ours only where there is none."""
    theirs = [frame for frame in frames if not frame.filename.startswith(NOT_THEIRS)]
    return (theirs or frames)[-1]
