"""The paper's tables and figures in full, and docs/paper.md from them: `python -m benchmarks.paper [TABLE ...] [--jobs N]`.

What `maddpg reproduce TABLE` does, but results go into the package, from which everybody gets them, and figures into docs/images. What
is there already is not run again; without a table nothing is run and the page is made anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.tables import fill
from maddpg.paper import FULL, SHIPPED, STUDIES, grids, plan
from maddpg.paper.figures import draw
from maddpg.paper.registry import choose_studies
from maddpg.paper.reproduce import Piece
from maddpg.paper.side_by_side import carry_out_side_by_side, require_jobs
from maddpg.paper.study import REACHED
from maddpg.training.shelf import Shelf

PAGE = Path(__file__).parent.parent / "docs" / "paper.md"
IMAGES = PAGE.parent / "images"
DRAWS = 400_000  # of a geometry: a share's standard error is below 0.1 points
SHELF = Shelf(SHIPPED, Path("runs") / "paper" / "runs")


def table(name: str) -> list[str]:
    """A study's tables in every setting, from what is on the shelf, and its figure, if there is one."""
    lines: list[str] = []
    for grid in grids(STUDIES[name], SHELF, FULL, FULL.settings):
        lines += [f"**{grid.title}**", "", *grid.markdown(), ""]
    if _figure(name).is_file():
        return [*lines, f"![{STUDIES[name].title}](images/{_figure(name).name})"]
    return lines[:-1]


def geometry() -> list[str]:
    """How those who know nothing stand by geometry alone, beside what the paper prints of them: what its units are inferred from."""
    generator = np.random.default_rng(0)

    def middle(landmarks: int) -> np.ndarray:
        """Distance of a landmark from the middle of all."""
        places = generator.uniform(-1, 1, (DRAWS, landmarks, 2))
        return np.asarray(np.linalg.norm(places[:, 0] - places.mean(axis=1), axis=-1))

    def share(distance: np.ndarray) -> str:
        return f"{np.mean(distance < REACHED):.1%}"

    listener, pair, four = middle(3), middle(2), middle(4)
    agents, landmarks = generator.uniform(-1, 1, (2, DRAWS // 10, 6, 2))
    standing = np.linalg.norm(agents[:, :, None] - landmarks[:, None], axis=-1).min(axis=1).sum(axis=1)
    rows = (
        (f"a listener in the middle of three landmarks ends within {REACHED} of one", share(listener), "32.0% ? (DDPG)"),
        ("its mean distance", f"{listener.mean():.3f}", ""),
        ("its mean squared distance", f"{np.mean(listener**2):.3f}", "0.456 ? (DDPG)"),
        (f"an adversary in the middle of two landmarks ends within {REACHED} of one", share(pair), "39.2% ? (both MADDPG)"),
        ("of four", share(four), "28.3% ? (both MADDPG)"),
        (
            "six agents that stay where they begin: sum over six landmarks of the nearest agent's distance",
            f"{standing.mean():.2f}",
            "3.345 ? (MADDPG)",
        ),
    )
    return ["| who knows or does nothing | by geometry | the paper |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]


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
    return fill(text, {**{name: table(name) for name in STUDIES}, "geometry": geometry(), "costs": costs()})


def _figure(name: str) -> Path:
    return IMAGES / f"paper-{name}.png"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(STUDIES)}, or all; none: only make the page anew")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each on a core of its own")
    arguments = parser.parse_args()
    try:
        require_jobs(arguments.jobs)
        studies = choose_studies(arguments.tables) if arguments.tables else []
    except ValueError as error:
        parser.error(str(error))
    if studies:
        carry_out_side_by_side(studies, SHELF, FULL, FULL.settings, arguments.jobs)
    for name, study in STUDIES.items():
        draw(study, SHELF, FULL, FULL.settings, _figure(name))
    PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
