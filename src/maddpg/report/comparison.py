"""A comparison of algorithms for a terminal, and its picture."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from maddpg.evaluation.comparison import Comparison
from maddpg.report.standings import interval_text
from maddpg.statistics import Interval
from maddpg.storage.files import write_bytes

LONGEST = 8
"""Settings in which algorithms differ that are listed; all are in the JSON."""
FEW = 5
"""Fewer seeds than these have bootstrap intervals that hold the truth in three cases of four (docs/statistics.md)."""


def comparison_table(comparison: Comparison) -> Table:
    """A row for each algorithm."""
    several = len(comparison.tasks) > 1
    headings = ["", "seeds", "IQM", "mean", *(["median"] if several else []), *(["gap to 1"] if comparison.normalised else [])]
    training = any(row.area is not None for row in comparison.rows)
    table = Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False, caption=_caption(comparison))
    for place, heading in enumerate([*headings, *(["IQM while training"] if training else []), "P(above the first)", "p"]):
        table.add_column(heading, justify="left" if place == 0 else "right", overflow="fold")
    for number, row in enumerate(comparison.rows, 1):
        shown = [row.interquartile_mean, row.mean, row.median if several else None, row.optimality_gap, row.area]
        cells = [interval_text(interval, separator="\n") for interval in shown if interval is not None]
        seeds = ", ".join(str(len(scores)) for scores in row.contender.scores)
        above = "-" if row.above_first is None else interval_text(row.above_first, separator="\n")
        p_value = "-" if row.p_value is None else f"{row.p_value:.2g}"
        table.add_row(str(number), seeds, *cells, above, p_value)
    return table


def comparison_title(comparison: Comparison) -> str:
    """What is compared, in a line."""
    unit = ", 0 is random play and 1 scripted play" if comparison.normalised else ""
    return f"{', '.join(comparison.tasks)}: {comparison.score} of {comparison.side}{unit}"


def algorithm_lines(comparison: Comparison) -> Iterator[str]:
    """What each row's number stands for, and what tells it from the first."""
    for number, row in enumerate(comparison.rows, 1):
        words = [f"{name} = {value}" for name, value in row.contender.differs.items()]
        more = f", and {len(words) - LONGEST} more" if len(words) > LONGEST else ""
        yield f"{number} {row.contender.name}{': ' if words else ''}{', '.join(words[:LONGEST])}{more}"


def draw_comparison(comparisons: Sequence[Comparison], path: Path) -> None:
    """A row of panels for each side: interquartile means, profiles, and the learning curves of each task."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = 2 + max(len(comparison.steps) for comparison in comparisons)
    figure = Figure(figsize=(4.2 * columns, 3.4 * len(comparisons)), layout="constrained")
    FigureCanvasAgg(figure)
    for place, comparison in enumerate(comparisons):
        axes = [figure.add_subplot(len(comparisons), columns, place * columns + column + 1) for column in range(columns)]
        _draw_means(axes[0], comparison)
        for number, row in enumerate(comparison.rows):
            _draw_band(axes[1], comparison.thresholds, row.profile, number, row.contender.name)
        axes[1].set(title="share of runs above", xlabel=comparison.score, ylim=(0, 1.02))
        axes[1].legend(fontsize="x-small")
        for task, steps in enumerate(comparison.steps):
            for number, row in enumerate(comparison.rows):
                _draw_band(axes[2 + task], steps, row.curves[task], number, row.contender.name)
            axes[2 + task].set(title=f"{comparison.tasks[task]}, IQM while training", xlabel="environment steps")
        for panel in axes[2 + len(comparison.steps) :]:
            panel.set_axis_off()
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_bytes(path, picture.getvalue())


def _draw_means(axes: Any, comparison: Comparison) -> None:
    """Interquartile means with their intervals, the first algorithm at the top."""
    for number, row in enumerate(comparison.rows):
        interval = row.interquartile_mean
        axes.plot([interval.low, interval.high], [number, number], color=f"C{number}", linewidth=6, alpha=0.4)
        axes.plot(interval.estimate, number, "|", color=f"C{number}", markersize=14, markeredgewidth=2)
    axes.set_yticks(range(len(comparison.rows)), [row.contender.name for row in comparison.rows], fontsize="small")
    axes.invert_yaxis()
    axes.set(title=f"IQM of {comparison.side}", xlabel="normalised return" if comparison.normalised else comparison.score)
    axes.grid(alpha=0.2)


def _draw_band(axes: Any, positions: np.ndarray, band: Interval, number: int, label: str) -> None:
    axes.plot(positions, band.estimate, color=f"C{number}", label=label)
    axes.fill_between(positions, band.low, band.high, color=f"C{number}", alpha=0.2, linewidth=0)
    axes.grid(alpha=0.2)


def _caption(comparison: Comparison) -> str:
    """How to read the table."""
    seeds = [len(scores) for row in comparison.rows for scores in row.contender.scores]
    if max(seeds) == 1:
        return "one seed each: nobody knows how much seeds differ, so there are no intervals; train 5 or more"
    few = f": of {min(seeds)} seeds they are far too short; look at p, and train 5 or more" if min(seeds) < FEW else ""
    return f"with 95% bootstrap intervals over seeds{few}"
