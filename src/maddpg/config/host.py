"""How environments in Python are run (docs/environments.md)."""

from __future__ import annotations

import os
from dataclasses import dataclass

from maddpg.config.checks import LARGEST_COUNT, require


@dataclass(frozen=True)
class HostConfig:
    """How environments in Python are run. Worlds on the device take none of this."""

    workers: int | None = None
    """Processes among which the environments are shared. Left out: one for each core that this process may use; 0: none, they step in
    this one."""
    time_limit: int | None = None
    """Steps after which an episode is cut off, as a time limit: its value goes on. Left out: what the environment says of itself, or
    1000."""
    step_timeout: float = 60.0
    """Seconds that a worker may take for one step of its environments before it counts as hanging, and is replaced."""
    max_faults: int = 100
    """So many times an environment may fail, die or hang in a run and be replaced; once more ends the run."""

    def __post_init__(self) -> None:
        require(self.workers is None or 0 <= self.workers <= 1024, "workers", self.workers, "must lie between 0 and 1024, or be left out")
        within = self.time_limit is None or 1 <= self.time_limit <= LARGEST_COUNT
        require(within, "time_limit", self.time_limit, "must be at least 1, or left out")
        require(0 < self.step_timeout <= 1e6, "step_timeout", self.step_timeout, "must be above 0 and at most a million seconds")
        require(0 <= self.max_faults <= LARGEST_COUNT, "max_faults", self.max_faults, "must be at least 0")

    @property
    def worker_count(self) -> int:
        """Processes for one seed."""
        return usable_cores() if self.workers is None else self.workers


def usable_cores() -> int:
    """Cores that this process may use: a container or `taskset` may have left it fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
