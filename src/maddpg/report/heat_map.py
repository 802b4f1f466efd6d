"""The picture of a cross-play: a matrix as a heat map, with its numbers in it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from maddpg.evaluation.standings import Standings
from maddpg.storage.files import write_bytes


def draw_heat_map(standings: Standings, path: Path) -> None:
    """A panel for each side: its mean return for every run in the rows beside every run in the columns.

    A frame stands around a run beside itself. Colours are those of each side's own returns: yellow is what that side likes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    runs, sides = len(standings.runs), len(standings.sides)
    size = 1.8 + 0.75 * runs
    figure = Figure(figsize=(sides * (size + 1.2), size + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    rows, columns = standings.roles
    for side, name in enumerate(standings.sides):
        axes = figure.add_subplot(1, sides, side + 1)
        means = standings.matrix.estimate[..., side]
        image = axes.imshow(means, cmap="viridis")
        middle = (np.max(means) + np.min(means)) / 2
        for row, column in np.ndindex(means.shape):
            colour = "black" if means[row, column] > middle else "white"
            axes.text(column, row, f"{means[row, column]:.1f}", ha="center", va="center", fontsize=8, color=colour)
        for row in range(runs):
            axes.add_patch(Rectangle((row - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="tab:red", linewidth=1.2))
        axes.set_xticks(range(runs), standings.runs, rotation=40, ha="right", fontsize=8)
        axes.set_yticks(range(runs), standings.runs, fontsize=8)
        axes.set(title=f"return of {name}", xlabel=f"{columns} of", ylabel=f"{rows} of")
        figure.colorbar(image, ax=axes, shrink=0.8)
    figure.suptitle(f"{standings.environment}: {standings.episodes:,} episodes of every two seeds")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    write_bytes(path, picture.getvalue())
