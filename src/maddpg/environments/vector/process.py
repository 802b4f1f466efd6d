"""A worker process as the main process sees it: started, spoken to, and buried."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from types import ModuleType

from maddpg.environments.vector.faults import Fault, FaultKind
from maddpg.environments.vector.worker import FAREWELL, TRACE_SIGNAL, Order, work

CONTEXT = multiprocessing.get_context("spawn")  # JAX has threads: a forked process might wait for ever for a lock of one of them
LOOK_SECONDS = 1.0  # between two looks at whether processes live whose pipes say nothing
TRACE_SECONDS = 1.0  # for a hanging worker to say where
TRACE_BYTES = 65_536

_starting = threading.Lock()


class WorkerProcess:
    """One worker process, or the one that came in its place."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.command = ""
        """The last command."""
        self.failures = 0
        """Deaths since the last good step."""
        self.start()

    def start(self) -> None:
        """Start a process; it boots while we go on."""
        self.connection, theirs = CONTEXT.Pipe()
        self._traces, their_traces = CONTEXT.Pipe(duplex=False)
        # Not a daemon, since those may have no processes of their own, and environments may.
        self._process = CONTEXT.Process(target=work, args=(self.order, theirs, their_traces), name="maddpg environments")
        with shielded_start():
            self._process.start()
        theirs.close()
        their_traces.close()

    @property
    def ended(self) -> bool:
        """Whether the process is dead. Its pipes may not tell: what its environments have forked holds the same ends of them."""
        return self._process.exitcode is not None

    def send(self, command: str, step: int) -> None:
        """Give a command. That the process is dead shows when its answer is missing."""
        self.command = command
        with contextlib.suppress(OSError):
            self.connection.send((command, step))

    def dismiss(self) -> None:
        """Let the process close its environments and end."""
        with contextlib.suppress(OSError):
            self.connection.send(FAREWELL)
        self.connection.close()

    def bury(self, kind: FaultKind, step: int, seconds: float) -> Fault:
        """Kill what is left of the process, and tell what happened.

        Args:
            kind: `died`, or `hung` for so many `seconds`.
            step: count of steps, for the record.
            seconds: how long it was waited for.
        """
        pid = self._process.pid
        assert pid is not None, "it was started"
        if kind == "hung":
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, TRACE_SIGNAL)
            wait([self._traces], TRACE_SECONDS)
            wait([self._process.sentinel], 0.1)  # until the rest of the traceback is written
            message = f"worker process {pid} did not answer for {seconds:g} s"
        self.kill()
        if kind == "died":
            message = f"worker process {pid} {describe_exit(self._process.exitcode)}"
        os.set_blocking(self._traces.fileno(), False)
        try:
            traceback = os.read(self._traces.fileno(), TRACE_BYTES).decode(errors="replace")
        except BlockingIOError:  # a process that it left behind holds the other end
            traceback = ""
        self.connection.close()
        self._traces.close()
        return Fault(kind, tuple(self.order.rows), step, message, traceback)

    def kill(self) -> None:
        """Kill the process and those that its environments started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it is no group yet, or nobody is left in it
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.kill()
        self._process.join()

    def finish(self, seconds: float) -> None:
        """Wait until the process, which was dismissed, has ended, at most so many seconds; then kill what is left of it."""
        end = time.monotonic() + seconds
        while not wait([self._process.sentinel], max(0, min(LOOK_SECONDS, end - time.monotonic()))):
            if self.ended or time.monotonic() >= end:
                break
        self.kill()
        self._traces.close()


def describe_exit(code: int | None) -> str:
    """How a process ended, from its exit code."""
    if code is None or code >= 0:
        return f"ended by itself with exit code {code}"
    name = signal.Signals(-code).name
    return f"was ended by {name}" + (", perhaps for want of memory" if name == "SIGKILL" else "")


@contextlib.contextmanager
def shielded_start() -> Iterator[None]:
    """While a process starts: it is not to run the user's script again, nor to end by a Ctrl-C before it can refuse it.

    Spawned processes run the main module a second time, which without `if __name__ == "__main__":` starts processes without end. Ours need
    nothing from it, because the factory is sent by value.
    """
    with _starting:
        resource_tracker.ensure_running()  # where it has to start, it would lift the block
        main, before = sys.modules["__main__"], signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
