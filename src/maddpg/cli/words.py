"""The words after a command, checked before the parser sees them: its refusals speak of types, and its lists may come out empty."""

from __future__ import annotations

import contextlib
import difflib
import types
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from itertools import takewhile
from typing import Any, Literal, get_args, get_origin

from maddpg.environments.foreign import is_factory
from maddpg.names import unknown_name

OFF = ("false", "no", "off", "0")
ON = ("true", "yes", "on", "1")


@dataclass(frozen=True)
class Flag:
    """What may follow a flag."""

    name: str  # --actor-layers
    kind: Any  # of one value: bool, int, float, str or Path
    choices: tuple[str, ...]  # where only these are allowed
    many: bool  # a list, separated by spaces
    optional: bool  # the word None stands for what is left out
    default: Any


def find_flags(command: type) -> dict[str, Flag]:
    """The flags of a command, by name: its fields that may be left out, and those of the tables in it."""
    hints = typing.get_type_hints(command)
    flags: dict[str, Flag] = {}
    for item in fields(command):
        hint = hints[item.name]
        if is_dataclass(hint):
            flags |= find_flags(typing.cast(type, hint))
        elif not _is_positional(item) and get_origin(hint) is not Mapping:  # those come from a file alone
            flag = _read_flag(item, hint)
            flags[flag.name] = flag
    return flags


def check_words(name: str, command: type, words: Sequence[str], environment: str = "") -> None:
    """Check what was typed after the command `name`.

    Args:
        name: as it is typed.
        command: the class of its arguments.
        words: after the name.
        environment: what a run given as --config was trained on. It may be left out, unless it is one's own.

    Raises:
        ValueError: a flag that there is not, one without its value or with one that it does not take, or a word too many or too few.
    """
    flags = find_flags(command)
    switches = [flag.name for flag in flags.values() if flag.kind is bool]
    known = {**flags, **{f"--no-{switch[2:]}": flags[switch] for switch in switches}}
    places = [item for item in fields(command) if _is_positional(item)]
    several = any(get_origin(typing.get_type_hints(command)[item.name]) is tuple for item in places)
    needed = bool(places) and not several and (not environment or is_factory(environment))
    free: list[str] = []
    typed: list[tuple[Flag, list[str]]] = []
    left = list(words)
    while left:
        word, equals, attached = left[0].partition("=")
        if not _is_flag(left[0]):
            free.append(left.pop(0))
            continue
        flag_name = word.replace("_", "-")
        if flag_name not in known:
            raise ValueError(_unknown_flag(name, word, flags))
        flag = known[flag_name]
        left.pop(0)
        if flag.kind is bool:
            _require_alone(flag_name, flag, attached if equals else None, left)
            continue
        values = [attached] if equals else []
        following = list(takewhile(lambda each: not _is_flag(each), left))
        values += following if flag.many else following[: 1 - len(values)]
        left = left[len(values) - bool(equals) :]
        if flag.many and values and needed and not (free or left):
            free.append(values.pop())  # as the parser has it: the last word of all is what the command needs
        typed.append((flag, values))
    if needed and not free:
        raise ValueError(f"{name} needs {_what_is_missing(name, environment, typed)}")
    if len(free) > len(places) and not several:
        raise ValueError(f"{name} takes no {free[len(places)]!r}; `maddpg {name} --help` says what it takes")
    for flag, values in typed:
        if not values:
            raise ValueError(f"{flag.name} came without a value; {_what_it_takes(name, flag)}")
        for value in values:
            _require_value(flag, value)


def read_whole(word: str) -> int:
    """A whole number as people type it: 1500000, 1_500_000 or 1.5e6. Raises `ValueError` for anything else."""
    with contextlib.suppress(ValueError):
        return int(word)
    if not (number := float(word)).is_integer():
        raise ValueError(word)
    return int(number)


def _is_positional(item: Field[Any]) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _read_flag(item: Field[Any], hint: Any) -> Flag:
    parts = get_args(hint) if get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
    (kind,) = (part for part in parts if part is not types.NoneType)
    many = get_origin(kind) is tuple
    kind = get_args(kind)[0] if many else kind
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    name = "--" + item.name.replace("_", "-")
    return Flag(name, str if choices else kind, choices, many, types.NoneType in parts, item.default)


def _is_flag(word: str) -> bool:
    """Whether a word is a flag, and no negative number."""
    with contextlib.suppress(ValueError):
        float(word)
        return False
    return word.startswith("-") and len(word) > 1


def _unknown_flag(name: str, word: str, flags: Collection[str]) -> str:
    near = difflib.get_close_matches(word.replace("_", "-").lstrip("-"), [flag[2:] for flag in flags], n=1)
    suggestion = f"did you mean --{near[0]}? " if near else ""
    return f"{name} has no flag {word}; {suggestion}`maddpg {name} --help` lists all"


def _require_alone(typed: str, flag: Flag, attached: str | None, left: Sequence[str]) -> None:
    """Raise `ValueError` where a value was given to a flag that is itself yes or no."""
    value = attached if attached is not None else next((word for word in left[:1] if word.lower() in (*OFF, *ON)), None)
    if value is None:
        return
    opposite = f"--no-{flag.name[2:]}"
    if value.lower() in OFF and typed != opposite:
        raise ValueError(f"{typed} takes no value; {opposite} turns it off")
    raise ValueError(f"{typed} takes no value; leave {value!r} out")


def _what_is_missing(name: str, environment: str, typed: Sequence[tuple[Flag, Sequence[str]]]) -> str:
    article, what = ("an", "environment") if name in ("train", "check-env") else ("a", "run")
    for flag, word in _swallowed(typed):
        return f"{article} {what}; {flag} took {word!r} as its value: put the {what} before the flags"
    if environment:
        return f"an environment: that run was trained on {environment}; type that if you trust it: its code is run"
    if what == "run":
        return "a run: give its folder, such as runs/simple_spread-1"
    return "an environment, such as simple_spread; `maddpg envs` lists them"


def _swallowed(typed: Sequence[tuple[Flag, Sequence[str]]]) -> Iterator[tuple[str, str]]:
    """Flags that take lists, and their last words where those may have been meant for the command itself."""
    return ((flag.name, values[-1]) for flag, values in typed if flag.many and values and "=" not in values[-1])


def _what_it_takes(name: str, flag: Flag) -> str:
    """Of a flag that came without a value: what to type."""
    if flag.choices:
        return f"give one of {', '.join(flag.choices)}"
    if flag.default in (None, (), MISSING):
        return f"`maddpg {name} --help` says what it takes"
    return f"give one, such as {flag.name} {' '.join(map(str, flag.default)) if flag.many else flag.default}"


def _require_value(flag: Flag, word: str) -> None:
    """Raise `ValueError` for a word that the flag does not take."""
    if (flag.optional and word == "None") or (word in flag.choices if flag.choices else _can_be(flag.kind, word)):
        return
    if flag.many and "," in word:
        raise ValueError(f"{flag.name} {word!r}: separate values by spaces: {' '.join(word.replace(',', ' ').split())}")
    if flag.choices:
        raise ValueError(unknown_name(f"value of {flag.name}" if flag.many else flag.name[2:].replace("-", " "), word, flag.choices))
    if flag.kind is int:
        raise ValueError(f"{flag.name} {word!r} is not a whole number, such as 64, 1_500_000 or 1.5e6")
    raise ValueError(f"{flag.name} {word!r} is not a number, such as {flag.default or 0.5}")


def _can_be(kind: Any, word: str) -> bool:
    """Whether a word is a number of this kind; anything is a word or a path."""
    with contextlib.suppress(ValueError):
        if kind is int:
            read_whole(word)
        elif kind is float:
            float(word)
        return True
    return False
