"""Folders of runs without any training: fresh networks, and evaluations by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax

from maddpg.config import AlgorithmConfig, Config, TrainingConfig
from maddpg.environments.registry import Typed, resolve
from maddpg.storage.arrays import save_tree
from maddpg.storage.files import write_json
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import build
from maddpg.training.frozen import load_frozen
from maddpg.training.saved import fresh_networks


def config_of(environment: str, seeds: int = 1, seed: int = 0, **algorithm: Any) -> Config:
    """Small networks, if nothing else is said."""
    settings = AlgorithmConfig(**{"actor_layers": (8,), "critic_layers": (4,), **algorithm})
    return resolve(Config(environment, algorithm=settings, training=TrainingConfig(seeds=seeds, seed=seed)))


def save_run(folder: Path, config: Config, typed: Typed | None = None) -> Path:
    """A run whose networks have learned nothing, each seed's from its own number; frozen teams are as they were."""
    folder.mkdir()
    run, algorithm = RunFolder(folder), build(config, typed).algorithm
    run.write_config(config)
    keys = jax.vmap(jax.random.key)(jax.numpy.array(config.training.all_seeds))
    networks = fresh_networks(algorithm, keys)
    for index, actor in load_frozen(algorithm, len(keys)).items():
        networks["actor"] = jax.tree.map(lambda rows, new, index=index: rows.at[:, index].set(new), networks["actor"], actor)
    save_tree(run.parameters, networks)
    return folder


def save_outcome(
    folder: Path,
    config: Config,
    returns: Mapping[str, Sequence[float]],
    scripted: float | None = 10.0,
    curves: Mapping[int, Sequence[float]] | None = None,
    players: Mapping[str, str] | None = None,
) -> Path:
    """A run with nothing but its evaluations.

    `returns` are each agent's, of every seed; random play gets 0. `curves` are those of all agents alike: a value for each seed at these
    steps. The metric `hits` is the return tenfold.
    """
    folder.mkdir()
    run = RunFolder(folder)
    run.write_config(config)
    seeds = list(config.training.all_seeds)
    rows = []
    for row, seed in enumerate(seeds):
        means = {agent: values[row] for agent, values in returns.items()}
        normalised = {agent: None if scripted is None else mean / scripted for agent, mean in means.items()}
        agents = {
            agent: {"mean": mean, "random": 0.0, "still": 0.0, "scripted": scripted, "normalised": normalised[agent]}
            for agent, mean in means.items()
        }
        rows.append({"seed": seed, "agents": agents, "metrics": {"hits": {agent: 10 * mean for agent, mean in means.items()}, "time": 1.5}})
    who = {agent: (players or {}).get(agent, "learned") for agent in returns}
    write_json(run.evaluation, {"environment": config.environment, "episodes": 100, "players": who, "seeds": rows})
    lines = [
        {
            "kind": "evaluation",
            "seed": seed,
            "steps": steps,
            "return": dict.fromkeys(returns, value),
            "metrics": {"hits": value, "time": 1.5},
        }
        for steps, values in (curves or {}).items()
        for seed, value in zip(seeds, values, strict=True)
    ]
    run.metrics.write_text("".join(json.dumps(line) + "\n" for line in [{"kind": "training", "seed": seeds[0]}, *lines]))
    return folder


def with_settings(config: Config, table: str, **values: Any) -> Config:
    """A configuration with other values in one of its tables."""
    return replace(config, **{table: replace(getattr(config, table), **values)})
