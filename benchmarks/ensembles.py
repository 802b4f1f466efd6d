"""What it is worth to be an ensemble, from the paper's tables: `python -m benchmarks.ensembles`.

Keep-away, physical deception and predator-prey, both settings, sides that were trained apart: what a side gains by being an ensemble of K
sub-policies in place of single policies, against single policies and against ensembles. Nothing is run: `python -m benchmarks.paper`
makes the results. The table goes into docs/paper.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks import paper
from benchmarks.tables import fill
from maddpg.paper import FULL, STUDIES, deception
from maddpg.paper.reproduce import Workshop
from maddpg.paper.settings import programs
from maddpg.paper.study import LineUp, Study
from maddpg.paper.tables import NOT_RUN, cell, strangers
from maddpg.statistics import Interval, jackknife_interval

MEASURED = {
    "ensembles-keep-away": "good agent succeeds, %",
    "ensembles-deception": deception.MARGIN,
    "ensembles-predator-prey": "touches an episode",
}
"""Study -> by what: the more, the better for its first side, and the worse for its second."""


def gains(tables: Mapping[LineUp, np.ndarray]) -> dict[tuple[int, str], Interval]:
    """(place of the side, kind of the others) -> what the side gains by being an ensemble, with a 95% jackknife interval.

    A seed that is left out is left out of all pairings, so that gains are differences of the same runs.

    Args:
        tables: for every line-up of two kinds, single policies first, what the first side gets: [seed of its kind, seed of the others'],
            NaN where two have not met.
    """
    single, ensemble = dict.fromkeys(kind for line_up in tables for kind in line_up)
    count = len(tables[single, single])
    everyone = {kind: np.arange(count) for kind in (single, ensemble)}

    def mean(line_up: LineUp, seeds: Mapping[str, np.ndarray]) -> float:
        return float(np.nanmean(tables[line_up][np.ix_(*(seeds[kind] for kind in line_up))]))

    def gain(side: int, others: str) -> Callable[[Mapping[str, np.ndarray]], float]:
        def of(seeds: Mapping[str, np.ndarray]) -> float:
            if side == 0:
                return mean((ensemble, others), seeds) - mean((single, others), seeds)
            return mean((others, single), seeds) - mean((others, ensemble), seeds)

        return of

    found = {}
    for side, others in ((side, others) for side in (0, 1) for others in (single, ensemble)):
        of = gain(side, others)
        left_out = [np.array([of(everyone | {kind: np.delete(everyone[kind], seed)}) for seed in range(count)]) for kind in everyone]
        found[side, others] = jackknife_interval(of(everyone), left_out)
    return found


def table() -> list[str]:
    """A row for each side that may be an ensemble, a column for each setting and kind of others."""
    beside = ("single policies", "ensembles")
    columns = [f"{setting}, against {others}" for setting in FULL.settings for others in beside]
    rows = [f"| world, by what | an ensemble of | {' | '.join(columns)} |", "|---" * (2 + len(columns)) + "|"]
    for name, heading in MEASURED.items():
        study = STUDIES[name]
        (measure,) = (measure for measure in study.measures if measure.heading == heading)
        found = {setting: _of_setting(study, setting, heading) for setting in FULL.settings}
        for side, who in enumerate(study.sides.values()):
            cells = [
                cell(measure, found[setting][side, others]) if found[setting] else NOT_RUN
                for setting in FULL.settings
                for others in study.kinds
            ]
            rows.append(f"| {study.environment}, {heading} | {who} | {' | '.join(cells)} |")
    return rows


def _of_setting(study: Study, setting: str, heading: str) -> dict[tuple[int, str], Interval]:
    """The gains, from the programs of which every pairing has been played; nothing where there is none."""
    (world,) = study.worlds
    played: dict[LineUp, list[list[list[float]]]] = {line_up: [] for line_up in study.line_ups}
    for seeds in programs(study, FULL):
        workshop = Workshop(study, paper.SHELF, FULL, setting, world, seeds)
        results = {line_up: workshop.apart(line_up).find(paper.SHELF) for line_up in study.line_ups}
        for line_up, result in results.items():
            if result and all(results.values()):
                played[line_up].append(result["means"][heading])
    return gains({line_up: strangers(tables) for line_up, tables in played.items()}) if all(played.values()) else {}


def render(text: str) -> str:
    """The page with its table made anew."""
    return fill(text, {"gains": table()})


if __name__ == "__main__":
    paper.PAGE.write_text(render(paper.PAGE.read_text()))
