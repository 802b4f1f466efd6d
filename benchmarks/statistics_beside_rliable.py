"""Our statistics beside rliable, the package of Agarwal et al. 2021: `python -m benchmarks.statistics_beside_rliable [--python PATH]`.

Both get the same scores: of one task and of several, few runs and more, with ties, and the committed runs behind the README's scores.
What is computed once (aggregates, the probability of improvement, profiles) must agree to rounding. Intervals come from each side's own
random draws, 10,000 of them (profiles: 1,000), so their ends are compared as a share of the interval's width.

rliable has a virtual environment of its own, since it does not import beside current pandas: PATH is its python, or one is made in
runs/peers/rliable."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cache import RESULTS
from benchmarks.tables import fill
from maddpg.statistics import (
    Tasks,
    improvement_p_value,
    interquartile_mean,
    mean,
    median,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
    stratified_interval,
)
from maddpg.storage.files import read_json, write_json

PAGE = Path(__file__).parent.parent / "docs" / "statistics.md"
RESULT = RESULTS / "statistics-beside-rliable.json"
PACKAGES = ("rliable", "pandas<3")
DRAWS, PROFILE_DRAWS, THRESHOLDS = 10_000, 1_000, np.linspace(-1, 3, 41)
AGGREGATES: dict[str, Callable[[Tasks], np.ndarray]] = {
    "interquartile mean": interquartile_mean,
    "mean": mean,
    "median": median,
    "optimality gap": optimality_gap,
}

THEIRS = """
import json, sys
from importlib.metadata import version
import numpy as np
from rliable import library, metrics

asked = json.load(sys.stdin)
functions = {
    "interquartile mean": metrics.aggregate_iqm,
    "mean": metrics.aggregate_mean,
    "median": metrics.aggregate_median,
    "optimality gap": metrics.aggregate_optimality_gap,
}
answer = {}
for name, case in asked["cases"].items():
    first, second = np.array(case["first"]), np.array(case["second"])
    found = {}
    for each, function in functions.items():
        point, bounds = library.get_interval_estimates({"x": first}, lambda s: np.array([function(s)]), reps=asked["draws"])
        found[each] = [float(point["x"][0]), *map(float, bounds["x"][:, 0])]
    improvement = lambda x, y: np.array([metrics.probability_of_improvement(x, y)])
    point, bounds = library.get_interval_estimates({"x,y": (first, second)}, improvement, reps=asked["draws"])
    found["probability of improvement"] = [float(point["x,y"][0]), *map(float, bounds["x,y"][:, 0])]
    profile, bands = library.create_performance_profile({"x": first}, np.array(asked["thresholds"]), reps=asked["profile_draws"])
    found["profile"] = [profile["x"].tolist(), *bands["x"].tolist()]
    answer[name] = found
versions = {package: version(package) for package in ("rliable", "arch", "numpy", "pandas", "scipy")}
print(json.dumps({"versions": versions, "cases": answer}))
"""
"""What runs in the other environment: cases as JSON, scores [run, task]; for each statistic an estimate and its bounds."""


def committed(variant: str) -> np.ndarray:
    """Normalised returns [run, task] of the runs behind the README's scores."""
    tasks = []
    for world in ("simple", "simple_speaker_listener", "simple_spread"):
        (path,) = RESULTS.glob(f"mpe2-scores-{world}-{variant}-*.json")
        seeds = read_json(path)["evaluations"][0]["seeds"]
        tasks.append([np.mean([agent["normalised"] for agent in seed["agents"].values()]) for seed in seeds])
    return np.array(tasks).T


def cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Scores [run, task] of two algorithms."""
    generator = np.random.default_rng(0)
    return {
        "1 task, 5 runs": (generator.normal(0.8, 0.3, (5, 1)), generator.normal(0.5, 0.3, (5, 1))),
        "1 task, 10 runs": (generator.normal(0.8, 0.3, (10, 1)), generator.normal(0.5, 0.3, (10, 1))),
        "5 tasks, 10 runs": (generator.normal(0.8, 0.5, (10, 5)), generator.normal(0.6, 0.5, (10, 5))),
        "8 tasks, 5 runs": (generator.lognormal(-0.5, 0.8, (5, 8)), generator.lognormal(-0.7, 0.8, (5, 8))),
        "3 tasks, 8 runs, ties": (generator.integers(0, 4, (8, 3)) / 2, generator.integers(0, 3, (8, 3)) / 2),
        "3 worlds, 5 seeds": (committed("tuned"), committed("plain")),
    }


def by_us(first: np.ndarray, second: np.ndarray) -> dict[str, list[Any]]:
    """Every statistic with its bounds, as the other side tells them."""
    tasks, others = list(first.T.astype(float)), list(second.T.astype(float))
    intervals = {name: stratified_interval(function, tasks, draws=DRAWS) for name, function in AGGREGATES.items()}
    intervals["probability of improvement"] = stratified_interval(probability_of_improvement, tasks, others, draws=DRAWS)
    intervals["profile"] = stratified_interval(lambda drawn: performance_profile(drawn, THRESHOLDS), tasks, draws=PROFILE_DRAWS)
    return {name: [each.estimate.tolist(), each.low.tolist(), each.high.tolist()] for name, each in intervals.items()}


def measure(python: Path) -> dict[str, Any]:
    """All cases by both, and how far they are apart."""
    scores = cases()
    asked = {
        "cases": {name: {"first": first.tolist(), "second": second.tolist()} for name, (first, second) in scores.items()},
        "draws": DRAWS,
        "profile_draws": PROFILE_DRAWS,
        "thresholds": THRESHOLDS.tolist(),
    }
    told = subprocess.run([python, "-c", THEIRS], input=json.dumps(asked), capture_output=True, text=True, check=True)
    theirs = json.loads(told.stdout.splitlines()[-1])
    found = {name: {"ours": by_us(*both), "rliable": theirs["cases"][name]} for name, both in scores.items()}
    return {"draws": DRAWS, "profile_draws": PROFILE_DRAWS, "versions": theirs["versions"], "cases": found}


def differences(result: dict[str, Any], statistic: str) -> tuple[float, float]:
    """The largest difference of the estimates, and of the bounds as a share of the interval's width, over all cases."""
    estimates, bounds = [0.0], [0.0]
    for case in result["cases"].values():
        ours, theirs = (np.array(case[side][statistic], float) for side in ("ours", "rliable"))
        estimates.append(float(np.abs(ours[0] - theirs[0]).max()))
        width = np.atleast_1d(theirs[2] - theirs[1])
        apart = np.abs(np.atleast_2d((ours - theirs)[1:].T)).max(axis=1)
        bounds.append(float((apart[width > 0] / width[width > 0]).max(initial=0.0)))
    return max(estimates), max(bounds)


def table() -> list[str]:
    """A row for each statistic."""
    rows = ["| statistic | largest difference of the estimate | of a bound, as a share of the interval |", "|---|---|---|"]
    if not RESULT.is_file():
        return rows
    result = read_json(RESULT)
    for statistic in (*AGGREGATES, "probability of improvement", "profile"):
        estimate, bound = differences(result, statistic)
        rows.append(f"| {statistic} | {estimate:.0e} | {100 * bound:.1f}% |")
    return rows


def example() -> list[str]:
    """The README's runs in the form of `maddpg compare`."""
    rows = ["| 3 worlds, 5 seeds each | IQM | mean | median | gap to 1 | P(above the first) | p |", "|---" * 7 + "|"]
    runs = {"one critic": committed("plain"), "twin critics": committed("tuned")}
    first = list(runs["one critic"].T)
    for name, scores in runs.items():
        tasks = list(scores.T)
        cells = [stratified_interval(function, tasks) for function in AGGREGATES.values()]
        beside = ["-", "-"]
        if name != "one critic":
            cells.append(stratified_interval(probability_of_improvement, tasks, first))
            beside = [f"{improvement_p_value(tasks, first):.2g}"]
        words = [f"{each.estimate:.3f} ({each.low:.3f} to {each.high:.3f})" for each in cells]
        rows.append(f"| {name} | {' | '.join([*words, *beside])} |")
    return rows


def render(text: str) -> str:
    """The page with its tables made anew."""
    return fill(text, {"rliable": table(), "example": example()})


def make_environment(place: Path) -> Path:
    """The python of a virtual environment with rliable, made if it is not there."""
    python = place / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, help="the python of an environment with rliable; left out, one is made")
    python = parser.parse_args().python or make_environment(Path("runs") / "peers" / "rliable")
    write_json(RESULT, measure(python))
    PAGE.write_text(render(PAGE.read_text()))
    print("\n".join(table()))


if __name__ == "__main__":
    main()
