"""A whole run of the fused loop: compile, train in chunks, look after each, and save."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import IO, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.state import Algorithm, TrainState, assemble, hyper
from maddpg.config import Config
from maddpg.environments.contract import Environment, auto_reset
from maddpg.environments.registry import make_environment
from maddpg.evaluation.evaluate import Play, device_play
from maddpg.evaluation.players import Player, everybody
from maddpg.evaluation.rollout import Rollout, make_rollout
from maddpg.evaluation.scores import mean_metrics
from maddpg.storage.parameters import save_parameters
from maddpg.storage.run_folder import RunFolder, append_line
from maddpg.training.fused import Fused, RunState, Totals
from maddpg.training.health import NotFinite, first_not_finite
from maddpg.training.interrupt import stop_on_interrupt
from maddpg.training.memory import gigabytes, require_memory
from maddpg.types import AnyArray, PyTree

CHUNK_SECONDS = 0.5  # long enough to hide the host, short enough for Ctrl-C


@dataclass(frozen=True)
class Progress:
    """What is told while a run goes on."""

    phase: Literal["compiling", "training"]
    steps: int  # environment steps done, for each seed
    total: int
    steps_per_second: float  # of all seeds together, since training began
    episode_return: dict[str, float]  # by agent, with exploration, over the last interval, mean over seeds; empty before the first


@dataclass(frozen=True)
class Trained:
    """What a run came to."""

    algorithm: Algorithm
    environment: Environment
    rollout: Rollout
    learner: TrainState  # [seed, ...]
    steps: int
    updates: int
    steps_per_second: float  # of all seeds together, without compiling
    finished: bool  # False: stopped on request

    def play(self) -> Play:
        """Play its actors on the device."""
        return device_play(self.rollout, self.learner.actor)


def train(config: Config, folder: RunFolder, tell: Callable[[Progress], None] = lambda _: None) -> Trained:
    """Train `config` (resolved) and save it into `folder`.

    The state that is saved is the last one known to be finite.

    Raises:
        ValueError: the run would not fit into memory.
        NotFinite: NaN or infinity turned up; what came before is saved.
    """
    return _Run(config, folder, tell).go()


def plan(config: Config) -> str:
    """What a run is going to do and take, in a line.

    Raises:
        ValueError: it would not fit into memory.
    """
    training = config.training
    environment = make_environment(config)
    memory = require_memory(Fused(assemble(config.algorithm, environment.spec), environment, training), training.seeds)
    steps = training.rounds * training.round_steps
    rounded = "" if steps == training.steps else f" ({training.steps:_}, rounded up to whole rounds of {training.round_steps})"
    updates = (training.rounds - training.warmup_rounds) * training.updates
    seeds = f"{training.seeds} seed{'s' * (training.seeds > 1)} from {training.seed}"
    return f"{steps:_} steps{rounded}, {updates:_} updates of every agent, {seeds}, {gigabytes(memory)} of memory"


class _Run:
    """The parts that the steps of one run share."""

    def __init__(self, config: Config, folder: RunFolder, tell: Callable[[Progress], None]) -> None:
        self.config, self.training, self.folder, self.tell = config, config.training, folder, tell
        self.environment = make_environment(config)
        self.spec = self.environment.spec
        self.algorithm = assemble(config.algorithm, self.spec)
        self.hyper = hyper(config.algorithm, self.spec)
        self.fused = Fused(self.algorithm, auto_reset(self.environment), self.training)
        self.rollout = make_rollout(self.algorithm, self.environment, self.training.evaluation_episodes)
        self.seeds = range(self.training.seed, self.training.seed + self.training.seeds)
        self.episode_return: dict[str, float] = {}
        self.timed_rounds, self.timed_seconds = 0, 0.0

    def go(self) -> Trained:
        require_memory(self.fused, len(self.seeds))
        self.folder.write_config(self.config)
        training, finished = self.training, True
        with stop_on_interrupt() as stop, self.folder.metrics.open("a") as metrics:
            self._tell("compiling", 0)
            run = self.fused.start(jax.vmap(jax.random.key)(jnp.array(self.seeds)))
            good = _copy(run.learner)
            rounds = 0
            try:
                for learning, length in self._chunks():
                    began = time.perf_counter()
                    work = self.fused.train if learning else self.fused.warm_up
                    run = jax.block_until_ready(work(self.hyper, run, length))
                    self._measure(length, time.perf_counter() - began)
                    rounds += length
                    trouble = first_not_finite(run, self.spec, training.seed)
                    if trouble is not None:
                        raise NotFinite(
                            f"{trouble} became NaN or infinite by step {rounds * training.round_steps:_}; the last good state is saved in "
                            f"{self.folder.path}. A smaller actor_rate and critic_rate, or a smaller gradient_clip, often helps"
                        )
                    good = _copy(run.learner)
                    run = self._between(metrics, run, rounds)
                    self._tell("training", rounds)
                    if stop.asked and rounds < training.rounds:
                        finished = False
                        break
            finally:
                save_parameters(self.folder.parameters, _networks(good))
        steps = rounds * training.round_steps
        updates = int(good.updates[0])
        return Trained(self.algorithm, self.environment, self.rollout, good, steps, updates, self.steps_per_second, finished)

    def _chunks(self) -> Iterator[tuple[bool, int]]:
        """(learning, rounds) of one chunk after another, each about `CHUNK_SECONDS`, none across a boundary where something is written.

        How the work is cut does not change it: metrics are summed on the device from one line to the next.
        """
        training, rounds = self.training, 0
        for learning, end in ((False, training.warmup_rounds), (True, training.rounds)):
            length = 1
            while rounds < end:
                boundary = min(end, *(-(-(rounds + 1) // every) * every for every in self._intervals()))
                now = min(length, boundary - rounds)
                started = time.perf_counter()
                yield learning, now
                rounds += now
                # The first chunk compiles and says little of the next, so the length grows step by step.
                length = max(1, min(8 * length, int(now * CHUNK_SECONDS / (time.perf_counter() - started))))

    def _intervals(self) -> list[int]:
        """Rounds between lines of metrics, and between evaluations."""
        intervals = [self.training.log_interval, self.training.evaluation_interval]
        return [max(1, interval // self.training.round_steps) for interval in intervals if interval]

    def _between(self, metrics: IO[str], run: RunState, rounds: int) -> RunState:
        """What is due after so many rounds: a line of metrics, an evaluation."""
        log, *evaluation = self._intervals()
        last = rounds == self.training.rounds
        if rounds % log == 0 or last:
            self._log(metrics, jax.device_get(run.totals), run, rounds)
            run = replace(run, totals=jax.tree.map(jnp.zeros_like, run.totals))
        if evaluation and (rounds % evaluation[0] == 0 or last):
            self._evaluate(metrics, run.learner.actor, rounds)
        return run

    def _log(self, metrics: IO[str], totals: Totals, run: RunState, rounds: int) -> None:
        """One line for each seed; the sums become means over what they were summed over."""
        means = []
        log = self._intervals()[0]
        since = (rounds - 1) // log * log
        updates = max(0, rounds - max(since, self.training.warmup_rounds)) * self.training.updates
        steps = (rounds - since) * self.training.round_steps
        for row, seed in enumerate(self.seeds):
            episodes = int(totals.episodes[row])
            line: dict[str, Any] = {
                "kind": "training",
                "seed": seed,
                "steps": rounds * self.training.round_steps,
                "updates": int(run.learner.updates[row]),
                "episodes": episodes,
                "reward": self._by_agent(totals.reward[row] / steps),
            }
            if episodes:
                line["return"] = self._by_agent(totals.episode_return[row] / episodes)
                means.append(totals.episode_return[row] / episodes)
            if updates:
                line |= {name: self._by_agent(total[row] / updates) for name, total in totals.updates.items()}
            append_line(metrics, line)
        if means:
            self.episode_return = self._by_agent(np.mean(means, axis=0))

    def _evaluate(self, metrics: IO[str], actor: PyTree, rounds: int) -> None:
        episodes = device_play(self.rollout, actor)(everybody(self.spec, Player.LEARNED), self.training.evaluation_episodes)
        for row, seed in enumerate(self.seeds):
            append_line(
                metrics,
                {
                    "kind": "evaluation",
                    "seed": seed,
                    "steps": rounds * self.training.round_steps,
                    "return": self._by_agent(episodes.returns[row].mean(axis=0)),
                    "metrics": mean_metrics(self.spec.names, {name: values[row] for name, values in episodes.metrics.items()}),
                },
            )

    def _by_agent(self, values: AnyArray) -> dict[str, float]:
        return {name: float(value) for name, value in zip(self.spec.names, values, strict=True)}

    def _measure(self, rounds: int, seconds: float) -> None:
        """Count a chunk's time, unless it is a single round: that compiled."""
        if rounds > 1:
            self.timed_rounds += rounds
            self.timed_seconds += seconds

    @property
    def steps_per_second(self) -> float:
        """Environment steps of all seeds together in a second, without compiling."""
        return self.timed_rounds * self.training.round_steps * len(self.seeds) / self.timed_seconds if self.timed_rounds else 0.0

    def _tell(self, phase: Literal["compiling", "training"], rounds: int) -> None:
        round_steps = self.training.round_steps
        self.tell(Progress(phase, rounds * round_steps, self.training.rounds * round_steps, self.steps_per_second, self.episode_return))


def _copy(learner: TrainState) -> TrainState:
    copied: TrainState = jax.tree.map(jnp.copy, learner)
    return copied


def _networks(learner: TrainState) -> dict[str, PyTree]:
    """What is saved at the end: all networks, by name."""
    return {name: getattr(learner, name) for name in ("actor", "critic", "target_actor", "target_critic")}
