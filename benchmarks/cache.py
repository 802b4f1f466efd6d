"""The shelf on which the benchmarks keep their results."""

from __future__ import annotations

from pathlib import Path

from maddpg.training.shelf import Shelf

RESULTS = Path(__file__).parent / "results"
SHELF = Shelf(RESULTS, Path("runs") / "benchmarks")
