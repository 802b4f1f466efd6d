"""maddpg compare."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from maddpg.cli.checks import make_out_folder
from maddpg.cli.saying import program
from maddpg.cli.trusted import read_run
from maddpg.evaluation.comparison import Comparison
from maddpg.report.comparison import algorithm_lines, comparison_table, comparison_title, draw_comparison
from maddpg.storage.files import without_nan, write_json
from maddpg.training.outcomes import EVERYBODY, compare_runs, read_outcome


@dataclass(frozen=True)
class Compare:
    """Compare runs by their final evaluations: interquartile means with intervals, and how likely each beats the first."""

    run_folders: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="RUN")]]
    """The folders of runs, in one world or several. Those of the same settings but for seed and world count as one algorithm."""
    metric: str = "score"
    """score: the return, where 0 is random play and 1 is scripted play, or the plain return where teams compete or nobody has written any;
    return: the plain one; or a metric of the world, such as collisions."""
    team: str | None = None
    """Whose. Left out: each team's, in a table of its own."""
    out: Path | None = None
    """A folder for comparison.json and comparison.png. Left out: nothing is written."""
    json: bool = False
    """Print one JSON object and nothing else on standard output."""

    def run(self) -> int:
        """Read, compare, print, write; the exit code."""
        if len(self.run_folders) < 2:
            raise ValueError("compare needs two runs or more; `maddpg evaluate RUN` shows a single one")
        for folder in self.run_folders:
            read_run(folder)
        outcomes = [read_outcome(folder) for folder in self.run_folders]
        make_out_folder(self.out)
        comparisons = compare_runs(outcomes, self.metric, self.team)
        self._print(comparisons)
        if self.out is not None:
            write_json(self.out / "comparison.json", _tables(comparisons))
            draw_comparison(comparisons, self.out / "comparison.png")
        if not self.json:
            Console(stderr=True).print(self._following(comparisons[0].side), highlight=False, markup=False, soft_wrap=True)
        return 0

    def _print(self, comparisons: Sequence[Comparison]) -> None:
        if self.json:
            print(json.dumps(without_nan(_tables(comparisons)), allow_nan=False))
            return
        console = Console()
        for comparison in comparisons:
            console.print(comparison_title(comparison), highlight=False, markup=False, soft_wrap=True)
            console.print(comparison_table(comparison))
        for line in algorithm_lines(comparisons[0]):
            console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _following(self, side: str) -> str:
        """What to type next: for teams that compete, what compares them fairly."""
        if self.out is not None:
            return f"written: {self.out / 'comparison.json'}, {self.out / 'comparison.png'}"
        runs = " ".join(map(str, self.run_folders))
        if side != EVERYBODY:
            return f"each team met its own opponents only; next: {program()} crossplay {runs}"
        return "next: add --out DIR for profiles, learning curves and all numbers"


def _tables(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    return {"comparisons": [comparison.to_dict() for comparison in comparisons]}
