"""Progress on a terminal, or, where there is none, a line at intervals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from maddpg.training.progress import Progress as TrainingProgress

LINE_SECONDS = 10.0


def describe(progress: TrainingProgress) -> str:
    """Speed and returns in a few words."""
    returns = ", ".join(f"{value:.1f}" for value in progress.episode_return.values())
    return progress.speed + (f"  return {returns}" if returns else "")


@contextmanager
def training_progress(console: Console) -> Iterator[Callable[[TrainingProgress], None]]:
    """A bar with steps, speed, returns and the time left; lines where the output is not a terminal."""
    if not console.is_terminal:
        yield _lines(console)
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )
    with bar:
        task = bar.add_task("compiling", total=None)
        yield lambda progress: bar.update(task, description=describe(progress), completed=progress.steps, total=progress.total)


def _lines(console: Console) -> Callable[[TrainingProgress], None]:
    spoken = -LINE_SECONDS

    def tell(progress: TrainingProgress) -> None:
        nonlocal spoken
        now = time.perf_counter()
        if now - spoken >= LINE_SECONDS or progress.steps == progress.total:
            spoken = now
            ahead = f"  {progress.seconds_left:.0f} s left" if progress.steps_per_second else ""
            line = f"{progress.steps:>12_} of {progress.total:_} steps  {describe(progress)}{ahead}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)

    return tell


@contextmanager
def counting(console: Console, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar that counts up to `total`; silent where the output is not a terminal."""
    with Progress(
        TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.update(task, advance=count)
