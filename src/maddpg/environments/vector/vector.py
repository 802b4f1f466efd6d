"""Many environments as one, with arrays that have an axis of environments."""

from __future__ import annotations

import atexit
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import TracebackType

import numpy as np

from maddpg.config.checks import require
from maddpg.environments.host import HostFactory
from maddpg.environments.vector.block import VectorStep
from maddpg.environments.vector.crew import Crew, LocalCrew, ProcessCrew
from maddpg.environments.vector.faults import EnvironmentFailed, Faults, describe_exception, record
from maddpg.environments.vector.rows import Seed
from maddpg.types import EnvSpec

COUNTERS = ("episode", "clock", "limit", "total")  # of an environment, what a snapshot has beside its actions
LONGEST_SECONDS = 1_000_000.0  # longer waits overflow the system's clocks
REMEDIES = {
    "new": "no episode has begun; call reset first",
    "ready": "no actions have been sent; call send first",
    "sent": "the answer to the last actions is still to be received; call receive first",
    "waiting": "the last step was interrupted; call reset first",
    "closed": "this vector of environments is closed; make another one",
}
"""The states of a `Vector`, and what helps whoever called a method that does not go with one."""


class Vector:
    """Many environments of a factory, spread over worker processes (on Linux and macOS), with the same results for any number of them.

    A worker steps its environments one after another and begins their next episode in the same step. An environment that raises is made
    anew; a worker process that dies or does not answer is replaced, with its environments; `faults` tells of all that, and nothing else
    does. Every episode has a seed of its own, which depends on `seed`, the environment's index and the number of the episode alone.
    """

    def __init__(
        self,
        factory: HostFactory,
        count: int,
        workers: int = 0,
        *,
        seed: Seed = 0,
        spec: EnvSpec | None = None,
        first_lengths: Sequence[int] | np.ndarray | None = None,
        step_timeout: float = 60.0,
        start_timeout: float = 300.0,
        max_faults: int = 100,
    ) -> None:
        """Start the workers, which boot while the caller goes on; environments are made in the first `reset`.

        Args:
            factory: makes one environment; must survive cloudpickle if there are workers.
            count: environments.
            workers: processes; 0 steps the environments in this process, for debuggers and where an environment costs next to nothing.
            seed: a number, or a tuple of numbers: (seed, steps done) gives a resumed run other episodes. Where the first is that of an
                evaluation, none of its episodes has a seed that any in training has.
            spec: of the environment, if known. Else one environment is made here, and closed.
            first_lengths: [count] steps after which the first episode of each environment is truncated, so that they do not end in step;
                0: it is not.
            step_timeout: seconds that a worker may take for one step of all its environments.
            start_timeout: seconds that it may take to make and reset them.
            max_faults: so many faults are survived in all.

        Raises:
            ValueError: an argument that makes no sense, or a factory that cannot be sent to a worker.
            BadEnvironment: from the first environment.
            EnvironmentFailed: the first environment cannot be made.
        """
        lengths = check_arguments(count, workers, seed, first_lengths, step_timeout, start_timeout, max_faults)
        self.spec = describe(factory) if spec is None else spec
        self.count, self.faults, self.steps = count, Faults(), 0
        self._max_faults, self._state = max_faults, "new"
        crew: Crew
        if workers:
            crew = ProcessCrew(factory, self.spec, count, workers, seed, step_timeout, start_timeout)
        else:
            crew = LocalCrew(factory, self.spec, count, seed)
        crew.block.first_length[:] = lengths
        self._crew, self._alive = crew, np.zeros((count, self.spec.agent_count), bool)
        self._done: deque[np.ndarray] = deque()  # the actions of the last steps, as far back as the longest episode under way began
        self._finalizer = weakref.finalize(self, crew.close)
        # By itself it might run after multiprocessing has begun to wait for the workers, for ever.
        self._finalizer.atexit = False
        atexit.register(self._finalizer)

    def reset(self, first: int | None = None) -> VectorStep:
        """Begin another episode everywhere, with first lengths again; an answer that is still to come is waited for and dropped.

        With `first` episodes are counted from that number on, so that the same ones come as the last time; from 0 on they are those after
        the first reset.
        """
        if self._state in ("sent", "waiting"):
            self._finish()
        self._require("reset", "new", "ready")
        if first is not None:
            self._crew.block.episode[:] = first
        self._alive = np.zeros_like(self._alive)
        self._done.clear()
        self._crew.send("reset", self.steps)
        return self._finish()

    def send(self, action: np.ndarray) -> None:
        """Let all environments step with actions [environment, agent, action], while the caller does something else."""
        self._require("send", "ready")
        block = self._crew.block
        if np.shape(action) != block.action.shape:
            raise ValueError(f"actions of shape {np.shape(action)}: [environment, agent, action] is {block.action.shape} here")
        block.action[:] = action
        block.lost[:] = False  # workers mark those that are
        self._done.append(block.action.copy())
        self.steps += 1
        self._state = "sent"
        self._crew.send("step", self.steps)

    def receive(self) -> VectorStep:
        """What the actions that were sent led to.

        Raises:
            BadEnvironment: an environment breaks its contract; names the environment and its step.
            EnvironmentFailed: too many faults in all, or three of one environment or worker without one good step between.
            After either the vector is closed.
        """
        self._require("receive", "sent")
        return self._finish()

    def step(self, action: np.ndarray) -> VectorStep:
        """Send actions [environment, agent, action] and wait for what they lead to; raises what `receive` does."""
        self.send(action)
        return self.receive()

    def snapshot(self) -> dict[str, np.ndarray]:
        """What `restore` takes: of every episode under way its number, its clock and limit, and all actions since the longest began."""
        self._require("snapshot", "ready")
        block = self._crew.block
        actions = np.stack(self._done) if self._done else np.zeros((0, *block.action.shape), np.float32)
        return {**{name: getattr(block, name).copy() for name in COUNTERS}, "actions": actions}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> tuple[VectorStep, np.ndarray]:
        """Begin the episodes of a snapshot again and do in each what was done, so that all end up where they were.

        Returns:
            What to act on, and [environment] whether that episode came so far: not where one failed or ended early.

        Raises:
            ValueError: a snapshot of other environments.
            BadEnvironment, EnvironmentFailed: as `receive`.
        """
        block = self._crew.block
        nothing = np.zeros(())
        steps = snapshot.get("actions", nothing).shape[:1]
        shapes = {**dict.fromkeys(COUNTERS, (self.count,)), "actions": (*steps, *block.action.shape)}
        for name, shape in shapes.items():
            found, kind = snapshot.get(name, nothing), block.action.dtype if name == "actions" else block.clock.dtype
            if found.shape != shape or found.dtype != kind:
                raise ValueError(f"environments cannot be put back: {name} is {found.dtype}{list(found.shape)}, not {kind}{list(shape)}")
        clock, actions = snapshot["clock"], snapshot["actions"]
        if not (0 <= clock.min() <= clock.max() == len(actions) and snapshot["episode"].min() >= 1):
            raise ValueError("environments cannot be put back: there are not as many actions as steps")
        block.episode[:] = snapshot["episode"] - 1
        step = self.reset()
        block.limit[:], block.total[:] = snapshot["limit"], snapshot["total"] - clock
        for number, action in enumerate(actions):
            block.paused[:] = len(actions) - number > clock
            step = self.step(action)
        block.paused[:] = False
        return step, (block.episode == snapshot["episode"]) & (block.clock == clock)

    def close(self) -> None:
        """Close all environments and end the workers, a second time without effect. The end of the program does it too."""
        self._state = "closed"
        self._finalizer()
        atexit.unregister(self._finalizer)

    def __enter__(self) -> Vector:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def _require(self, method: str, *states: str) -> None:
        if self._state not in states:
            raise ValueError(f"{method}: {REMEDIES[self._state]}")

    def _finish(self) -> VectorStep:
        """Wait for the workers, record what went wrong, and copy the block."""
        self._state = "waiting"
        reports = self._crew.receive()
        self._state = "ready"
        block = self._crew.block
        new = [fault for report in reports for fault in report.faults]
        error = next((report.error for report in reports if report.error is not None), None)
        self.faults = record(self.faults, new, int(block.lost.sum()))
        if error is None and self.faults.count > self._max_faults:
            last = self.faults.latest[-1]
            where = ", ".join(map(str, last.environments))
            words = f"{self.faults.count} faults by step {self.steps:_}, more than max_faults = {self._max_faults}"
            error = EnvironmentFailed(f"{words}; the last in environment {where}: {last.message}", last.traceback)
        if error is not None:
            self.close()
            raise error
        while len(self._done) > block.clock.max():
            self._done.popleft()
        acted, self._alive = self._alive & ~block.lost[:, None], block.alive.copy()
        copies = {item.name: getattr(block, item.name).copy() for item in fields(VectorStep) if item.name not in ("acted", "whole")}
        return VectorStep(**copies, acted=acted, whole=block.limit == 0)


def describe(factory: HostFactory) -> EnvSpec:
    """The specification of a factory's environments, from one that is made and closed.

    Raises:
        ValueError: what the factory says of settings that it does not take, or of an environment that cannot be used.
        EnvironmentFailed: anything else that went wrong.
    """
    try:
        environment = factory()
        spec = environment.spec
        environment.close()
    except ValueError:
        raise
    except Exception as error:
        message, traceback = describe_exception(error)
        raise EnvironmentFailed(f"the environment cannot be made: {message}", traceback) from error
    return spec


def check_arguments(
    count: int,
    workers: int,
    seed: Seed,
    first_lengths: Sequence[int] | np.ndarray | None,
    step_timeout: float,
    start_timeout: float,
    max_faults: int,
) -> np.ndarray:
    """The first lengths as an array, 0 where there are none; raises ValueError for arguments of `Vector` that make no sense."""
    require(count >= 1, "count", count, "at least 1 environment")
    require(0 <= workers <= count, "workers", workers, f"must lie between 0 (no processes) and the number of environments, {count}")
    numbers = seed if isinstance(seed, tuple) else (seed,)
    require(bool(numbers) and all(number >= 0 for number in numbers), "seed", seed, "one or more whole numbers, none below 0")
    for name, seconds in (("step_timeout", step_timeout), ("start_timeout", start_timeout)):
        require(0 < seconds <= LONGEST_SECONDS, name, seconds, f"seconds, above 0 and at most {LONGEST_SECONDS:_.0f}")
    require(max_faults >= 0, "max_faults", max_faults, "must be at least 0")
    if first_lengths is None:
        return np.zeros(count, np.int64)
    lengths = np.asarray(first_lengths)
    require(lengths.shape == (count,), "first_lengths", lengths.shape, f"one whole number for each of the {count} environments")
    require(bool((lengths >= 0).all()), "first_lengths", int(lengths.min()), "steps after which a first episode is cut, 0 for never")
    return lengths
