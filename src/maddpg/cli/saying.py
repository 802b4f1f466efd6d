"""What people are told to type: this program, and its settings as flags."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Collection
from pathlib import Path


def program() -> str:
    """How this program was called, for a line that can be typed again: a script of one's own is no command by itself."""
    path = Path(sys.argv[0])
    if path.name == "__main__.py":
        return f"python -m {path.parent.name}"
    quoted = shlex.quote(sys.argv[0])
    return f"python {quoted}" if path.suffix == ".py" else quoted


def as_typed(refusal: str, flags: Collection[str]) -> str:
    """The refusal of a setting, such as `warmup_steps = 0: ...`, with these flags in the place of settings' names.

    Only a table of settings and a world of ours begin so. What is said of a file begins with the file, and stays as it is.
    """
    team = re.match(r"teams\.(.+?)\.(\w+) = '?(.*?)'?: ", refusal)
    if team is not None:
        rule = re.sub(r"(?<![\w.])(\w+)(?==)", rf"{team[1]}.\1", refusal[team.end() :])
        return f"--team {team[1]}.{team[2]}={team[3]}: {rule}"
    names = {flag[2:].replace("-", "_"): flag for flag in flags}
    begins = re.match(r"(\w+) ?= ?", refusal)
    if begins is None or begins[1] not in names:
        return refusal

    def flag(found: re.Match[str]) -> str:
        return found[0].replace(found[1], names[found[1]]).replace(" = ", " ").replace("=", " ")

    # A name of one word, such as steps, is a word like any other unless it stands with a value, or where a setting is asked for.
    any_name = "|".join(names)
    line = re.sub(rf"(?<![\w.'-])({any_name}) ?= ?", flag, refusal)
    line = re.sub(rf"(?<=give )({any_name})(?= too\b)", flag, line)
    return re.sub(rf"(?<![\w.'-])(?=\w*_)({any_name})\b", flag, line)
