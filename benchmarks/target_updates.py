"""When to move the targets: softly, hard every n learning steps, hard every n episodes: `python -m benchmarks.target_updates [WORLD ...]`.

20 seeds of each setting in one program, one critic, batch 256. Hard copies every n learning steps, and a soft target of the same mean lag
((n - 1) / 2 steps: tau = 2 / (n + 1)), for five n, in two worlds; and, in a world whose episodes end on success and so differ in length,
hard copies by learning steps and by episodes side by side. Consistency is (a) the spread of the final return between seeds, with a
bootstrap interval, and (b) within a run, how it wavers between evaluations and its largest drop over the last ones. The result goes into
docs/target_updates.md.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arguments import add_names
from benchmarks.cache import SHELF
from benchmarks.tables import fill
from maddpg.config import Config, WorldConfig, preset
from maddpg.environments.registry import resolve
from maddpg.storage.run_folder import RunFolder
from maddpg.training.trained import Trained

PAGE = Path(__file__).parent.parent / "docs" / "target_updates.md"
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "target_updates.png"
SEEDS, INTERVALS, LAST = 20, (2, 10, 50, 200, 500), 10
STEPS = {"simple_speaker_listener": 150_000, "simple_spread": 200_000}
BY_EPISODES = (20, 100, 400)  # completed episodes: 10, 50 and 200 learning steps at 25 steps an episode


def settings(world: str) -> dict[str, dict[str, Any]]:
    """Name -> what differs, in one world; `+` marks the one whose episodes end on success."""
    if world.endswith("+"):
        hard = {f"hard, every {2 * n // 4} updates": {"tau": 1.0, "target_interval": 2 * n // 4} for n in BY_EPISODES}
        episodes = {f"hard, every {n} episodes": {"tau": 1.0, "target_interval": n, "target_unit": "episodes"} for n in BY_EPISODES}
        return hard | episodes
    hard = {f"hard, every {n} updates": {"tau": 1.0, "target_interval": n} for n in INTERVALS}
    return hard | {f"soft, tau {2 / (n + 1):.3g}": {"tau": 2 / (n + 1)} for n in INTERVALS}


WORLDS = ("simple_speaker_listener", "simple_spread", "simple_speaker_listener+")


def config(world: str, changes: dict[str, Any]) -> Config:
    """A short run of the default preset with one critic and a small batch."""
    name = world.rstrip("+")
    base = preset("tuned", name)
    training = replace(base.training, steps=STEPS[name], seeds=SEEDS, seed=100, batch_size=256, evaluation_interval=5_000)
    algorithm = replace(base.algorithm, twin_critics=False, **changes)
    return resolve(
        replace(base, world=WorldConfig(terminate_on_success=True if world != name else None), algorithm=algorithm, training=training)
    )


def summarise(result: Trained, folder: RunFolder) -> dict[str, Any]:
    """Each seed's greedy evaluations, the learning steps between two moves of its targets, and its episodes."""
    curves: dict[str, list[float]] = defaultdict(list)
    moves: dict[str, list[float]] = defaultdict(list)
    for line in map(json.loads, folder.metrics.read_text().splitlines()):
        if line["kind"] == "evaluation":
            curves[str(line["seed"])].append(float(np.mean(list(line["return"].values()))))
        elif "target_moves" in line:
            moves[str(line["seed"])].append(float(np.mean(list(line["target_moves"].values()))))
    share = {seed: float(np.mean(values)) for seed, values in moves.items()}
    return {"steps_per_second": result.steps_per_second, "curves": curves, "target_moves": share}


def measures(run: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Estimate, and the bounds of a 95% bootstrap interval over seeds, of: the return (mean of the last evaluations), its standard
    deviation between seeds, and within a run its wavering (the standard deviation of differences of successive evaluations, divided by
    the root of 2) and the largest drop over its last evaluations.
    """
    curves = np.array(list(run["curves"].values()))[:, -LAST:]
    final = curves.mean(axis=1)
    drop = np.array([max(float(curve[i] - curve[i:].min()) for i in range(LAST)) for curve in curves])
    # Of successive evaluations, so that a run which still learns does not count as one that wavers.
    within = np.diff(curves, axis=1).std(axis=1, ddof=1) / np.sqrt(2)
    rows = np.random.default_rng(0).integers(0, len(curves), (2_000, len(curves)))

    def interval(values: np.ndarray, statistic: Any) -> tuple[float, float, float]:
        draws = statistic(values[rows], axis=1)
        return float(statistic(values, axis=0)), float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))

    def deviation(values: np.ndarray, axis: int) -> np.ndarray:
        return values.std(axis=axis, ddof=1)

    return {
        "return": interval(final, np.mean),
        "spread between seeds": interval(final, deviation),
        "wavering within a run": interval(within, np.mean),
        "largest drop": interval(drop, np.mean),
    }


def paired(run: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Estimate and bounds, seed by seed, of: the return less the other's, and the spread between seeds as a multiple of the other's.

    Equal seeds of two settings begin with the same weights and play the same evaluation episodes, which moves both alike.
    """
    mine, theirs = (np.array([np.mean(each["curves"][seed][-LAST:]) for seed in run["curves"]]) for each in (run, other))
    rows = np.random.default_rng(0).integers(0, len(mine), (2_000, len(mine)))
    less, times = (mine - theirs)[rows].mean(axis=1), mine[rows].std(axis=1, ddof=1) / theirs[rows].std(axis=1, ddof=1)
    found = {"return": (np.mean(mine - theirs), less), "spread": (mine.std(ddof=1) / theirs.std(ddof=1), times)}
    return {
        name: (float(value), float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))) for name, (value, draws) in found.items()
    }


def beside(world: str) -> dict[str, str]:
    """Setting -> the one that it is compared with: the hard one of the same age, by updates; those with the shortest interval."""
    names = list(settings(world))
    half = len(names) // 2
    return {name: names[place - half] if place >= half else names[0] for place, name in enumerate(names)}


def table(world: str) -> list[str]:
    """One row for each setting."""
    names = ("return", "spread between seeds", "wavering within a run", "largest drop")
    headings = ("targets", "updates between moves", *names, "return beyond", "spread, times")
    rows = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    runs = {name: SHELF.find(_name(world), config(world, changes)) for name, changes in settings(world).items()}
    for name, other in beside(world).items():
        run, against = runs[name], runs[other]
        if run is None or against is None:
            rows.append(f"| {name} | not run yet |{' |' * (len(headings) - 2)}")
            continue
        numbers, compared = measures(run), paired(run, against)
        between = 1 / float(np.mean(list(run["target_moves"].values())))
        intervals = [*(numbers[column] for column in names), *(compared.values() if name != other else ())]
        cells = [f"{value:.2f} ({low:.2f} to {high:.2f})" for value, low, high in intervals]
        rows.append(f"| {name} | {between:.1f} | {' | '.join([*cells, *[''] * (len(headings) - 2 - len(cells))])} |")
    return rows


def draw() -> None:
    """Return and spread between seeds against the mean lag of the target, hard and soft, once all of it has run."""
    from matplotlib.figure import Figure

    runs = {
        (world, kind): [SHELF.find(_name(world), config(world, changes)) for changes in _of_kind(world, kind)]
        for world in WORLDS[:2]
        for kind in ("hard", "soft")
    }
    if None in [run for found in runs.values() for run in found]:
        return
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    panels = figure.subplots(2, 2)
    for (world, kind), found in runs.items():
        done = [measures(run) for run in found if run is not None]
        for panel, measure in zip(panels[WORLDS.index(world)], ("return", "spread between seeds"), strict=True):
            middle, low, high = np.array([numbers[measure] for numbers in done]).T
            lag = [(n - 1) / 2 for n in INTERVALS]
            colour = "tab:red" if kind == "hard" else "tab:blue"
            panel.errorbar(lag, middle, [middle - low, high - middle], color=colour, marker="o", capsize=3, label=kind)
            panel.set(xscale="log", title=f"{world}: {measure}", xlabel="mean lag of the target, learning steps")
    panels[0][0].legend()
    figure.savefig(PICTURE, dpi=120)


def _of_kind(world: str, kind: str) -> list[dict[str, Any]]:
    return [changes for name, changes in settings(world).items() if name.startswith(kind)]


def _name(world: str) -> str:
    return f"target-updates-{world.replace('+', '-until-success')}"


def render(text: str) -> str:
    """The page with its tables made anew."""
    return fill(text, {world: table(world) for world in WORLDS})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_names(parser, "world", WORLDS)
    parser.add_argument("--tables", action="store_true", help="train nothing, make the tables from what is there")
    given = parser.parse_args()
    for world in () if given.tables else given.worlds:
        for changes in settings(world).values():
            SHELF.trained(_name(world), config(world, changes), summarise)
    PAGE.write_text(render(PAGE.read_text()))
    draw()


if __name__ == "__main__":
    main()
