"""What an exported actor is, as a small JSON file beside its network: everything that acting needs besides the weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, cast, get_args

from maddpg.policy import heads as head_table
from maddpg.policy import spaces
from maddpg.policy.heads import Head, action_size, output_size
from maddpg.policy.tables import Table, list_of, one_of, optional, read_table, read_text, whole
from maddpg.spaces.kinds import Product, Space

SCHEMA = 1
LARGEST_FILE = 2**31
"""Bytes in a file of a network, at most."""
Format = Literal["safetensors", "onnx", "stablehlo"]
FORMATS: tuple[Format, ...] = get_args(Format)
Masks = Literal["none", "given", "observed"]
"""Where masks over choices come from: there are none; the info, or whoever else knows; the observation, under `action_mask`."""


@dataclass(frozen=True)
class Description:
    """One agent's actor."""

    environment: str  # that it was trained in
    agent: str
    team: str
    seed: int  # of the run that it comes from
    sub_policy: int | None  # of an ensemble: the member's number; None: all, by their mean, or there is only one
    steps: int  # of the environment, that it was trained for
    observation: Space  # what the environment gives, and how it becomes the network's input
    action: Space  # what the environment takes, and how it comes from the columns
    heads: tuple[Head, ...]  # how columns come from the network's output
    message_size: int  # the last columns, which the agent says to others
    action_mask: Masks
    members: int  # networks that act by their mean
    layers: tuple[int, ...] | None  # widths, input and output included; None: a network of somebody's own
    format: Format
    bytes: int  # in the network's file
    versions: Mapping[str, str]  # of the packages that wrote it


def to_json(description: Description) -> dict[str, Any]:
    """The table that `from_json` reads; what follows from the rest is written too, for whoever reads it without us."""
    layers = description.layers
    return {
        "schema": SCHEMA,
        "environment": description.environment,
        "agent": description.agent,
        "team": description.team,
        "seed": description.seed,
        "sub_policy": description.sub_policy,
        "steps": description.steps,
        "observation": spaces.to_json(description.observation),
        "action": spaces.to_json(description.action),
        "heads": [head_table.to_json(head) for head in description.heads],
        "message_size": description.message_size,
        "action_mask": description.action_mask,
        "members": description.members,
        "layers": None if layers is None else list(layers),
        "activation": None if layers is None else "relu",
        "format": description.format,
        "bytes": description.bytes,
        "versions": dict(description.versions),
    }


def checksum(tables: Mapping[str, Any], network: bytes) -> str:
    """SHA-256 of a description's table without its own `checksum`, in canonical JSON, and of the network's file."""
    described = {name: value for name, value in tables.items() if name != "checksum"}
    text = json.dumps(described, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode() + network).hexdigest()


def from_json(table: Table) -> Description:
    """A description that nobody vouches for; raises `ValueError` where it is not one, or does not fit together."""
    schema = table.take("schema", whole(0))
    if schema != SCHEMA:
        raise ValueError(f"{table.where} is of schema {schema}, and this version reads {SCHEMA}; export the run again")
    table.require_no_more((*Description.__dataclass_fields__, "schema", "activation", "checksum"))
    observation, action = (table.take(name, partial(spaces.from_json, name == "action")) for name in ("observation", "action"))
    heads = table.take("heads", list_of(head_table.from_json))
    layers = table.take("layers", optional(list_of(whole(1), 1_000)))
    table.take("activation", one_of("relu") if layers is not None else _read_nothing)
    description = Description(
        environment=table.take("environment", read_text),
        agent=table.take("agent", read_text),
        team=table.take("team", read_text),
        seed=table.take("seed", whole(0, 2**63)),
        sub_policy=table.take("sub_policy", optional(whole(0))),
        steps=table.take("steps", whole(0, 2**63)),
        observation=observation,
        action=action,
        heads=heads,
        message_size=table.take("message_size", whole(0, action.size)),
        action_mask=cast(Masks, table.take("action_mask", one_of(*get_args(Masks)))),
        members=table.take("members", whole(1, 64)),
        layers=layers,
        format=cast(Format, table.take("format", one_of(*FORMATS))),
        bytes=table.take("bytes", whole(1, LARGEST_FILE)),
        versions=table.take("versions", _read_versions),
    )
    _require_agreement(table.where, description)
    return description


def _read_versions(where: str, value: Any) -> dict[str, str]:
    table = read_table(where, value)
    return {name: table.take(name, read_text) for name in table.values}


def _read_nothing(where: str, value: Any) -> None:
    if value is not None:
        raise ValueError(f"{where} = {value!r}: it must be null where layers are; export the run again")


def _require_agreement(where: str, described: Description) -> None:
    """Raise `ValueError` where sizes contradict each other."""
    if not action_size(described.heads) == described.action.size > 0:
        raise ValueError(
            f"{where}: heads have {action_size(described.heads)} columns, and action has {described.action.size}; export the run again"
        )
    ends = (described.observation.size, output_size(described.heads))
    if min(ends) < 1:
        raise ValueError(f"{where}: observation has no column; export the run again")
    if described.action_mask == "observed" and not (isinstance(described.observation, Product) and described.observation.names):
        raise ValueError(f"{where}: action_mask = 'observed': that needs an observation with names; export the run again")
    layers = described.layers
    if layers is None and described.format == "safetensors":
        raise ValueError(f"{where}: layers = None: a network of one's own is never in safetensors; export the run again")
    if layers is not None and (len(layers) < 2 or (layers[0], layers[-1]) != ends):
        raise ValueError(f"{where}: layers = {list(layers)}: they must begin with {ends[0]} and end with {ends[1]}; export the run again")
