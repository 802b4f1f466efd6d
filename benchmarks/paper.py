"""The paper's tables and figures in full, and docs/paper.md from them: `python -m benchmarks.paper [TABLE ...] [--jobs N]`.

What `maddpg reproduce TABLE` does, but results go into the package, from which everybody gets them, and figures into docs/images. What
is there already is not run again; without a table nothing is run and the page is made anew.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables import fill
from maddpg.paper import FULL, SHIPPED, STUDIES, communication, covert, grids, plan
from maddpg.paper.figures import draw
from maddpg.paper.registry import choose_studies
from maddpg.paper.reproduce import Piece, Workshop
from maddpg.paper.settings import programs
from maddpg.paper.side_by_side import carry_out_side_by_side, require_jobs
from maddpg.paper.study import LineUp, Study
from maddpg.paper.tables import NOT_RUN
from maddpg.statistics import student_interval
from maddpg.training.shelf import Shelf

PAGE = Path(__file__).parent.parent / "docs" / "paper.md"
IMAGES = PAGE.parent / "images"
SINGLE = {"communication": (communication.NEAR,), "inference": (communication.NEAR,), "covert": (covert.BOB, covert.EVE)}
"""Study -> measures of which a seed has either much or little."""
LAST = 5  # lines of metrics.jsonl, 10,000 steps apart
SHELF = Shelf(SHIPPED, Path("runs") / "paper" / "runs")


def table(name: str) -> list[str]:
    """A study's tables in every setting, from what is on the shelf, and its figure, if there is one."""
    lines: list[str] = []
    for grid in grids(STUDIES[name], SHELF, FULL, FULL.settings):
        lines += [f"**{grid.title}**", "", *grid.markdown(), ""]
    if _figure(name).is_file():
        return [*lines, f"![{STUDIES[name].title}](images/{_figure(name).name})"]
    return lines[:-1]


def together(study: Study, world: str, setting: str, line_up: LineUp) -> list[dict[str, Any]]:
    """The results of a run whose sides learned together, of each program that is there."""
    pieces = [Workshop(study, SHELF, FULL, setting, world, seeds).together(line_up) for seeds in programs(study, FULL)]
    return [result for piece in pieces if (result := piece.find(SHELF))]


def single_seeds(name: str) -> list[str]:
    """What each seed of a study has by its `SINGLE` measures, where an interval hides that some seeds fail; nothing of strangers."""
    study = STUDIES[name]
    rows = [f"| {' | '.join([*study.sides.values(), '', *(f'{heading}: each seed' for heading in SINGLE[name])])} |"]
    rows.append("|---" * (len(study.sides) + 1 + len(SINGLE[name])) + "|")
    for (world, line_up), setting in itertools.product(itertools.product(study.worlds, study.line_ups), FULL.settings):
        played = {"": together(study, world, setting, line_up)}
        for team, about in study.afresh.items():
            pieces = [Workshop(study, SHELF, FULL, setting, world, seeds).afresh(line_up, team) for seeds in programs(study, FULL)]
            played[f", {about}"] = [result for piece in pieces if (result := piece.find(SHELF))]
        for about, results in played.items():
            values = [[value for result in results for value in result["means"][heading]] for heading in SINGLE[name]]
            cells = [", ".join(f"{100 * value:.0f}" for value in each) or NOT_RUN for each in values]
            rows.append(f"| {' | '.join([*line_up, setting + about, *cells])} |")
    return rows


def models() -> list[str]:
    """How far the models of others are from the policies at the end of training: a row for who models whom."""
    study, kind = STUDIES["inference"], ("inferred policies",)
    pairs = {
        "inference_kl/listener_0/speaker_0": "the listener's of the speaker",
        "inference_kl/speaker_0/listener_0": "the speaker's of the listener",
    }
    rows = [f"| model | {' | '.join(f'{setting}, nats' for setting in FULL.settings)} |", "|---" * (1 + len(FULL.settings)) + "|"]
    for pair, about in pairs.items():
        cells = []
        for setting in FULL.settings:
            ends = [np.mean(result["curves"]["models"][pair][-LAST:], axis=0) for result in together(study, "", setting, kind)]
            found = student_interval(np.concatenate(ends))
            cells.append(f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})")
        rows.append(f"| {about} | {' | '.join(cells)} |")
    return rows


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
    tables = {name: table(name) for name in STUDIES} | {f"{name}-seeds": single_seeds(name) for name in SINGLE}
    return fill(text, {**tables, "models": models(), "costs": costs()})


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
