"""Results by what decides them: a run that is finished is never run again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from maddpg.config import Config
from maddpg.settings import from_dict, to_dict
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import write_json
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import build
from maddpg.training.run import Progress, Trained, train
from maddpg.training.saved import load_actors
from maddpg.types import PyTree

RESULTS = Path(__file__).parent / "results"


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


def trained(name: str, config: Config, summarise: Callable[[Trained, RunFolder], dict[str, Any]]) -> dict[str, Any]:
    """The summary of a run, from benchmarks/results if it is there, else trained now and written there.

    Args:
        name: what the run is called, and the start of its file's name.
        config: a resolved configuration, all seeds in one program.
        summarise: what to keep of it.
    """
    known = find(name, config)
    if known is not None:
        return known
    result, folder, minutes = _train(name, config)
    summary = {
        "name": name,
        "config": to_dict(config),
        "steps": result.steps,
        "updates": result.updates,
        "training_minutes": minutes,
        **summarise(result, folder),
    }
    write_result(name, config, summary)
    return summary


def trained_actors(name: str, config: Config) -> PyTree:
    """The actors of a run, [seed, agent, member, ...], from its folder if they are there, else trained now."""
    folder = run_folder(name, config)
    if not folder.parameters.is_file() or folder.read_config() != config:
        _train(name, config)
    return load_actors(folder, config, build(config).algorithm)


def write_result(name: str, config: Config, summary: dict[str, Any]) -> None:
    """Keep a summary, which holds its configuration, where `find` looks."""
    RESULTS.mkdir(exist_ok=True)
    write_json(RESULTS / f"{name}-{digest(config)}.json", summary)


def run_folder(name: str, config: Config) -> RunFolder:
    """Where a run's own files are."""
    return RunFolder(Path("runs") / "benchmarks" / f"{name}-{digest(config)}")


def _train(name: str, config: Config) -> tuple[Trained, RunFolder, float]:
    """Train from nothing; what came of it, its folder, and the minutes that it took."""
    enable_compilation_cache()
    folder = run_folder(name, config)
    if folder.path.is_dir():
        for left_over in folder.path.iterdir():
            left_over.unlink()
    folder.path.mkdir(parents=True, exist_ok=True)
    print(f"training {name}: {config.training.seeds} seeds, {config.training.steps:_} steps each", flush=True)
    began = time.perf_counter()
    result = train(config, folder, _lines())
    if not result.finished:
        raise KeyboardInterrupt
    return result, folder, (time.perf_counter() - began) / 60


def _lines() -> Callable[[Progress], None]:
    spoken = 0.0

    def tell(progress: Progress) -> None:
        nonlocal spoken
        if time.perf_counter() - spoken > 30:
            spoken = time.perf_counter()
            print(f"  {progress.steps:_} of {progress.total:_} steps, {progress.steps_per_second:,.0f} steps/s", flush=True)

    return tell
