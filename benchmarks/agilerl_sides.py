"""The two sides of `benchmarks.agilerl_side_by_side`: our loop, and AgileRL's in a process of its own."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax

from maddpg.config import AlgorithmConfig, HostConfig, TrainingConfig, preset
from maddpg.environments.registry import resolve
from maddpg.training.build import build

PEER = Path(__file__).parent / "peers" / "agilerl_maddpg.py"
BATCH, REPLAY = 1024, 100_000


@dataclass(frozen=True)
class Repetition:
    """One turn of one side."""

    seconds: float
    steps: int  # of environments, all together
    updates: int  # of every agent

    @property
    def rate(self) -> float:
        """Environment steps a second."""
        return self.steps / self.seconds


def round_of(environments: int, steps_per_update: int) -> tuple[int, int]:
    """Steps of each environment in a round of ours, and its updates; one of the arguments divides the other."""
    collect = max(1, steps_per_update // environments)
    return collect, environments * collect // steps_per_update


class Ours:
    """Our loop, in this process and its workers."""

    def __init__(self, environments: int, workers: int, steps_per_update: int) -> None:
        collect, updates = round_of(environments, steps_per_update)
        base = preset("tuned", "mpe2:simple_spread_v3")
        config = replace(
            base,
            arguments={"continuous_actions": True},
            # Three hidden layers: AgileRL's actors cannot have fewer.
            algorithm=AlgorithmConfig(actor_layers=(64, 64, 64), critic_layers=(64, 64), twin_critics=False),
            training=TrainingConfig(
                environments=environments,
                collect=collect,
                updates=updates,
                batch_size=BATCH,
                replay_capacity=REPLAY,
                warmup_steps=BATCH,
            ),
            host=HostConfig(workers=workers),
        )
        self._made, others = build(resolve(config)), len(multiprocessing.active_children())
        self._training, self._loop = config.training, self._made.loop
        run = self._loop.start(jax.random.split(jax.random.key(0), 1))
        run = self._loop.warm_up(self._made.hyper, run, self._training.warmup_rounds)
        self._run = jax.block_until_ready(self._loop.train(self._made.hyper, run, 3))
        agents = self._made.spec.agent_count
        networks = {"actor": run.learner.actor, "critic": run.learner.critic}
        self.about: dict[str, Any] = {
            "processes": len(multiprocessing.active_children()) - others,
            "parameters": {name: sum(leaf.size for leaf in jax.tree.leaves(each)) // agents for name, each in networks.items()},
            "episode_length": self._made.spec.episode_length,
        }

    def run(self, updates: int) -> Repetition:
        """Go on by at least so many updates of every agent, in whole rounds, and the environment steps that belong to them."""
        before, rounds = int(self._run.learner.updates[0]), -(-updates // self._training.updates)
        began = time.perf_counter()
        self._run = jax.block_until_ready(self._loop.train(self._made.hyper, self._run, rounds))
        seconds = time.perf_counter() - began
        return Repetition(seconds, rounds * self._training.round_steps, int(self._run.learner.updates[0]) - before)

    def close(self) -> None:
        """End the workers."""
        self._loop.close()


class AgileRL:
    """AgileRL's loop, in a process of its own and its workers."""

    def __init__(self, python: Path, environments: int, steps_per_update: int, threads: int) -> None:
        collect = steps_per_update // environments
        settings = {"environments": environments, "collect": collect, "batch": BATCH, "replay": REPLAY, "threads": threads}
        arguments = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
        self._process = subprocess.Popen([python, PEER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = self._read()

    def run(self, updates: int) -> Repetition:
        """Go on by so many updates of every agent, and the environment steps that belong to them."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{updates}\n")
        self._process.stdin.flush()
        return Repetition(**self._read())

    def close(self) -> None:
        """End it: it stops where there is nothing more to read."""
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("AgileRL's side ended by itself; what it said is above")
        told: dict[str, Any] = json.loads(line)
        return told
