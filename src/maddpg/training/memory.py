"""How much memory a run takes, estimated before any of it is taken."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager

import jax

from maddpg.names import one_line
from maddpg.training.loop import Loop
from maddpg.training.run_state import SEED_AXES
from maddpg.types import PyTree

SMALLER = "give a smaller replay_capacity or batch_size, or fewer environments or seeds"


def required_bytes(loop: Loop, seeds: int) -> int:
    """Bytes of a run's whole state, replay included, without allocating any."""
    return _bytes(loop.shapes(seeds))


def minibatch_bytes(loop: Loop, seeds: int) -> int:
    """Bytes of all that is drawn from the replays for one learning step, without allocating any."""
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), seeds))
    return _bytes(jax.eval_shape(jax.vmap(loop.store.batches, in_axes=(SEED_AXES, 0)), loop.shapes(seeds), keys))


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
    """The bytes that the run will take: its state, and the minibatches of a learning step.

    Raises:
        ValueError: they are more than nine tenths of what the device has.
    """
    required, available = required_bytes(loop, seeds) + minibatch_bytes(loop, seeds), available_bytes()
    if available is not None and required > 0.9 * available:
        raise ValueError(
            f"this run needs {gigabytes(required)} of memory ({_sizes(loop, seeds)}, {4 * loop.store.replay.width} bytes for each "
            f"transition), but the device has {gigabytes(available)}; {SMALLER}"
        )
    return required


@contextmanager
def exhaustion_told(loop: Loop) -> Iterator[None]:
    """Raise `ValueError`, in one line, where memory runs out after all: what networks hold in passing stands in no estimate."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        said = one_line(str(error).partition("RESOURCE_EXHAUSTED: ")[2].partition("\n")[0].rstrip("."))
        raise ValueError(f"memory ran out with {_sizes(loop, loop.training.seeds)} ({said}); {SMALLER}") from error


def gigabytes(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.2f} GiB"


def _sizes(loop: Loop, seeds: int) -> str:
    """What decides how much memory is taken."""
    training = loop.training
    sizes = {"batch_size": training.batch_size, "environments": training.environments, "seeds": seeds}
    return f"a replay of {loop.store.rows:_} transitions, " + ", ".join(f"{name} = {size:_}" for name, size in sizes.items())


def _bytes(shapes: PyTree) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))
