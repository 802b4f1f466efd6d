"""Writing exported actors: a folder with two files for each agent, staged, read again, compared with the original, then renamed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.export.actors import Actor, act_alike, agree, find_heads, find_layers, make_function, try_out
from maddpg.export.onnx_graph import make_model
from maddpg.export.spaces import Spaces, describe_spaces
from maddpg.export.stablehlo import make_program
from maddpg.names import unknown_name
from maddpg.policy import Policy, load_policy
from maddpg.policy.description import FORMATS, Description, Format, checksum, to_json
from maddpg.policy.network import Layer, array_shapes
from maddpg.storage.arrays import to_bytes
from maddpg.storage.files import write_bytes, write_json
from maddpg.training.build import Parts
from maddpg.types import PyTree

PACKAGES = {"safetensors": ("safetensors",), "onnx": ("onnx",), "stablehlo": ("jaxlib",)}


@dataclass(frozen=True)
class Choice:
    """What is exported of a run."""

    agents: tuple[str, ...]  # by name, in order
    row: int  # on the seed axis
    seed: int
    sub_policy: int | None  # None: all, by their mean, or there is only one
    format: Format


def export_actors(
    parts: Parts,
    actor: PyTree,
    steps: Sequence[int],
    out: Path,
    *,
    agents: Sequence[str] = (),
    format: str = "safetensors",
    seed: int | None = None,
    sub_policy: int | Literal["average"] | None = None,
) -> list[Path]:
    """Write the actors of a run into a folder, new or empty, and tell their .json files.

    Args:
        parts: the run's.
        actor: all actors, [seed, agent, member, ...].
        steps: environment steps that each seed's were trained for.
        out: the folder.
        agents: whose; those of all who learned something if left out.
        format: safetensors, onnx or stablehlo.
        seed: of the seeds that were trained; the first if left out.
        sub_policy: of an ensemble: the number of a member, or `average`, all by their mean, as if left out.

    Raises:
        ValueError: an agent, format, seed or sub-policy that there is not; a network that the format cannot hold; a space that no head is
            known for; what was written acts otherwise; or a folder that holds something, is the current one, or cannot be written.
        ImportError: what writes the format is not installed.
    """
    choice = choose(parts, agents, format, seed, sub_policy)
    spaces = describe_spaces(parts.environment)  # an OSError of the environment's own says nothing of the folder
    try:
        folder = out.resolve()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ValueError(f"{out} is not empty; give --out a new folder, so that nothing saved is lost")
        if folder == Path.cwd():
            raise ValueError(f"{folder} is the folder that you are in, and cannot be replaced; give --out a new one, such as export")
        staged = folder.with_name(f".{folder.name}.{os.getpid()}.part")
        try:
            staged.mkdir(parents=True)
            names = [_write(parts, actor, steps, choice, agent, spaces[agent], staged) for agent in choice.agents]
            if folder.exists():
                folder.rmdir()
            staged.rename(folder)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        raise ValueError(f"{out} cannot be written: {error.strerror or error}; give --out another folder") from error
    return [out / name for name in names]


def choose(parts: Parts, agents: Sequence[str], format: str, seed: int | None, sub_policy: int | Literal["average"] | None) -> Choice:
    """What the arguments of `export_actors` mean; raises as that does."""
    if format not in FORMATS:
        raise ValueError(unknown_name("format", format, FORMATS))
    seeds, size = parts.config.training.all_seeds, parts.algorithm.config.ensemble_size
    if seed is not None and seed not in seeds:
        raise ValueError(f"seed = {seed}: this was trained with {', '.join(map(str, seeds))}")
    if sub_policy is not None and size == 1:
        raise ValueError(f"sub_policy = {sub_policy!r}: each agent has one policy here, and no ensemble; leave it out")
    if sub_policy not in (None, "average", *range(size)):
        raise ValueError(f"sub_policy = {sub_policy!r}: it must be average, or a number from 0 to {size - 1}")
    learned = parts.algorithm.players.who("learning", "frozen")
    able = [name for name, knows in zip(parts.spec.names, learned, strict=True) if knows]
    for name in agents:
        if name not in parts.spec.names:
            raise ValueError(unknown_name("agent", name, parts.spec.names))
        if name not in able:
            raise ValueError(f"{name} has learned nothing in this run; give one of {', '.join(able)}")
    return Choice(
        agents=tuple(name for name in able if not agents or name in agents),
        row=0 if seed is None else seeds.index(seed),
        seed=seeds[0] if seed is None else seed,
        sub_policy=None if sub_policy == "average" else sub_policy,
        format=FORMATS[FORMATS.index(format)],
    )


def _write(parts: Parts, actor: PyTree, steps: Sequence[int], choice: Choice, agent: str, spaces: Spaces, folder: Path) -> str:
    """One agent's two files; the name of the .json."""
    index = parts.spec.names.index(agent)
    members = slice(None) if choice.sub_policy is None else slice(choice.sub_policy, choice.sub_policy + 1)
    parameters = jax.tree.map(lambda leaf: jnp.asarray(leaf[choice.row, index, members]), actor)
    mine = Actor(parts.algorithm, index, parameters)
    tried, outputs = try_out(mine)
    layers = find_layers(mine, tried, outputs)
    if layers is None and choice.format != "stablehlo":
        raise ValueError(f"{agent} has a network of your own, which the format {choice.format} cannot hold; give --format stablehlo")
    specification = parts.spec.agents[index]
    described = Description(
        environment=parts.config.environment,
        agent=agent,
        team=specification.team,
        seed=choice.seed,
        sub_policy=choice.sub_policy,
        steps=steps[choice.row],
        observation=spaces.observation,
        action=spaces.action,
        heads=find_heads(parts.algorithm, index),
        message_size=specification.message_size,
        action_mask=spaces.action_mask,
        members=mine.members,
        layers=None if layers is None else (layers[0][0].shape[-2], *(weight.shape[-1] for weight, _ in layers)),
        format=choice.format,
        bytes=1,
        versions={package: metadata.version(package) for package in ("maddpg", "jax", "numpy", *PACKAGES[choice.format])},
    )
    content = _network(described, mine, layers)
    tables = to_json(replace(described, bytes=len(content)))
    stem = _file_name(agent, folder)
    write_bytes(folder / f"{stem}.{choice.format}", content)
    write_json(folder / f"{stem}.json", {**tables, "checksum": checksum(tables, content)})
    policy = load_policy(folder / f"{stem}.json")
    assert isinstance(policy, Policy)
    columns = np.asarray(jax.jit(make_function(mine, masked=False))(jnp.asarray(tried))["columns"])
    if not (agree(policy.network(tried), outputs) and act_alike(mine, outputs, columns, policy.act_in_columns(tried))):
        raise ValueError(f"{agent}: what was written does not act as what was trained, and is not kept; give another --format")
    return f"{stem}.json"


def _network(described: Description, actor: Actor, layers: list[Layer] | None) -> bytes:
    """The file of the network."""
    if described.format == "stablehlo":
        return make_program(actor, described.action_mask != "none")
    assert layers is not None
    if described.format == "onnx":
        return make_model(described, layers)
    return to_bytes(dict(zip(array_shapes(described), (array for layer in layers for array in layer), strict=True)))


def _file_name(agent: str, folder: Path) -> str:
    """A name for an agent's files: agents may be called anything, and some file systems do not tell upper from lower case."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", agent)[:100].lstrip(".") or "agent"
    taken = {path.stem.lower() for path in folder.glob("*.json")}
    names = (plain, *(f"{plain}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name.lower() not in taken)
