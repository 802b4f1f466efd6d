"""Train every world in every action mode that it has, and see that all numbers stay finite: `python -m benchmarks.every_world`."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from benchmarks.cache import SHELF
from maddpg.config import WorldConfig, preset
from maddpg.environments.registry import describe_environments, resolve
from maddpg.storage.run_folder import RunFolder
from maddpg.training.trained import Trained

STEPS = 100_000


def check(result: Trained, folder: RunFolder) -> dict[str, Any]:
    """The last greedy evaluation, and whether every number of every line of metrics is finite."""
    lines = [json.loads(text) for text in folder.metrics.read_text().splitlines()]
    finite = all(isinstance(value, int | float) and math.isfinite(value) for line in lines for value in _numbers(line))
    return {"finite": finite, "lines": len(lines), "return": lines[-1]["return"], "steps_per_second": result.steps_per_second}


def _numbers(value: Any) -> list[Any]:
    """All that is not text in a tree of tables; null, which is how NaN is written, among it."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in _numbers(part)]
    return [] if isinstance(value, str) else [value]


def main() -> None:
    runs = [(spec.name, mode, 1) for spec, _, modes in describe_environments() for mode in modes]
    for world, mode, seeds in [*runs, ("simple_spread", "box", 8)]:
        base = preset("tuned", world)
        config = resolve(
            replace(base, world=WorldConfig(action_mode=mode), training=replace(base.training, steps=STEPS, seeds=seeds))  # type: ignore[arg-type]
        )
        summary = SHELF.trained(f"every-world-{world}-{mode}-{seeds}", config, check)
        returns = ", ".join(f"{name} {value:.1f}" for name, value in summary["return"].items())
        verdict = "all finite" if summary["finite"] else "NOT FINITE"
        print(f"{world} {mode}, {seeds} seed(s): {verdict} in {summary['lines']} lines; last greedy return {returns}")


if __name__ == "__main__":
    main()
