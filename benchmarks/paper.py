"""The paper's tables and figures in full, and docs/paper.md from them: `python -m benchmarks.paper [TABLE ...]`.

What `maddpg reproduce TABLE` does, but results go into the package, from which everybody gets them, and figures into docs/images. What
is there already is not run again; without a table nothing is run and the page is made anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.tables import fill
from maddpg.cli.commands.reproduce import SHIPPED
from maddpg.paper import FULL, STUDIES, grids, plan
from maddpg.paper.figures import draw
from maddpg.paper.registry import choose_studies
from maddpg.paper.reproduce import Piece
from maddpg.training.shelf import Shelf

PAGE = Path(__file__).parent.parent / "docs" / "paper.md"
IMAGES = PAGE.parent / "images"
SHELF = Shelf(SHIPPED, Path("runs") / "paper" / "runs")


def table(name: str) -> list[str]:
    """A study's tables in every setting, from what is on the shelf, and its figure, if there is one."""
    lines: list[str] = []
    for grid in grids(STUDIES[name], SHELF, FULL, FULL.settings):
        lines += [f"**{grid.title}**", "", *grid.markdown(), ""]
    if _figure(name).is_file():
        return [*lines, f"![{STUDIES[name].title}](images/{_figure(name).name})"]
    return lines[:-1]


def costs() -> list[str]:
    """What each study cost in time, and how many of its runs are there."""
    lines = ["| table | setting | runs | seeds of each | minutes of training |", "|---|---|---|---|---|"]
    counted: list[Piece] = []
    for name, study in STUDIES.items():
        for setting in FULL.settings:
            pieces = [piece for piece in plan([study], SHELF, FULL, [setting]).pieces if piece.trains]
            runs = [piece for piece in pieces if not any(piece.same(other) for other in counted)]
            counted += runs
            done = [result for piece in runs if (result := piece.find(SHELF))]
            minutes = sum(result["training_minutes"] for result in done)
            seeds = " or ".join(map(str, sorted(set(study.seeds))))
            lines.append(f"| {name} | {setting} | {len(done)} of {len(runs)} | {seeds} | {minutes:.0f} |")
    return lines


def render(text: str) -> str:
    """The page with its tables made anew from the committed results."""
    return fill(text, {**{name: table(name) for name in STUDIES}, "costs": costs()})


def _figure(name: str) -> Path:
    return IMAGES / f"paper-{name}.png"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(STUDIES)}, or all; none: only make the page anew")
    tables = parser.parse_args().tables
    for study in choose_studies(tables) if tables else []:
        plan([study], SHELF, FULL, FULL.settings).carry_out()
    for name, study in STUDIES.items():
        draw(study, SHELF, FULL, FULL.settings, _figure(name))
    PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
