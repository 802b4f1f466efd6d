"""maddpg reproduce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from maddpg.cli.checks import make_out_folder
from maddpg.cli.progress import training_progress
from maddpg.paper import FULL, QUICK, SHIPPED, Grid, Plan, Size, grids, plan
from maddpg.paper.figures import draw
from maddpg.paper.registry import ALL, STUDIES, choose_studies
from maddpg.paper.side_by_side import carry_out_side_by_side, require_jobs
from maddpg.paper.study import Study
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import write_bytes
from maddpg.training.shelf import Shelf, Stopped


@dataclass(frozen=True)
class Reproduce:
    """Make tables and figures of the MADDPG paper: train what they need, play it, and put it beside the paper's numbers."""

    tables: tyro.conf.Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="TABLE", help=f"Which: {', '.join(STUDIES)}, or {ALL}.")]]
    quick: bool = False
    """Two seeds, few steps, the setting tuned alone: the shape of each table in a few minutes."""
    settings: tuple[Literal["paper", "tuned"], ...] = ()
    """paper: the released code's hyper-parameters, dynamics, rewards and actions. tuned: our preset in mpe2's worlds. Left out: both, with
    --quick the second."""
    afresh: bool = False
    """Leave out the results that come with this package. What is in --out is taken in any case."""
    jobs: int = 1
    """How many processes share the work, each on a core of its own. On a CPU; each takes up to 4 GB of memory, with --quick 1 GB."""
    out: Path = Path("runs") / "paper"
    """A folder for the tables, the figures, what is made here and its runs. Typed again, the same line goes on where it was stopped."""

    def run(self) -> int:
        """Train what is missing, print, draw; the exit code."""
        studies = choose_studies(self.tables)
        require_jobs(self.jobs)
        size = QUICK if self.quick else FULL
        settings = tuple(dict.fromkeys(self.settings)) or size.settings
        console = Console(stderr=True)

        def say(line: str) -> None:
            console.print(line, highlight=False, markup=False, soft_wrap=True)

        import matplotlib  # noqa: F401  # rather now than after an hour's training

        make_out_folder(self.out)
        enable_compilation_cache()
        shipped = None if self.afresh else SHIPPED
        shelf = Shelf(self.out / "results", self.out / "runs", shipped, say, lambda: training_progress(console))
        missing = 0
        try:
            if self.jobs > 1:
                carry_out_side_by_side(studies, shelf, size, settings, self.jobs)
            for study in studies:
                planned = plan([study], shelf, size, settings)
                say(f"{study.name}: {_planned(planned, self.afresh)}")
                if self.jobs == 1:
                    planned.carry_out()
                missing += len(planned.missing)
                self._show(study, shelf, size, settings)
        except Stopped as stopped:
            say("stopped; typed again, the same line goes on")
            return 128 + (stopped.signal or 2)
        say(f"written: {self.out}")
        if missing:
            say(f"{missing} results are missing, those that failed; typed again, the same line tries them once more")
        return 1 if missing else 0

    def _show(self, study: Study, shelf: Shelf, size: Size, settings: Sequence[str]) -> None:
        tables = grids(study, shelf, size, settings)
        for table in tables:
            Console().print(_table(table))
        lines = [line for table in tables for line in (f"## {table.title}", "", *table.markdown(), "")]
        stem = f"{study.name}-quick" if self.quick else study.name
        write_bytes(self.out / f"{stem}.md", "\n".join(lines).encode())
        draw(study, shelf, size, settings, self.out / f"{stem}.png")


def _planned(planned: Plan, afresh: bool) -> str:
    missing, count = len(planned.missing), len(planned.pieces)
    there = f"{count - missing} of {count} results are there"
    if missing:
        return f"{there}, {missing} to make"
    return there if afresh else f"{there}; add --afresh --out DIR to train them all here"


def _table(grid: Grid) -> Table:
    """For a terminal. A ? stands behind a number of the paper that nobody could look up again."""
    caption = "mean (95% interval over seeds); ? is from memory of the paper's appendix"
    table = Table(title=grid.title, caption=caption, box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for heading in grid.headings:
        table.add_column(heading, overflow="fold")
    for row in grid.rows:
        table.add_row(*row)
    return table
