"""A whole run of the fused loop: compile, train in chunks, look after each, and save."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import jax
import jax.numpy as jnp

from maddpg.algorithm.state import Algorithm, TrainState
from maddpg.config import Config, TrainingConfig
from maddpg.environments.contract import Environment
from maddpg.evaluation.evaluate import Play, device_play
from maddpg.evaluation.rollout import Rollout, make_rollout
from maddpg.storage.parameters import save_parameters
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import Parts, build
from maddpg.training.frozen import freeze, load_frozen
from maddpg.training.health import NotFinite, first_not_finite
from maddpg.training.interrupt import stop_on_interrupt
from maddpg.training.journal import Journal
from maddpg.training.memory import gigabytes, require_memory
from maddpg.training.pace import Pace
from maddpg.training.run_state import RunState
from maddpg.types import PyTree


@dataclass(frozen=True)
class Progress:
    """What is told while a run goes on."""

    phase: Literal["compiling", "training"]
    steps: int  # environment steps done, for each seed
    total: int
    steps_per_second: float  # of all seeds together, while learning; 0 before that
    episode_return: dict[str, float]  # by agent, with exploration, over the last interval, mean over seeds; empty before the first
    seconds_left: float  # at the present speed; 0 before there is one


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
    parts = build(config)
    load_frozen(parts.algorithm, training.seeds)  # fail at once
    memory = require_memory(parts.fused, training.seeds)
    steps = training.rounds * training.round_steps
    rounded = "" if steps == training.steps else f" ({training.steps:_}, rounded up to whole rounds of {training.round_steps})"
    updates = (training.rounds - training.warmup_rounds) * training.updates
    seeds = f"{training.seeds} seed{'s' * (training.seeds > 1)} from {training.seed}"
    targets = _target_intervals(parts, training)
    return f"{steps:_} steps{rounded}, {updates:_} updates of every agent, {seeds}, {gigabytes(memory)} of memory{targets}"


def _target_intervals(parts: Parts, training: TrainingConfig) -> str:
    """For agents whose targets move every so many episodes: how many updates that is, if no episode ends early."""
    players, numbers = parts.algorithm.players, jax.device_get(parts.hyper)
    intervals = {int(numbers.target_interval[agent]) for agent in players.learners if numbers.target_by_episodes[agent]}
    updates_per_episode = training.updates * parts.environment.spec.episode_length / training.round_steps
    return "".join(f"; targets move every {count:_} episodes, {count * updates_per_episode:g} updates" for count in sorted(intervals))


class _Run:
    """The parts that the steps of one run share."""

    def __init__(self, config: Config, folder: RunFolder, tell: Callable[[Progress], None]) -> None:
        self.config, self.training, self.folder, self.tell = config, config.training, folder, tell
        parts = build(config)
        self.environment, self.algorithm, self.fused, self.hyper = parts.environment, parts.algorithm, parts.fused, parts.hyper
        self.spec = self.environment.spec
        self.rollout = make_rollout(self.algorithm, self.environment, self.training.evaluation_episodes)

    def go(self) -> Trained:
        training, frozen = self.training, load_frozen(self.algorithm, self.training.seeds)
        require_memory(self.fused, training.seeds)
        self.folder.write_config(self.config)
        phases = [(self.fused.warm_up, training.warmup_rounds, Pace()), (self.fused.train, training.rounds, Pace())]
        learning = phases[-1][-1]  # whose speed is told
        rounds, asked = 0, False
        with stop_on_interrupt() as stop, self.folder.metrics.open("a") as file:
            journal = Journal(self.fused, self.hyper, self.rollout, file)
            self._tell("compiling", 0, learning, journal)
            run = self.fused.start(jax.vmap(jax.random.key)(jnp.array(training.all_seeds)))
            run = replace(run, learner=freeze(run.learner, frozen))
            good = _copy(run.learner)
            try:
                for work, end, pace in phases:
                    while rounds < end and not asked:
                        length = min(pace.length, journal.rounds_until_due(rounds), end - rounds)
                        began = time.perf_counter()
                        run = jax.block_until_ready(work(self.hyper, run, length))
                        pace.record(length, time.perf_counter() - began)
                        rounds += length
                        self._require_finite(run, rounds)
                        good = _copy(run.learner)
                        asked = stop.asked
                        run = journal.write(run, rounds, last=asked or rounds == training.rounds)
                        self._tell("training", rounds, learning, journal)
            finally:
                save_parameters(self.folder.parameters, _networks(good))
        return Trained(
            self.algorithm,
            self.environment,
            self.rollout,
            good,
            steps=rounds * training.round_steps,
            updates=int(good.updates[0]),
            steps_per_second=self._steps_per_second(learning),
            finished=rounds == training.rounds,
        )

    def _require_finite(self, run: RunState, rounds: int) -> None:
        trouble = first_not_finite(run, self.algorithm, self.training.seed)
        if trouble is not None:
            raise NotFinite(
                f"{trouble} became NaN or infinite by step {rounds * self.training.round_steps:_}; the last good state is saved in "
                f"{self.folder.path}. A smaller actor_rate and critic_rate, or a smaller gradient_clip, often helps"
            )

    def _steps_per_second(self, pace: Pace) -> float:
        """Environment steps of all seeds together in a second of learning, without compiling."""
        return pace.rounds_per_second * self.training.round_steps * self.training.seeds

    def _tell(self, phase: Literal["compiling", "training"], rounds: int, pace: Pace, journal: Journal) -> None:
        steps, total = rounds * self.training.round_steps, self.training.rounds * self.training.round_steps
        left = (self.training.rounds - rounds) / pace.rounds_per_second if pace.rounds_per_second else 0.0
        self.tell(Progress(phase, steps, total, self._steps_per_second(pace), journal.episode_return, left))


def _copy(learner: TrainState) -> TrainState:
    copied: TrainState = jax.tree.map(jnp.copy, learner)
    return copied


def _networks(learner: TrainState) -> dict[str, PyTree]:
    """What is saved at the end: all networks that there are, by name."""
    names = ("actor", "critic", "model", "target_actor", "target_critic", "target_model")
    return {name: getattr(learner, name) for name in names if getattr(learner, name) is not None}
