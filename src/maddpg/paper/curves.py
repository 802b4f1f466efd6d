"""What a run's evaluations came to while it trained, small enough to keep."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

DIGITS = 5
RETURN = "return"


def read_curves(metrics: Path) -> dict[str, Any]:
    """Curves from a metrics file, [step, seed] each, beside the steps.

    `evaluation`: the return, mean over agents, and each of the world's metrics, of greedy episodes. `models`: of every pair of agents
    where one infers the other's policy, how far its model is from it.
    """
    greedy: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    models: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in map(json.loads, metrics.read_text().splitlines()):
        steps = line["steps"]
        if line["kind"] == "evaluation":
            greedy[RETURN][steps].append(float(np.mean(list(line["return"].values()))))
            for name, value in line["metrics"].items():
                greedy[name][steps].append(float(np.mean(list(value.values()))) if isinstance(value, dict) else value)
        for name in ("inference_kl", "inference_error"):
            for learner, others in line.get(name, {}).items():
                for other, value in others.items():
                    models[f"{name}/{learner}/{other}"][steps].append(value)
    return {"evaluation": _table(greedy), **({"models": _table(models)} if models else {})}


def _table(curves: dict[str, dict[int, list[float]]]) -> dict[str, Any]:
    steps = sorted(next(iter(curves.values()))) if curves else []
    values = {name: [[float(f"{value:.{DIGITS}g}") for value in curve[step]] for step in steps] for name, curve in curves.items()}
    return {"steps": steps, **values}
