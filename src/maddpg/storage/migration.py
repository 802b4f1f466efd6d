"""Configurations of runs that earlier versions saved, brought to today's schema one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from maddpg.names import brief

SCHEMA = 3


def migrate(tables: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The tables of a config.json as this version writes them.

    Raises:
        ValueError: they are of a schema that this version does not know.
    """
    schema = tables.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or not 1 <= schema <= SCHEMA:
        raise ValueError(f"{where} is of schema {brief(schema)}; this version reads 1 to {SCHEMA}: install a newer maddpg if it is later")
    today = dict(tables)
    for step in range(schema, SCHEMA):
        today = STEPS[step](today)
    return today


def _from_1(tables: dict[str, Any]) -> dict[str, Any]:
    """There were no checkpoints, and versions stood in a table of their own."""
    machine = {**_table(tables, "versions"), **_table(tables, "machine")}
    return {"schema": 2, "config": tables["config"], "checkpoints": {}, "machine": machine}


def _from_2(tables: dict[str, Any]) -> dict[str, Any]:
    """Models of others had a learning rate of their own by default, which stood there where there were no models too."""
    config = _table(tables, "config")
    algorithm = _table(config, "algorithm")
    if "inference_rate" in algorithm and not algorithm.get("inference"):
        kept = {name: value for name, value in algorithm.items() if name != "inference_rate"}
        tables = {**tables, "config": {**config, "algorithm": kept}}
    return {**tables, "schema": 3}


STEPS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1, 2: _from_2}
"""From each schema to the next one."""


def _table(tables: dict[str, Any], name: str) -> dict[str, Any]:
    table = tables.get(name, {})
    return table if isinstance(table, dict) else {}
