"""Small environments for these tests, each with the fault that its name says. Spawned workers import them by name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maddpg.environments.host import BadEnvironment, HostStep
from maddpg.types import AgentSpec, Categorical, EnvSpec

AGENTS = 2
SEEDS = 2**24  # whole numbers that a float32 can tell apart
SPEC = EnvSpec(
    "counter",
    (AgentSpec("walker_0", "walker", 3, (Categorical(2),)), AgentSpec("walker_1", "walker", 2, (Categorical(3),))),
    state_size=1,
    episode_length=5,
    mortal=True,
    masked=True,
)


class Counter:
    """Tells the seed of its episode, its clock and what was done. Walker 1 dies after two steps, walker 0 terminates after `length`.

    `trouble(seed, clock)` is called before each step, and with clock 0 in each reset.
    """

    def __init__(self, length: int = 5, trouble: Callable[[int, int], None] = lambda seed, clock: None, spec: EnvSpec = SPEC) -> None:
        self.spec, self._length, self._trouble = spec, length, trouble
        self._seed = self._clock = 0
        self.closed = False

    def reset(self, seed: int | None) -> HostStep:
        assert seed is not None
        self._seed, self._clock = seed, 0
        self._trouble(seed, 0)
        return self._result(np.zeros((AGENTS, SPEC.action_width), np.float32))

    def step(self, action: np.ndarray) -> HostStep:
        self._clock += 1
        self._trouble(self._seed, self._clock)
        return self._result(action)

    def close(self) -> None:
        self.closed = True

    def _result(self, action: np.ndarray) -> HostStep:
        clock, length, death = self._clock, self._length, min(2, self._length)
        observation = np.zeros((AGENTS, SPEC.observation_width), np.float32)
        observation[0] = self._seed % SEEDS, clock, action[0] @ np.arange(SPEC.action_width)
        observation[1, :2] = clock, action[1].sum()
        terminated = np.array([clock == length, clock == death])
        mask = np.ones((AGENTS, SPEC.action_width), bool)
        mask[0, clock % 2] = False
        return HostStep(
            observation=observation,
            state=np.array([clock], np.float32),
            reward=np.array([1, clock <= death], np.float32),
            terminated=terminated,
            truncated=np.zeros(AGENTS, bool),
            alive=np.array([clock < length, clock < death]),
            action_mask=mask,
        )


@dataclass(frozen=True)
class Trouble:
    """What happens at `clock` of the episodes whose seed is a multiple of `every`: the only kind always, or one after another.

    `diary` is a file that remembers over deaths what has happened; with it each kind happens once.
    """

    kinds: tuple[str, ...] = ()
    clock: int = 1
    every: int = 1
    diary: str = ""

    def __call__(self, seed: int, clock: int) -> None:
        if not self.kinds or clock != self.clock or seed % self.every:
            return
        happened = 0
        if self.diary:
            with open(self.diary, "a+") as file:
                file.seek(0)
                happened = len(file.read().splitlines())
                if happened == len(self.kinds):
                    return
                server = subprocess.Popen(["sleep", "1000"]) if self.kinds[happened] == "hang" else None
                file.write(f"{server.pid if server else 0}\n")
        match self.kinds[happened]:
            case "exception":
                raise ZeroDivisionError(f"at clock {clock}\nof {seed}")
            case "leave":
                sys.exit("enough")
            case "exit":
                os._exit(3)
            case "fork and exit":
                if os.fork() == 0:
                    time.sleep(1000)
                os._exit(3)
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "hang":
                time.sleep(1000)
            case "slow":
                time.sleep(0.3)
            case "bad":
                raise BadEnvironment("walker_0: reward is nan; give a finite one")


@dataclass(frozen=True)
class Make:
    """A factory of counters."""

    length: int = 5
    trouble: Trouble = Trouble()

    def __call__(self) -> Counter:
        return Counter(self.length, self.trouble)


@dataclass(frozen=True)
class MakeWithServer:
    """A factory of counters, each of which starts a process and leaves it running. The folder holds a file for each, named by its id."""

    servers: str

    def __call__(self) -> Counter:
        server = subprocess.Popen(["sleep", "1000"])
        with open(os.path.join(self.servers, str(server.pid)), "x"):
            return Counter()


class Unwelcome:
    """A factory that can be sent and does not arrive."""

    def __call__(self) -> Counter:
        return Counter()

    def __reduce__(self):
        return refuse, ()


def refuse():
    raise ModuleNotFoundError("No module named 'elsewhere'")


def random_actions(generator: np.random.Generator, count: int) -> np.ndarray:
    """[environment, agent, action] one-hot."""
    actions = np.zeros((count, AGENTS, SPEC.action_width), np.float32)
    actions[:, 0, :2] = np.eye(2)[generator.integers(0, 2, count)]
    actions[:, 1] = np.eye(3)[generator.integers(0, 3, count)]
    return actions
