"""The picture of a run's learning curves."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from maddpg.evaluation.scores import Evaluation
from maddpg.storage.files import write_bytes


def read_returns(metrics: Path, kind: str) -> dict[str, dict[int, dict[int, float]]]:
    """Agent -> seed -> steps -> mean return, from the lines of `kind` (training or evaluation) in a metrics file."""
    curves: dict[str, dict[int, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for text in metrics.read_text().splitlines():
        line = json.loads(text)
        if line["kind"] == kind:
            for agent, value in line.get("return", {}).items():
                curves[agent][line["seed"]][line["steps"]] = value
    return curves


def draw_curves(metrics: Path, evaluation: Evaluation, path: Path) -> None:
    """One panel for each agent: the return of every seed over training, its mean, and the yardsticks.

    Solid lines are greedy evaluations, faint ones training episodes with their exploration.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    training, greedy = read_returns(metrics, "training"), read_returns(metrics, "evaluation")
    agents = list(evaluation.seeds[0].agents)
    columns = min(3, len(agents))
    rows = -(-len(agents) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for index, agent in enumerate(agents):
        axes = figure.add_subplot(rows, columns, index + 1)
        for curves, opacity in ((training, 0.25), (greedy, 0.45)):
            for curve in curves[agent].values():
                axes.plot(list(curve), list(curve.values()), color="tab:blue", linewidth=0.8, alpha=opacity)
        seeds = list((greedy if greedy[agent] else training)[agent].values())
        if seeds:
            steps = sorted(set.intersection(*(set(curve) for curve in seeds)))
            axes.plot(
                steps,
                np.mean([[curve[step] for step in steps] for curve in seeds], axis=0),
                color="tab:blue",
                linewidth=2.0,
                label="trained",
            )
        score = evaluation.seeds[0].agents[agent]
        for label, value, color in (("scripted", score.scripted, "tab:green"), ("random", score.random, "tab:gray")):
            if value is not None:
                axes.axhline(value, color=color, linestyle="--", linewidth=1.0, label=label)
        axes.set(title=agent, xlabel="environment steps", ylabel="return of an episode")
        axes.ticklabel_format(axis="x", style="sci", scilimits=(0, 0))
        axes.grid(alpha=0.2)
    figure.axes[0].legend(fontsize="small")
    figure.suptitle(evaluation.environment)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    write_bytes(path, picture.getvalue())
