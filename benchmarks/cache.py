"""Results by what decides them: a run that is finished is never run again."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from maddpg.algorithm.networks import Network
from maddpg.config import CheckpointConfig, Config
from maddpg.environments.registry import read_environment
from maddpg.settings import from_dict, to_dict
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import write_json
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import build
from maddpg.training.run import Progress, Trained, train
from maddpg.training.saved import load_actors
from maddpg.types import PyTree

RESULTS = Path(__file__).parent / "results"
ENDED = "ended.json"
"""In a run's folder once it was trained to its end: parameters are there after an interruption too."""


SPENT = "spent.json"
"""In a run's folder: the minutes that it took so far."""


def digest(config: Config) -> str:
    """Eight digits that differ where anything in the configuration does."""
    return hashlib.sha256(json.dumps(to_dict(config), sort_keys=True).encode()).hexdigest()[:8]


def find(name: str, config: Config) -> dict[str, Any] | None:
    """The result of this very configuration, if there is one.

    Configurations are compared, not their digests: a result from before a setting existed counts as one with the setting's default, which
    must therefore be what the program did before.
    """
    for path in sorted(RESULTS.glob(f"{name}-*.json")):
        result: dict[str, Any] = json.loads(path.read_text())
        with suppress(ValueError):  # a setting that is no more
            if from_dict(result["config"]) == config:
                return result
    return None


def trained(
    name: str, config: Config, summarise: Callable[[Trained, RunFolder], dict[str, Any]], actor: Network | None = None
) -> dict[str, Any]:
    """The summary of a run, from benchmarks/results if it is there, else trained now and written there.

    Args:
        name: what the run is called, and the start of its file's name.
        config: a resolved configuration, all seeds in one program.
        summarise: what to keep of it.
        actor: a network in place of the perceptron; whoever changes it changes the name.
    """
    known = find(name, config)
    if known is not None:
        return known
    result, folder, minutes = _train(name, config, actor)
    cost = {"steps": result.steps, "updates": result.updates, "training_minutes": minutes}
    try:
        return write_result(name, config, {**cost, **summarise(result, folder)})
    finally:
        result.close()


def trained_actors(name: str, config: Config) -> tuple[PyTree, float]:
    """The actors of a run, [seed, agent, member, ...], and its minutes: from its folder if it ended there, else trained now."""
    folder = run_folder(name, config)
    ended = folder.path / ENDED
    if not ended.is_file() or folder.read_config() != config:
        _train(name, config)
    return load_actors(folder, config, build(config).algorithm), json.loads(ended.read_text())["training_minutes"]


def write_result(name: str, config: Config, summary: dict[str, Any]) -> dict[str, Any]:
    """Keep a summary and its configuration where `find` looks, and return what was kept."""
    RESULTS.mkdir(exist_ok=True)
    result = {"name": name, "config": to_dict(config), **summary}
    write_json(RESULTS / f"{name}-{digest(config)}.json", result)
    return result


def run_folder(name: str, config: Config) -> RunFolder:
    """Where a run's own files are."""
    return RunFolder(Path("runs") / "benchmarks" / f"{name}-{digest(config)}")


def _train(name: str, config: Config, actor: Network | None = None) -> tuple[Trained, RunFolder, float]:
    """Train, or go on where it was stopped; what came of it, its folder, and the minutes that it took, those before it was stopped too."""
    enable_compilation_cache()
    folder = run_folder(name, config)
    going_on = folder.config.is_file() and folder.read_config() == config
    if not going_on:
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.path.mkdir(parents=True)
    print(f"training {name}: {config.training.seeds} seeds, {config.training.steps:_} steps each", flush=True)
    spent = folder.path / SPENT
    before = json.loads(spent.read_text())["minutes"] if going_on and spent.is_file() else 0.0
    began = time.perf_counter()
    try:
        parts = build(config, read_environment(config.environment), actor)
        result = train(parts, folder, _lines(), checkpoints=CheckpointConfig(), say=print, resume=going_on)
    finally:
        minutes = before + (time.perf_counter() - began) / 60
        write_json(spent, {"minutes": minutes})
    if not result.finished:
        raise KeyboardInterrupt
    shutil.rmtree(folder.checkpoints, ignore_errors=True)  # gigabytes, with many seeds; a finished run has its networks
    write_json(folder.path / ENDED, {"training_minutes": minutes})
    return result, folder, minutes


def _lines() -> Callable[[Progress], None]:
    spoken = 0.0

    def tell(progress: Progress) -> None:
        nonlocal spoken
        if time.perf_counter() - spoken > 30:
            spoken = time.perf_counter()
            print(f"  {progress.steps:_} of {progress.total:_} steps, {progress.steps_per_second:,.0f} steps/s", flush=True)

    return tell
