"""Names that do not exist: what came, the nearest right one, and all that are allowed."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable

LONGEST_QUOTE = 300
"""Characters of what somebody else says."""
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother, _SHORT.maxlong = 4, 200, 200, 60


def brief(value: object) -> str:
    """A value as it would be typed, on one line and cut where it is long: what came from a file may be anything."""
    return _SHORT.repr(value)


def one_line(words: object) -> str:
    """What somebody else says, such as an error in which a file is quoted: on one line and cut where it is long."""
    text = str(words)
    text = text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 3]}..."
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """ "; did you mean 'x'?" where a name comes near, else a full stop."""
    near = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else "."


def or_your_own(word: str) -> str:
    """How an environment of one's own is typed; its very name where the word is near it: a file, `module.Class`, `module:Class()`."""
    place, _, factory = re.sub(r"\(.*\)$", "", word).partition(":")
    folder, _, module = place.removesuffix(".py").rpartition("/")
    if not factory and module == place:
        module, _, factory = place.rpartition(".")
    folders = [part for part in folder.split("/") if part not in ("", ".")]
    inside = all(part.isidentifier() for part in folders) and not folder.startswith("/")  # else no import reaches it from here
    name = f"{'.'.join([*folders, module]) if inside else module}:{factory or 'NAME'}"
    if not re.fullmatch(r"\w+(\.\w+)*:\w+", name):
        return "or your own as package.module:factory, such as plank:Plank"
    where = "" if inside else f", from the folder {folder}"
    what = "" if factory else ", where NAME is what makes it in that file"
    return one_line(f"or your own as package.module:factory, here {name}{where}{what}")


def unknown_name(kind: str, name: str, allowed: Iterable[str]) -> str:
    """One line for a name that does not exist: what came, the nearest right one, and all that are allowed."""
    allowed = list(allowed)
    return f"unknown {kind} {brief(name)}{did_you_mean(name, allowed)} Known: {', '.join(allowed)}"
