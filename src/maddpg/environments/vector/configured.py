"""Vectors as a run's configuration wants them."""

from __future__ import annotations

import numpy as np

from maddpg.config import HostConfig
from maddpg.environments.host import HostWorld
from maddpg.environments.vector.vector import Vector


def open_vector(world: HostWorld, host: HostConfig, count: int, workers: int, seed: int, first_lengths: np.ndarray | None = None) -> Vector:
    """So many environments of one seed, in at most so many processes; `first_lengths` as `Vector` takes it."""
    return Vector(
        world.factory,
        count,
        min(workers, count),
        seed=seed,
        spec=world.spec,
        first_lengths=first_lengths,
        step_timeout=host.step_timeout,
        max_faults=host.max_faults,
    )


def share_workers(host: HostConfig, seeds: int) -> list[int]:
    """Worker processes of each seed: at least one, unless there are to be none at all."""
    workers = host.worker_count
    return [max(1, workers // seeds) if workers else 0] * seeds
