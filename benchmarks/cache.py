"""Results by what decides them: a run that is finished is never run again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from maddpg.config import Config
from maddpg.settings import to_dict
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import write_json
from maddpg.storage.run_folder import RunFolder
from maddpg.training.run import Progress, Trained, train

RESULTS = Path(__file__).parent / "results"


def digest(config: Config) -> str:
    """Eight digits that differ where anything in the configuration does."""
    return hashlib.sha256(json.dumps(to_dict(config), sort_keys=True).encode()).hexdigest()[:8]


def trained(name: str, config: Config, summarise: Callable[[Trained, RunFolder], dict[str, Any]]) -> dict[str, Any]:
    """The summary of a run, from benchmarks/results if it is there, else trained now and written there.

    Args:
        name: what the run is called, and the start of its file's name.
        config: a resolved configuration, all seeds in one program.
        summarise: what to keep of it.
    """
    path = RESULTS / f"{name}-{digest(config)}.json"
    if path.is_file():
        return json.loads(path.read_text())
    enable_compilation_cache()
    folder = RunFolder(Path("runs") / "benchmarks" / path.stem)
    if folder.path.is_dir():
        for left_over in folder.path.iterdir():
            left_over.unlink()
    folder.path.mkdir(parents=True, exist_ok=True)
    print(f"training {name}: {config.training.seeds} seeds, {config.training.steps:_} steps each", flush=True)
    began = time.perf_counter()
    result = train(config, folder, _lines())
    if not result.finished:
        raise KeyboardInterrupt
    summary = {
        "name": name,
        "config": to_dict(config),
        "steps": result.steps,
        "updates": result.updates,
        "training_minutes": (time.perf_counter() - began) / 60,
        **summarise(result, folder),
    }
    RESULTS.mkdir(exist_ok=True)
    write_json(path, summary)
    return summary


def _lines() -> Callable[[Progress], None]:
    spoken = 0.0

    def tell(progress: Progress) -> None:
        nonlocal spoken
        if time.perf_counter() - spoken > 30:
            spoken = time.perf_counter()
            print(f"  {progress.steps:_} of {progress.total:_} steps, {progress.steps_per_second:,.0f} steps/s", flush=True)

    return tell
