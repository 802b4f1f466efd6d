"""The paper's tables with ours beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from maddpg.paper.reproduce import Piece, Workshop
from maddpg.paper.settings import Size, programs
from maddpg.paper.study import LineUp, Measure, Study
from maddpg.statistics import Interval, crossed_interval, student_interval
from maddpg.training.shelf import Shelf

TOGETHER, APART, NOT_RUN = "trained together", "trained apart", "not run yet"


@dataclass(frozen=True)
class Grid:
    """A table of words."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> list[str]:
        """Its lines."""
        return [f"| {' | '.join(row)} |" for row in (self.headings, ("---",) * len(self.headings), *self.rows)]


@dataclass(frozen=True)
class Row:
    """One way of playing a line-up: how it is set, who plays, how many seeds, and the mean of each measure over them, by heading."""

    setting: str
    who: str
    seeds: int
    means: dict[str, Interval] | None


def grids(study: Study, shelf: Shelf, size: Size, settings: Sequence[str]) -> list[Grid]:
    """A table for each world of a study, from what is on the shelf."""
    headings = (*study.sides.values(), "", "seeds", *(measure.heading for measure in study.measures))
    tables = []
    for world in study.worlds:
        lines: list[tuple[str, ...]] = []
        for line_up in study.line_ups:
            printed = study.printed.get((world, line_up), {})
            block = [("the paper", "", *(str(printed.get(measure.heading, "")) for measure in study.measures))] if printed else []
            for row in rows(study, shelf, size, settings, world, line_up):
                about = row.setting if row.who == "" else f"{row.setting}, {row.who}"
                if row.means is None:
                    block.append((about, NOT_RUN, *[""] * len(study.measures)))
                else:
                    block.append((about, str(row.seeds), *(cell(measure, row.means[measure.heading]) for measure in study.measures)))
            lines += [(*line_up, *line) for line in block]
        tables.append(Grid(f"{study.title}, {world}" if world else study.title, headings, tuple(lines)))
    return tables


def rows(study: Study, shelf: Shelf, size: Size, settings: Sequence[str], world: str, line_up: LineUp) -> list[Row]:
    """What there is of a line-up, in every setting."""
    found = []
    for setting in settings:
        workshops = [Workshop(study, shelf, size, setting, world, seeds) for seeds in programs(study, size)]
        if study.together:
            pieces = [each.together(line_up) for each in workshops]
            found.append(_row(study, setting, TOGETHER if study.apart else "", shelf, pieces, of_seeds))
        if study.apart:
            pieces = [each.apart(line_up) for each in workshops]
            found.append(_row(study, setting, APART, shelf, pieces, partial(of_strangers, same_runs=len(set(line_up)) == 1)))
        for team, name in study.afresh.items():
            found.append(_row(study, setting, name, shelf, [each.afresh(line_up, team) for each in workshops], of_seeds))
    return found


def of_seeds(programs: Sequence[Sequence[float]]) -> Interval:
    """The mean over seeds, [seed] of each program, with its interval."""
    return student_interval(np.concatenate([np.array(values, float) for values in programs]))


def of_strangers(programs: Sequence[Sequence[Sequence[float]]], same_runs: bool) -> Interval:
    """The mean over pairings of seeds that do not know each other, [seed, seed] of each program, with its interval."""
    return crossed_interval(strangers(programs), same_runs)


def strangers(programs: Sequence[Sequence[Sequence[float]]]) -> np.ndarray:
    """[seed, seed] for the seeds of all programs from [seed, seed] of each; NaN where a pairing does not count.

    Seeds of different programs have not met. Equal seeds do not count: they were trained together, or began with the weights of those who
    were.
    """
    tables = [np.array(values, float) for values in programs]
    ends = np.cumsum([0, *map(len, tables)])
    whole = np.full((ends[-1], ends[-1]), np.nan)
    for table, start in zip(tables, ends, strict=False):
        whole[start : start + len(table), start : start + len(table)] = table
    np.fill_diagonal(whole, np.nan)
    return whole


def _row(study: Study, setting: str, who: str, shelf: Shelf, pieces: Sequence[Piece], combine: Callable[..., Interval]) -> Row:
    results = [result for piece in pieces if (result := piece.find(shelf))]
    if not results:
        return Row(setting, who, 0, None)
    means = {
        measure.heading: measure.possible(combine([result["means"][measure.heading] for result in results])) for measure in study.measures
    }
    return Row(setting, who, sum(len(next(iter(result["means"].values()))) for result in results), means)


def cell(measure: Measure, found: Interval) -> str:
    """A mean with its interval."""
    estimate, low, high = (measure.text(float(value)) for value in (found.estimate, found.low, found.high))
    return estimate if np.isnan(found.low) else f"{estimate} ({low} to {high})"
