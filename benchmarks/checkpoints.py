"""What a checkpoint costs: `python -m benchmarks.checkpoints`.

simple_spread with the default preset and its full replay of a million transitions: seconds to write all of it, to write the rows of one
chunk more, and to read it again; bytes on disk; how much memory that takes at its peak beside the run's own; and the share of the time
between two checkpoints at the default interval, in which the whole replay may have become new.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cache import RESULTS
from benchmarks.tables import fill
from maddpg.config import CheckpointConfig, preset
from maddpg.environments.registry import resolve
from maddpg.storage.files import write_json
from maddpg.storage.run_folder import RunFolder, machine
from maddpg.training.build import build
from maddpg.training.checkpointing import Checkpoints

RESULT = RESULTS / "checkpoints.json"
PAGE = Path(__file__).parent.parent / "docs" / "runs.md"
REPEATS = 5


def measure() -> dict[str, Any]:
    """Seconds, each the median and the range of some repeats; bytes."""
    config = resolve(preset("tuned", "simple_spread"))
    parts, defaults = build(config), CheckpointConfig()
    run = parts.loop.start(jax.random.split(jax.random.key(0), 1))
    full = config.training.replay_rows // config.training.round_steps
    run = jax.block_until_ready(parts.loop.warm_up(parts.hyper, run, full))
    run = jax.block_until_ready(parts.loop.train(parts.hyper, run, 10))
    rounds = full + 10
    _settle(run)
    before = _peak()
    whole, more, read = [], [], []
    size = extra = 0
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory(dir=".") as path:
            folder = RunFolder(Path(path))
            checkpoints = Checkpoints(folder, defaults, parts)
            whole.append(_timed(lambda: checkpoints.save(rounds, run, {}, {}, {})))  # noqa: B023
            size = sum(file.stat().st_size for file in folder.checkpoints.iterdir())
            run = jax.block_until_ready(parts.loop.train(parts.hyper, run, 100))
            rounds += 100
            more.append(_timed(lambda: checkpoints.save(rounds, run, {}, {}, {})))  # noqa: B023
            extra = extra or _peak() - before  # reading it again takes a second replay
            read.append(_timed(lambda: jax.block_until_ready(Checkpoints(folder, defaults, parts).resume()[0].state)))  # type: ignore[union-attr]  # noqa: B023
    assert defaults.checkpoint_minutes is not None
    return {
        "transitions": config.training.replay_rows,
        "bytes": size,
        "seconds_whole": _spread(whole),
        "seconds_10_000_more": _spread(more),
        "seconds_to_read": _spread(read),
        "peak_bytes_beside_the_run": extra,
        "share_of_the_interval": float(np.median(whole)) / (60 * defaults.checkpoint_minutes),
        "machine": machine(),
    }


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _settle(run: object) -> None:
    """Touch all memory once, so that what is measured later is new."""
    jax.block_until_ready(jax.tree.map(lambda leaf: jnp.sum(jax.random.key_data(leaf) if leaf.dtype == run.key.dtype else leaf), run))  # type: ignore[attr-defined]


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _spread(seconds: list[float]) -> dict[str, float]:
    return {"median": float(np.median(seconds)), "least": min(seconds), "most": max(seconds)}


def table() -> list[str]:
    """What was measured, for people."""
    result = json.loads(RESULT.read_text())

    def seconds(name: str) -> str:
        return f"{result[name]['median']:.2f} s ({result[name]['least']:.2f} to {result[name]['most']:.2f})"

    return [
        "| what | |",
        "|---|---|",
        f"| write all {result['transitions']:_} transitions | {seconds('seconds_whole')} |",
        f"| write 10,000 more | {seconds('seconds_10_000_more')} |",
        f"| read it again | {seconds('seconds_to_read')} |",
        f"| on disk | {result['bytes'] / 2**20:.0f} MiB |",
        f"| memory at the peak, beside the run's own | {result['peak_bytes_beside_the_run'] / 2**20:.0f} MiB |",
        f"| share of the time at the default interval, if all of the replay is new | {result['share_of_the_interval']:.1%} |",
    ]


def render(text: str) -> str:
    """The page with its table made anew."""
    return fill(text, {"checkpoints": table()})


def main() -> None:
    write_json(RESULT, measure())
    PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
