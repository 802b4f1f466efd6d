"""What a handful of runs can show, by simulation: `python -m benchmarks.how_many_seeds`.

Of so many runs in one task, with normal scores: how often 95% intervals hold the truth, how often a difference is told where there is none,
and how large one must be to be told. The result goes into docs/statistics.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.stats import mannwhitneyu  # type: ignore[import-untyped]

from benchmarks.cache import RESULTS
from benchmarks.tables import fill
from maddpg.statistics import crossed_interval, interquartile_mean, mean, probability_of_improvement, stratified_interval, student_interval
from maddpg.storage.files import read_json, write_json

PAGE = Path(__file__).parent.parent / "docs" / "statistics.md"
RESULT = RESULTS / "how-many-seeds.json"
SEEDS, SIMULATIONS, DRAWS = (3, 5, 10, 20), 2_000, 1_000
DIFFERENCES = np.arange(0.5, 6, 0.25)  # in standard deviations between runs
SURE, OFTEN = 0.05, 0.8
"""A p-value below which a difference counts as told, and how often it must be."""
COLUMNS = {
    "mean": "a 95% bootstrap interval of the mean holds the truth",
    "interquartile mean": "of the IQM",
    "student": "Student's, of the mean",
    "strangers": "of meetings of strangers",
    "bold": "no difference, but the interval of P(above the first) misses 0.5",
    "false": f"no difference, but p below {SURE}",
}


def simulate(generator: np.random.Generator, runs: int) -> dict[str, float | None]:
    """Shares of simulations, by the keys of `COLUMNS`, and the least difference that is told in four comparisons of five, if any is.

    `mean` and `interquartile mean` are bootstrap intervals; `strangers` the one of pairings in which each run meets all others of its kind.
    """
    told: dict[str, list[bool]] = {name: [] for name in COLUMNS}
    for _ in range(SIMULATIONS):
        first, second = generator.normal(size=(2, runs))
        pairs = np.add.outer(*generator.normal(size=(2, runs)))
        intervals = {
            "mean": stratified_interval(mean, [first], draws=DRAWS),
            "interquartile mean": stratified_interval(interquartile_mean, [first], draws=DRAWS),
            "student": student_interval(first),
            "strangers": crossed_interval(np.where(np.eye(runs), np.nan, pairs), same_runs=True),
        }
        for name, interval in intervals.items():
            told[name].append(bool(interval.low <= 0 <= interval.high))
        above = stratified_interval(probability_of_improvement, [first], [second], draws=DRAWS)
        told["bold"].append(not above.low <= 0.5 <= above.high)
        told["false"].append(bool(_p_values(first, second) < SURE))
    enough = [difference for difference in DIFFERENCES if _power(generator, runs, difference) >= OFTEN]
    return {**{name: float(np.mean(each)) for name, each in told.items()}, "difference": float(enough[0]) if enough else None}


def _power(generator: np.random.Generator, runs: int, difference: float) -> float:
    """How often a difference is told."""
    first, second = generator.normal(difference, size=(SIMULATIONS, runs)), generator.normal(size=(SIMULATIONS, runs))
    return float(np.mean(_p_values(first, second) < SURE))


def _p_values(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of the last axis. In one task without ties `improvement_p_value` is this, but for the luck of its draws."""
    return np.asarray(mannwhitneyu(first, second, axis=-1, method="exact").pvalue)


def table() -> list[str]:
    """A row for each number of seeds."""
    headings = ("seeds of each", *COLUMNS.values(), "difference that shows, standard deviations")
    rows = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for runs, numbers in read_json(RESULT).items() if RESULT.is_file() else ():
        shares = [f"{100 * numbers[name]:.0f} in 100" for name in COLUMNS]
        difference = "none does" if numbers["difference"] is None else f"{numbers['difference']:g}"
        rows.append(f"| {' | '.join([runs, *shares, difference])} |")
    return rows


def render(text: str) -> str:
    """The page with its table made anew."""
    return fill(text, {"seeds": table()})


def main() -> None:
    generator = np.random.default_rng(0)
    write_json(RESULT, {str(runs): simulate(generator, runs) for runs in SEEDS})
    PAGE.write_text(render(PAGE.read_text()))
    print("\n".join(table()))


if __name__ == "__main__":
    main()
