"""Configurations as plain tables: written, read, and laid one over another."""

from __future__ import annotations

import json
import math
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, get_args, get_origin

from maddpg.config import Config, TeamConfig
from maddpg.names import brief, did_you_mean, unknown_name

LONGEST_NAME = 100
"""Characters of a name that stands in a file."""

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word in quotes"}


def _coerce(value: Any, kind: Any, where: str) -> Any:
    """`value`, as read from JSON or TOML, as the annotated type `kind`; `ValueError` where it is something else."""
    origin = get_origin(kind)
    if origin is Literal:
        if value in get_args(kind) and isinstance(value, str):
            return value
        raise ValueError(f"{where} = {brief(value)}: it must be one of {', '.join(map(str, get_args(kind)))}")
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _coerce(value, next(part for part in get_args(kind) if part is not type(None)), where)
    if origin is tuple:
        if isinstance(value, list | tuple):
            return tuple(_coerce(part, get_args(kind)[0], where) for part in value)
        raise ValueError(f"{where} = {brief(value)}: it must be a list")
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return float(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)  # 1.5e6 is a float in TOML
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise ValueError(f"{where} = {brief(value)}: it must be {_KINDS[kind]}")


def _plain(value: Any, where: str) -> dict[str, Any]:
    """A table of finite numbers, words, truth values and lists of them, by plain names; `ValueError` where it is something else."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} = {brief(value)}: it must be a table of settings")
    for name, part in value.items():
        parts = part if isinstance(part, list | tuple) else [part]
        plain = all(each is None or isinstance(each, bool | int | float | str) for each in parts)
        if not (isinstance(name, str) and name.isidentifier() and len(name) <= LONGEST_NAME):
            raise ValueError(f"{where}: {brief(name)} is no name of an argument: give letters, digits and _")
        if not plain:
            raise ValueError(f"{where}.{name} = {brief(part)}: it must be a number, a word, true or false, or a list of those")
        if not all(math.isfinite(each) for each in parts if isinstance(each, float)):
            # JSON, in which the run is written down, has no such numbers.
            raise ValueError(f"{where}.{name} = {brief(part)}: it must be finite; give a large number, such as 1e9, or leave it out")
    return {name: list(part) if isinstance(part, tuple) else part for name, part in value.items()}


Table = TypeVar("Table")


def merge(base: Table, given: Any, where: str = "") -> Table:
    """`base` with the fields in the table `given` replaced, tables within tables too.

    Raises:
        ValueError: no table, a name that no field has (with the nearest that there is), or a value of another type or out of range.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"{where[:-1] or 'the settings'} = {brief(given)}: it must be a table of settings")
    hints = typing.get_type_hints(type(base))
    names = [item.name for item in fields(base)]  # type: ignore[arg-type]
    changes = {}
    for name, value in given.items():
        if name not in names:
            raise ValueError(_unknown_setting(where, name, names))
        current = getattr(base, name)
        if hints[name] == Mapping[str, Any]:
            changes[name] = {**current, **_plain(value, f"{where}{name}")}
        elif is_dataclass(current) or get_origin(hints[name]) is Mapping:
            if get_origin(hints[name]) is not Mapping:
                changes[name] = merge(current, value, f"{where}{name}.")
            elif not isinstance(value, Mapping):
                raise ValueError(f"{where}{name} = {brief(value)}: it must be a table of settings")
            else:
                blank = get_args(hints[name])[1]
                tables = dict(current)
                for key, table in value.items():
                    if not (key.isprintable() and len(key) <= LONGEST_NAME):
                        raise ValueError(
                            f"{where}{name}: {brief(key)} is no name: give up to {LONGEST_NAME} characters that can be printed"
                        )
                    tables[key] = merge(tables.get(key, blank()), table, f"{where}{name}.{key}.")
                changes[name] = tables
        else:
            changes[name] = _coerce(value, hints[name], f"{where}{name}")
    try:
        return replace(base, **changes)  # type: ignore[type-var]
    except ValueError as error:
        raise ValueError(f"{where}{error}") from error  # a table names its field, and does not know where it stands itself


def _unknown_setting(where: str, name: str, names: Sequence[str]) -> str:
    """One line for a name that a table does not have: the table that has it, or else the nearest name."""
    if (table := _homes().get(name)) is not None:
        return f"{name} belongs under [{table}]" + (f", not under [{where[:-1]}]" if where else "")
    known = [other for other in names if other != "environment"]  # which is given by itself
    return unknown_name(f"setting of {where[:-1]}" if where else "setting", name, known)


def merge_by_name(config: Config, settings: Mapping[str, Any]) -> Config:
    """`config` with settings replaced that are given by their names alone, as flags are; each goes into the table that has it.

    Raises:
        ValueError: a name that no table has (with the nearest that there is), or a value of another type or out of range.
    """
    homes = _homes()
    tables: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        if name not in homes:
            raise ValueError(f"unknown setting {brief(name)}{did_you_mean(name, homes)} `maddpg train --help` lists all, as flags")
        tables.setdefault(homes[name], {})[name] = value
    return replace(config, **{table: merge(getattr(config, table), given) for table, given in tables.items()})


def _homes() -> dict[str, str]:
    """Setting -> the table that has it. No two tables share a name."""
    kinds: dict[str, Any] = {table: kind for table, kind in typing.get_type_hints(Config).items() if is_dataclass(kind)}
    return {item.name: table for table, kind in kinds.items() for item in fields(kind)}


def to_dict(config: Config) -> dict[str, Any]:
    """The configuration as plain tables, for JSON."""
    return asdict(config)


def from_dict(tables: Mapping[str, Any]) -> Config:
    """The configuration that `to_dict` wrote; what is missing has its default."""
    if not isinstance(tables.get("environment"), str):
        raise ValueError("environment is missing: it must name an environment, such as simple_spread")
    return merge(Config(tables["environment"]), tables)


def merge_teams(teams: Mapping[str, TeamConfig], words: Sequence[str]) -> Mapping[str, TeamConfig]:
    """`teams` with TEAM.SETTING=VALUE words laid over them; lists are separated by commas.

    Raises:
        ValueError: a word of another form, a setting that no team has, or a value of another type or out of range.
    """
    hints = typing.get_type_hints(TeamConfig)
    tables: dict[str, dict[str, Any]] = {}
    for word in words:
        path, equals, value = word.partition("=")
        team, dot, setting = path.rpartition(".")
        if not (equals and dot and team and value):
            raise ValueError(f"team {word!r}: it must be TEAM.SETTING=VALUE, such as adversary.player=scripted")
        if setting not in hints:
            raise ValueError(unknown_name("setting of a team", setting, list(hints)))
        if setting in tables.setdefault(team, {}):
            raise ValueError(f"team {word!r}: {team}.{setting} is there twice; give it once")
        tables[team][setting] = _read(value, hints[setting])
    return merge(Config("", teams=teams), {"teams": tables}).teams


def read_arguments(words: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE words as a table: a value is JSON (`3`, `true`, `[1, 2]`, `null`) or else the word itself.

    Raises:
        ValueError: a word of another form, or a name given twice.
    """
    table: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not (equals and name.isidentifier()):
            raise ValueError(f"argument {word!r}: it must be NAME=VALUE, such as N=3 or continuous_actions=true")
        if name in table:
            raise ValueError(f"argument {word!r}: {name} is there twice; give it once")
        try:
            table[name] = json.loads(text)
        except ValueError:
            table[name] = text
    return _plain(table, "arguments")


def _read(text: str, kind: Any) -> Any:
    """A typed word as a value that `merge` takes: a list, a number where one is wanted, or the text itself."""
    kinds = get_args(kind) if get_origin(kind) in (types.UnionType, typing.Union) else (kind,)
    if any(get_origin(part) is tuple for part in kinds):
        return text.split(",")
    if float in kinds or int in kinds:
        try:
            return float(text)
        except ValueError:
            return text  # which `merge` refuses, with its name
    return text
