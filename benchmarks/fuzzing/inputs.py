"""Inputs: what a run and its exports leave, each with some damage. An input follows from a seed and a number alone."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.fuzzing.damage import TEXTS, damage_arrays, damage_bytes, damage_table, damage_text, to_json
from maddpg.policy.description import checksum

Kind = Literal["checkpoint", "config", "settings", "networks", "export"]
SpecialKind = Literal["link", "pipe", "folder", "hole"]
SHARES: Mapping[Kind, int] = {"checkpoint": 40, "config": 20, "settings": 8, "networks": 12, "export": 20}
"""Of a hundred inputs."""
SETTINGS = "settings.toml"


@dataclass(frozen=True)
class Special:
    """What stands in a file's place and is no file."""

    kind: SpecialKind
    target: str = ""
    """Where a link leads; OUTSIDE is put in."""


Files = dict[str, bytes | Special]
"""By their path in the input's folder."""


@dataclass(frozen=True)
class Originals:
    """What is damaged."""

    run: Mapping[str, bytes]
    exports: Mapping[str, bytes]
    settings: str


@dataclass(frozen=True)
class Input:
    """One of them."""

    kind: Kind
    damage: str
    """What was done, in a word or two."""
    files: Files


def read_files(folder: Path) -> dict[str, bytes]:
    """All files in a folder and those in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def put(files: Files, folder: Path, outside: Path) -> None:
    """Write an input where nothing is yet."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        match content:
            case bytes():
                path.write_bytes(content)
            case Special("link", target):
                path.symlink_to(target.replace("OUTSIDE", str(outside)))
            case Special("pipe"):
                os.mkfifo(path)
            case Special("folder"):
                path.mkdir()
            case Special("hole"):  # 100 GiB that take no room
                path.touch()
                os.truncate(path, 100 * 2**30)


def make_input(originals: Originals, seed: int, number: int) -> Input:
    """The input of that number."""
    source = random.Random(f"{seed}/{number}")
    (kind,) = source.choices(list(SHARES), list(SHARES.values()))
    damage, files = MAKERS[kind](source, originals)
    return Input(kind, damage, files)


def _checkpoint(source: random.Random, originals: Originals) -> tuple[str, Files]:
    files: Files = dict(originals.run)
    inside = sorted(name for name in originals.run if name.startswith("checkpoints/"))
    manifests = [name for name in inside if name.endswith(".json")]
    arrays = [name for name in inside if name.endswith(".safetensors")]
    how = source.choice(("bytes", "manifest", "manifest", "arrays", "arrays", "exchange", "special"))
    signed = source.random() < 0.8
    # Mostly there is only the damaged checkpoint, and not an older one that may be taken.
    newest = manifests[-1]
    if source.random() < 0.8:
        for name in manifests[:-1]:
            del files[name]
    match how:
        case "bytes":
            name = source.choice(inside)
            if name in files:
                files[name] = damage_bytes(source, originals.run[name])
        case "manifest":
            files[newest] = to_json(damage_table(source, json.loads(originals.run[newest])))
        case "arrays":
            name = source.choice(arrays)
            files[name] = damage_arrays(source, originals.run[name])
        case "exchange":
            one, other = source.choice(inside), source.choice((*inside, "parameters.safetensors", "config.json"))
            files[one] = originals.run[other]
            if source.random() < 0.3:
                files.pop(source.choice(inside), None)
        case _:
            name = source.choice(
                (*inside, "checkpoints", "metrics.jsonl", ".lock", "best.safetensors", "parameters.safetensors", "learning_curves.png")
            )
            files = {other: content for other, content in files.items() if not other.startswith(f"{name}/")}
            files[name] = _special(source, Path(name).name)
    if signed:
        _sign_checkpoint(files, newest)
    return f"{how}, {'signed' if signed else 'as it is'}", files


def _config(source: random.Random, originals: Originals) -> tuple[str, Files]:
    files: Files = dict(originals.run)
    how = source.choice(("bytes", "table", "table", "table", "table", "settings", "special"))
    table = json.loads(originals.run["config.json"])
    match how:
        case "bytes":
            files["config.json"] = damage_bytes(source, originals.run["config.json"])
        case "table":
            files["config.json"] = to_json(damage_table(source, table))
        case "settings":  # deeper: the schema and all else is right
            name = source.choice(("world", "algorithm", "training", "reward_design", "channel", "host", "teams", "arguments"))
            table["config"][name] = damage_table(source, table["config"][name] or {source.choice((*TEXTS, "agent")): {"player": "random"}})
            files["config.json"] = to_json(table)
        case _:
            files["config.json"] = _special(source, "config.json")
    return how, files


def _settings(source: random.Random, originals: Originals) -> tuple[str, Files]:
    if source.random() < 0.2:
        return "bytes", {SETTINGS: damage_bytes(source, originals.settings.encode())}
    text = damage_text(source, originals.settings)
    return "lines", {SETTINGS: text.encode("utf-8", "surrogatepass")}


def _networks(source: random.Random, originals: Originals) -> tuple[str, Files]:
    files: Files = dict(originals.run)
    name = source.choice(("parameters.safetensors", "parameters.safetensors", "best.safetensors"))
    how = source.choice(("bytes", "arrays", "arrays", "arrays", "special"))
    changed = damage_bytes if how == "bytes" else damage_arrays
    files[name] = _special(source, name) if how == "special" else changed(source, originals.run[name])
    return how, files


def _export(source: random.Random, originals: Originals) -> tuple[str, Files]:
    networks = sorted(name for name in originals.exports if not name.endswith(".json"))
    network = source.choice((*networks, *(name for name in networks if name.endswith(".safetensors"))))
    description = str(Path(network).with_suffix(".json"))
    files: Files = {name: originals.exports[name] for name in (network, description)}
    how = source.choice(("bytes", "table", "table", "table", "arrays", "arrays", "special"))
    plain = network.endswith(".safetensors")
    match how:
        case "bytes":
            name = source.choice((network, description))
            files[name] = damage_bytes(source, originals.exports[name])
        case "table":
            files[description] = to_json(damage_table(source, json.loads(originals.exports[description])))
        case "arrays" if plain:
            files[network] = damage_arrays(source, originals.exports[network])
        case _:
            how, name = "special", source.choice((network, description))
            files[name] = _special(source, Path(name).name)
    # Whoever signs a graph or a program that is not ours is trusted by those who load it (docs/export.md).
    signed = source.random() < 0.8 and (plain or files[network] == originals.exports[network])
    if signed:
        _sign_export(files, network, description)
    return f"{how}, {'signed' if signed else 'as it is'}", files


MAKERS: Mapping[Kind, Callable[[random.Random, Originals], tuple[str, Files]]] = {
    "checkpoint": _checkpoint,
    "config": _config,
    "settings": _settings,
    "networks": _networks,
    "export": _export,
}


def _special(source: random.Random, name: str) -> Special:
    kinds: tuple[SpecialKind, ...] = ("link", "link", "pipe", "folder", "hole")
    kind = source.choice(kinds)
    targets = (f"OUTSIDE/{name}", "OUTSIDE", "OUTSIDE/checkpoints", "/dev/zero", "/dev/full", name, "nowhere", "..")
    return Special(kind, source.choice(targets) if kind == "link" else "")


def _sign_checkpoint(files: Files, manifest: str) -> None:
    """Sizes and checksums as they are now, so that what is damaged is looked into."""
    table = _table(files.get(manifest))
    entries: list[Any] = [table.get("state")]
    replay = table.get("replay")
    segments = replay.get("segments") if isinstance(replay, dict) else None
    entries += [each.get("file") for each in segments if isinstance(each, dict)] if isinstance(segments, list) else []
    for entry in entries:
        content = files.get(f"checkpoints/{entry.get('name')}") if isinstance(entry, dict) else None
        if isinstance(content, bytes):
            entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        elif isinstance(content, Special) and content.kind == "hole":
            entry |= {"bytes": 100 * 2**30}
    if table:
        table.pop("checksum", None)
        files[manifest] = to_json({**table, "checksum": hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()})


def _sign_export(files: Files, network: str, description: str) -> None:
    content, table = files[network], _table(files[description])
    if isinstance(content, bytes) and table:
        if "bytes" in table and content:
            table["bytes"] = len(content)
        try:
            table["checksum"] = checksum(table, content)
        except ValueError:
            return  # NaN has none
        files[description] = to_json(table)


def _table(content: bytes | Special | None) -> dict[str, Any]:
    """The table in a file, empty where there is none."""
    try:
        table = json.loads(content) if isinstance(content, bytes) else {}
        json.dumps(table)
    except (ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}
