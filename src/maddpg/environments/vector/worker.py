"""The worker process: obeys the main process, survives Ctrl-C, and goes when the main process goes."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from maddpg.environments.host import HostFactory
from maddpg.environments.vector.block import view_block
from maddpg.environments.vector.faults import EnvironmentFailed, Report, describe_exception
from maddpg.environments.vector.rows import Rows, Seed
from maddpg.types import EnvSpec

FAREWELL = ("close", 0)  # the last command: without it, the end of the pipe means that the main process has died
GRACE_SECONDS = 5.0  # for environments to close
TRACE_SIGNAL = signal.SIGUSR1  # asks for the traceback of an environment that hangs


@dataclass(frozen=True)
class Order:
    """All that a worker is born with."""

    factory: bytes
    """From `pack`."""
    spec: EnvSpec
    memory: Any
    """Shared memory of the block."""
    count: int
    """Environments of all workers."""
    rows: Sequence[int]
    """This worker's."""
    seed: Seed


def pack(factory: HostFactory) -> bytes:
    """A factory for worker processes. With `unpack`, the one place where code is serialised; it goes through pipes, never to a file.

    Raises ValueError for what cannot be sent, ImportError without cloudpickle.
    """
    try:
        cloudpickle = importlib.import_module("cloudpickle")
    except ImportError as error:
        raise ImportError('worker processes need cloudpickle: pip install "maddpg[pettingzoo]", or give workers = 0') from error
    try:
        return cloudpickle.dumps(factory)
    except Exception as error:
        raise ValueError(
            f"the environment's factory cannot be sent to worker processes ({describe_exception(error)[0]}): "
            "let it make inside itself what it holds, or give workers = 0"
        ) from error


def unpack(packed: bytes) -> HostFactory:
    """The factory again, in the worker process."""
    return importlib.import_module("cloudpickle").loads(packed)


def work(order: Order, commands: Connection, traces: Connection) -> None:
    """Obey commands, pairs of a name and the count of steps, until `FAREWELL`, or until the main process is no more.

    Args:
        order: what to work on.
        commands: pipe to the main process, for commands and reports.
        traces: where a traceback goes if this process crashes, or is asked by `TRACE_SIGNAL`.
    """
    settle(traces)
    rows: Rows | None = None
    dismissed = False
    with contextlib.suppress(EOFError, OSError):  # the main process has gone, or closed the pipe amid a command
        for command, step in iter(commands.recv, FAREWELL):
            if rows is None:
                try:
                    factory = unpack(order.factory)
                except Exception as error:
                    message, traceback = describe_exception(error)
                    words = f"the environment's factory does not arrive in worker processes: {message}"
                    commands.send(Report(error=EnvironmentFailed(words, traceback)))
                    continue
                rows = Rows(factory, order.spec, view_block(order.memory, order.spec, order.count), order.rows, order.seed)
            commands.send(rows.obey(command, step))
        dismissed = True
    if rows is not None:
        rows.close()
    if not dismissed:
        os.killpg(0, signal.SIGKILL)  # what environments have started; else the main process does it, once we have ended


def settle(traces: Connection) -> None:
    """Become a process that only the main process stops, with whatever processes its environments start."""
    os.setpgid(0, 0)  # Ctrl-C and Ctrl-Z in the terminal are not for us; and the whole group can be killed
    for number in (signal.SIGINT, signal.SIGTERM):
        # A handler and not SIG_IGN, which the environments' own processes would inherit, and no longer heed.
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
    faulthandler.enable(traces.fileno(), all_threads=False)
    faulthandler.register(TRACE_SIGNAL, traces.fileno(), all_threads=False)
    threading.Thread(target=follow, daemon=True).start()


def follow() -> None:
    """Go with the main process even where an environment hangs."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "only worker processes follow"
    parent.join()
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)
