"""A study's picture: curves over training where one team plays, means with intervals where two do."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maddpg.paper.curves import RETURN
from maddpg.paper.reproduce import Workshop
from maddpg.paper.settings import Size, programs
from maddpg.paper.study import Measure, Study
from maddpg.paper.tables import rows
from maddpg.storage.files import write_bytes
from maddpg.training.shelf import Shelf

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")


def draw(study: Study, shelf: Shelf, size: Size, settings: Sequence[str], path: Path) -> bool:
    """Draw what is on the shelf; False if there is nothing yet."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    something = _bars(figure, study, shelf, size, settings) if study.apart else _curves(figure, study, shelf, size, settings)
    if not something:
        return False
    figure.suptitle(study.title)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_bytes(path, picture.getvalue())
    return True


def _curves(figure: Any, study: Study, shelf: Shelf, size: Size, settings: Sequence[str]) -> bool:
    """A row for each setting and world, a column for each curve: the mean over seeds, and the band from the least to the greatest."""
    places = [(setting, world) for setting in settings for world in study.worlds]
    infers = any("inferred" in kind for kind in study.kinds)
    panels = {RETURN: "return, mean over agents", **study.curves, **({"models": "KL(policy || model), nats"} if infers else {})}
    figure.set_size_inches(4.2 * len(panels), 3.1 * len(places))
    something = False
    for row, (setting, world) in enumerate(places):
        for column, (name, title) in enumerate(panels.items()):
            axes = figure.add_subplot(len(places), len(panels), row * len(panels) + column + 1)
            for colour, kind in zip(COLOURS, study.kinds, strict=False):
                pieces = [Workshop(study, shelf, size, setting, world, seeds).together((kind,)) for seeds in programs(study, size)]
                results = [result["curves"] for piece in pieces if (result := piece.find(shelf))]
                if not results:
                    continue
                something = True
                for label, steps, values in _lines(results, name, kind):
                    colour_of = {} if name == "models" else {"color": colour}
                    (line,) = axes.plot(steps, values.mean(axis=1), label=label, **colour_of)
                    axes.fill_between(steps, values.min(axis=1), values.max(axis=1), alpha=0.15, color=line.get_color())
            axes.set(title=f"{title}\n{setting}{', ' if world else ''}{world}", xlabel="environment steps")
            axes.title.set_fontsize("medium")
            axes.ticklabel_format(axis="x", style="sci", scilimits=(0, 0))
            axes.grid(alpha=0.2)
            if axes.lines:
                axes.legend(fontsize="small")
    return something


def _lines(programs: Sequence[dict[str, Any]], name: str, kind: str) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(label, steps, [step, seed]) of what stands in one panel, seeds of all programs side by side."""
    if name != "models":
        tables = [curves["evaluation"] for curves in programs]
        return [(kind, np.array(tables[0]["steps"]), np.concatenate([np.array(table[name]) for table in tables], axis=1))]
    tables = [curves.get("models", {}) for curves in programs]
    found = []
    for pair in (key for key in tables[0] if key.startswith("inference_kl/")):
        _, learner, other = pair.split("/")
        values = np.concatenate([np.array(table[pair]) for table in tables], axis=1)
        found.append((f"{learner}'s model of {other}", np.array(tables[0]["steps"]), values))
    return found


def _bars(figure: Any, study: Study, shelf: Shelf, size: Size, settings: Sequence[str]) -> bool:
    """A row for each world of which there is anything, a column for each measure: every line-up, in print and as we played."""
    every = {world: [rows(study, shelf, size, settings, world, line_up) for line_up in study.line_ups] for world in study.worlds}
    shown = {world: found for world, found in every.items() if any(way.means for ways in found for way in ways)}
    if not shown:
        return False
    figure.set_size_inches(4.6 * len(study.measures), 3.6 * len(shown))
    for row, (world, found) in enumerate(shown.items()):
        for column, measure in enumerate(study.measures):
            axes = figure.add_subplot(len(shown), len(study.measures), row * len(study.measures) + column + 1)
            width = 0.8 / (1 + len(found[0]))
            for place, (line_up, ways) in enumerate(zip(study.line_ups, found, strict=True)):
                printed = study.printed.get((world, line_up), {}).get(measure.heading)
                if printed is not None:
                    axes.bar(place - 0.4, printed.value, width, color="lightgray", label="the paper")
                for number, way in enumerate(ways):
                    if way.means is None:
                        continue
                    mean, low, high = _scaled(measure, way.means[measure.heading])
                    errors = np.nan_to_num([[mean - low], [high - mean]])
                    label = f"{way.setting}, {way.who}"
                    axes.bar(place - 0.4 + (number + 1) * width, mean, width, yerr=errors, color=COLOURS[number], capsize=2, label=label)
            axes.set_xticks(range(len(found)), [" v. ".join(line_up) for line_up in study.line_ups], rotation=20, ha="right", fontsize=7)
            axes.set_title(f"{measure.heading}{', ' if world else ''}{world}", fontsize="medium")
            axes.grid(alpha=0.2, axis="y")
    handles = {label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles), fontsize="small")
    figure.axes[0].set_ylabel(" v. ".join(study.sides.values()), fontsize="small")
    return True


def _scaled(measure: Measure, interval: Any) -> np.ndarray:
    values = np.array([interval.estimate, interval.low, interval.high], float)
    return 100 * values if measure.percent else values
