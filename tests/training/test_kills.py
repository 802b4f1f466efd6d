"""A run whose worker processes are killed at random, again and again: it ends with all its steps, and all that was lost is counted."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.state import assemble, hyper
from maddpg.config import AlgorithmConfig, Config, HostConfig, TrainingConfig
from maddpg.environments.host import HostWorld
from maddpg.environments.vector import Vector
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import Parts
from maddpg.training.host import Host
from maddpg.training.run import train
from tests.environments.vector.worlds import SPEC, Make

KILLS, MOMENTS = 50, 12
WORKERS, COUNT, ROUNDS = 5, 15, 300
TRAINING = TrainingConfig(
    steps=COUNT * ROUNDS,
    seed=3,
    environments=COUNT,
    batch_size=32,
    warmup_steps=COUNT * 20,
    replay_capacity=COUNT * ROUNDS,
    log_interval=COUNT * 50,
    evaluation_interval=0,
)


@dataclass
class Killer:
    """Kills workers drawn at random, at random times shortly after a few random steps; never one that would be the third in a row."""

    loop: Host
    generator: np.random.Generator
    killed: set[int] = field(default_factory=set)

    def run(self) -> None:
        moments = self.generator.integers(2, ROUNDS - 60, MOMENTS)
        for step in np.sort(self.generator.choice(moments, KILLS)):
            while not (vectors := self.loop._vectors) or vectors[0].steps < step:
                time.sleep(0.001)
            time.sleep(self.generator.uniform(0, 0.05))
            while not self.strike(vectors[0]):
                time.sleep(0.001)

    def strike(self, vector: Vector) -> bool:
        """Whether a worker could be killed that nobody has killed before."""
        worker = self.generator.choice(vector._crew._workers)
        pid = worker._process.pid
        if pid is None or pid in self.killed or worker.failures > 1:
            return False
        os.kill(pid, signal.SIGKILL)
        self.killed.add(pid)
        return True


def test_fifty_workers_killed_at_random_cost_no_step_that_is_not_counted(tmp_path, monkeypatch):
    table, host = AlgorithmConfig(actor_layers=(8,), critic_layers=(8,)), HostConfig(workers=WORKERS)
    world, made = HostWorld(SPEC, Make(length=7)), assemble(table, SPEC, {})
    loop = Host(made, world, host, TRAINING)
    parts = Parts(Config("counter", algorithm=table, training=TRAINING, host=host), world, made, hyper(made), loop)
    latest, work = {}, Host.train

    def watched(self, numbers, run, rounds):
        latest["run"], latest["vector"] = work(self, numbers, run, rounds), self._vectors[0]
        return latest["run"]

    monkeypatch.setattr(Host, "train", watched)
    killer = Killer(loop, np.random.default_rng(0))
    thread = threading.Thread(target=killer.run, daemon=True)
    thread.start()
    result = train(parts, RunFolder(tmp_path))
    result.close()
    thread.join(10)

    assert not thread.is_alive()
    assert (result.steps, result.updates, result.finished) == (COUNT * ROUNDS, (ROUNDS - 20) * TRAINING.updates, True)
    faults = latest["vector"].faults
    assert faults.count == len(killer.killed) == KILLS
    assert all(fault.kind == "died" and "was ended by SIGKILL" in fault.message for fault in faults.latest)

    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    lost = sum(line.get("lost_steps", 0) for line in lines)
    rows = jax.device_get(loop.store.replay.take(latest["run"].replay[0], jnp.arange(COUNT * ROUNDS)))
    alive = rows.availability.alive.any(axis=1)
    assert lost == result.lost_episodes == (~alive).sum() > KILLS
    assert alive.sum() + lost == result.steps
    # What is there follows on what was there before, or is the beginning of another episode.
    clock, there = rows.observation[:, 0, 1].reshape(ROUNDS, COUNT), alive.reshape(ROUNDS, COUNT)
    np.testing.assert_array_equal(rows.next_observation[alive, 0, 1], rows.observation[alive, 0, 1] + 1)
    follows = np.where(clock[1:] == 0, 0, clock[:-1] + 1)
    np.testing.assert_array_equal(clock[1:], np.where(there[:-1], follows, 0))
    assert sum(line["episodes"] for line in lines) > COUNT
