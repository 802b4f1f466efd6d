"""How much memory a run takes, estimated before any of it is taken."""

from __future__ import annotations

import math
import os

import jax

from maddpg.training.loop import Loop


def required_bytes(loop: Loop, seeds: int) -> int:
    """Bytes of a run's whole state, replay included, without allocating any."""
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(loop.shapes(seeds)))


def available_bytes() -> int | None:
    """Memory of the device that JAX uses, or None where it cannot be told."""
    statistics = jax.devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        return int(statistics["bytes_limit"])
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def require_memory(loop: Loop, seeds: int) -> int:
    """The bytes that the run will take.

    Raises:
        ValueError: they are more than nine tenths of what the device has.
    """
    required, available = required_bytes(loop, seeds), available_bytes()
    if available is not None and required > 0.9 * available:
        raise ValueError(
            f"this run needs {gigabytes(required)} of memory ({seeds} seed(s) with {loop.store.replay.capacity:_} transitions of "
            f"{4 * loop.store.replay.width} bytes each), but the device has {gigabytes(available)}; "
            "give a smaller replay_capacity or fewer seeds"
        )
    return required


def gigabytes(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.2f} GiB"
