"""Who steps the environments: this process, one after another, or worker processes at the same time."""

from __future__ import annotations

import time
from multiprocessing.connection import wait
from typing import Protocol

import numpy as np

from maddpg.environments.host import HostFactory
from maddpg.environments.vector.block import Block, block_bytes, view_block
from maddpg.environments.vector.faults import IN_A_ROW, EnvironmentFailed, FaultKind, Report
from maddpg.environments.vector.process import CONTEXT, LOOK_SECONDS, WorkerProcess
from maddpg.environments.vector.rows import Rows, Seed
from maddpg.environments.vector.worker import GRACE_SECONDS, Order, pack
from maddpg.types import EnvSpec


class Crew(Protocol):
    """Whoever steps the environments."""

    block: Block

    def send(self, command: str, step: int) -> None:
        """Give a command of `Rows.obey` to all."""
        ...

    def receive(self) -> list[Report]:
        """Wait until all have obeyed."""
        ...

    def close(self) -> None:
        """Close all environments."""
        ...


class LocalCrew:
    """This process itself. An environment that hangs or ends the process does so here too."""

    def __init__(self, factory: HostFactory, spec: EnvSpec, count: int, seed: Seed) -> None:
        self.block = view_block(bytearray(block_bytes(spec, count)), spec, count)
        self._rows = Rows(factory, spec, self.block, range(count), seed)
        self._commands: list[tuple[str, int]] = []

    def send(self, command: str, step: int) -> None:
        """Remember the command."""
        self._commands.append((command, step))

    def receive(self) -> list[Report]:
        """Obey it. After an interrupt it is not begun again."""
        return [self._rows.obey(*self._commands.pop())] if self._commands else []

    def close(self) -> None:
        """Close all environments."""
        self._rows.close()


class ProcessCrew:
    """Worker processes with an even share of the environments each. One that dies or hangs is replaced, with all its environments."""

    def __init__(
        self, factory: HostFactory, spec: EnvSpec, count: int, workers: int, seed: Seed, step_timeout: float, start_timeout: float
    ) -> None:
        packed = pack(factory)
        memory = CONTEXT.RawArray("b", block_bytes(spec, count))  # its file has no name, so that nothing is left behind
        self.block = view_block(memory, spec, count)
        self._seconds = {"step": step_timeout, "reset": start_timeout, "replace": start_timeout}
        shares = [range(int(part[0]), int(part[-1]) + 1) for part in np.array_split(np.arange(count), workers)]
        self._workers = [WorkerProcess(Order(packed, spec, memory, count, rows, seed)) for rows in shares]
        self._waiting: set[WorkerProcess] = set()
        self._reports: list[Report] = []
        self._step = 0

    def send(self, command: str, step: int) -> None:
        """Give a command to all workers, who obey while we go on."""
        self._step = step
        for worker in self._workers:
            self._waiting.add(worker)
            worker.send(command, step)

    def receive(self) -> list[Report]:
        """Wait for all workers. After an interrupt it may be called again."""
        deadlines = {worker: time.monotonic() + self._seconds[worker.command] for worker in self._waiting}
        while self._waiting:
            speakers = {worker.connection: worker for worker in self._waiting}
            patience = min(LOOK_SECONDS, min(deadlines[worker] for worker in self._waiting) - time.monotonic())
            ready = [speakers[connection] for connection in wait(list(speakers), max(0, patience))]  # type: ignore[index]
            for worker in ready:
                try:
                    self._reports.append(worker.connection.recv())
                except (EOFError, OSError):
                    deadlines[worker] = self._replace(worker, "died")
                else:
                    self._waiting.remove(worker)
                    worker.failures = 0 if worker.command == "step" else worker.failures
            for worker in self._waiting.difference(ready):
                # What an environment forked may hold the pipe of a dead worker open. One that is dead may have answered since we looked.
                if not ready and worker.ended and not worker.connection.poll():
                    deadlines[worker] = self._replace(worker, "died")
                elif deadlines[worker] <= time.monotonic():
                    deadlines[worker] = self._replace(worker, "hung")
        reports, self._reports = self._reports, []
        return reports

    def close(self) -> None:
        """Let all workers close their environments and end; those that take too long are killed."""
        for worker in self._workers:
            worker.dismiss()
        end = time.monotonic() + GRACE_SECONDS
        for worker in self._workers:
            worker.finish(max(0, end - time.monotonic()))

    def _replace(self, worker: WorkerProcess, kind: FaultKind) -> float:
        """A new process in the place of a worker, unless that has been in vain too often; the time by which it must answer."""
        fault = worker.bury(kind, self._step, self._seconds[worker.command])
        worker.failures += 1
        error = None
        if worker.failures == IN_A_ROW:
            rows = f"{worker.order.rows[0]} to {worker.order.rows[-1]}"
            words = f"the worker of environments {rows} failed {IN_A_ROW} times without one good step between: {fault.message}"
            error = EnvironmentFailed(words, fault.traceback)
            self._waiting.remove(worker)
            self.block.lost[worker.order.rows] = worker.command != "reset"
        else:
            worker.start()
            worker.send("reset" if worker.command == "reset" else "replace", self._step)
        self._reports.append(Report((fault,), error))
        return time.monotonic() + self._seconds[worker.command]
