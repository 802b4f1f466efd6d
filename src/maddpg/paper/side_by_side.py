"""Several processes make what studies need, each on a core of its own.

These networks are small: a program gains a tenth from a second core, and programs that share cores lose most of their speed. So what many
cores are good for is many runs at a time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from pathlib import Path

import jax

from maddpg.paper.reproduce import plan
from maddpg.paper.settings import Size
from maddpg.paper.study import Study
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.training.interrupt import stop_on_interrupt
from maddpg.training.progress import Progress
from maddpg.training.shelf import Shelf, Stopped

LOOK = 1.0  # seconds between looks at whether somebody asked to stop


def require_jobs(jobs: int) -> None:
    """Raises `ValueError` unless there is a core for each of so many processes."""
    cores = len(_cores())
    if not 1 <= jobs <= cores:
        raise ValueError(f"--jobs must be from 1 to {cores}, the cores that are free to use here; got {jobs}")
    if jobs > 1 and jax.default_backend() != "cpu":
        raise ValueError(f"--jobs {jobs} is for a CPU, and an accelerator is used here: leave --jobs out, or set JAX_PLATFORMS=cpu")


def carry_out_side_by_side(studies: Sequence[Study], shelf: Shelf, size: Size, settings: Sequence[str], jobs: int) -> None:
    """Make what the plan of these studies lacks, and print a line about each piece. Whether something failed, the plan tells afterwards.

    Args:
        studies: with measures that can be sent to another process.
        shelf: where results lie.
        size: how much is trained and played.
        settings: of `settings.SETTINGS`.
        jobs: how many processes, as `require_jobs` allows.

    Raises:
        Stopped: on Ctrl-C or SIGTERM, once all have saved what they trained.
    """
    if not plan(studies, shelf, size, settings).missing:
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process in which JAX runs may hang
    shelves = (shelf.results, shelf.runs, shelf.shipped)
    processes = [context.Process(target=_work, args=(tuple(studies), shelves, size, tuple(settings), mine)) for mine in _shares(jobs)]
    with stop_on_interrupt() as stop:
        for process in processes:
            process.start()
        at_work = processes
        try:
            while at_work and not stop.asked:
                wait([process.sentinel for process in at_work], LOOK)
                at_work = [process for process in processes if process.is_alive()]
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.join()
    if stop.asked:
        raise Stopped(stop.signal)


def _shares(jobs: int) -> list[set[int]]:
    """The cores of each process: one of its own, or all for the only one."""
    return [{core} for core in _cores()[:jobs]] if jobs > 1 else [set(_cores())]


def _cores() -> list[int]:
    """Those that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _work(
    studies: tuple[Study, ...],
    shelves: tuple[Path, Path, Path | None],
    size: Size,
    settings: tuple[str, ...],
    cores: set[int],
) -> None:
    """What each process does."""
    os.setsid()  # a Ctrl-C is for the first process, which ends the others
    threading.Thread(target=_follow, daemon=True).start()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    enable_compilation_cache()
    with suppress(Stopped):
        plan(studies, Shelf(*shelves, say=_say, progress=_silence), size, settings).carry_out()


def _follow() -> None:
    """Stop when the first process is no more, however it ended."""
    first = multiprocessing.parent_process()
    if first is not None:
        wait([first.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _silence() -> Iterator[Callable[[Progress], None]]:
    """Lines of several runs at once would say nothing."""
    yield lambda _: None
