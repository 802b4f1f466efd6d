"""From the files of `maddpg export` to policies that act."""

from __future__ import annotations

from pathlib import Path

from maddpg.policy.description import FORMATS, checksum, from_json
from maddpg.policy.network import read_network
from maddpg.policy.policy import Policies, Policy
from maddpg.policy.tables import read_file, read_text

LARGEST_TEAM = 10_000
NETWORKS = tuple(f".{name}" for name in FORMATS)
"""Endings of the files of networks."""


def load_policy(path: str | Path) -> Policy | Policies:
    """An exported actor, or, from a folder, those of all agents that lie there. Nothing else is needed: no environment, no critic.

    An actor is two files, such as agent_0.json and agent_0.safetensors, and either may be named. Of safetensors the arithmetic is NumPy's;
    ONNX is run by onnxruntime, StableHLO by JAX.

    Raises:
        ValueError: no export, one of another schema, a damaged one, or one that does not fit together; in one line.
        ImportError: what the format needs is not installed.
    """
    path = Path(path)
    if not path.is_dir():
        return load_file(path)
    files = sorted(file for file in path.glob("*.json") if not file.name.startswith("."))
    if not files:
        raise ValueError(f"{path} holds no exported actor; give a folder that `maddpg export` made")
    if len(files) > LARGEST_TEAM:
        raise ValueError(f"{path} holds {len(files)} files, and a team at most {LARGEST_TEAM}; give a folder that `maddpg export` made")
    policies: dict[str, Policy] = {}
    for file in files:
        policy = load_file(file)
        if policy.agent in policies:
            raise ValueError(f"{file} is another actor of {policy.agent}; keep exports in folders of their own, or name one file")
        policies[policy.agent] = policy
    return Policies(policies)


def load_file(path: Path) -> Policy:
    """One exported actor; see `load_policy`."""
    if path.suffix not in (*NETWORKS, ".json"):
        raise ValueError(f"{path} is no exported actor: give a file ending in {', '.join(NETWORKS)} or .json, or their folder")
    table = read_file(path.with_suffix(".json"))
    described = from_json(table)
    # Its own name with another ending: what stands in a file is never a path.
    file = path.with_suffix(f".{described.format}")
    content = _read(file, described.bytes)
    if table.take("checksum", read_text) != checksum(table.values, content):
        raise ValueError(f"{file} and {table.where} are not as they were written: their checksum differs; export the run again")
    try:
        return Policy(described, read_network(described, content))
    except ValueError as error:
        raise ValueError(f"{file} is not what {table.where} says: {error}; export the run again") from error


def _read(file: Path, size: int) -> bytes:
    """The whole content, if it has that size."""
    try:
        there = file.stat().st_size
        if there != size:
            raise ValueError(f"{file} has {there} bytes, and had {size} when it was written; export the run again")
        return file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror or error}; it belongs beside its .json") from error
