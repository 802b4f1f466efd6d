"""What both loops have in common: their face, and the learning steps between rounds of collecting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from maddpg.algorithm.exploration import exploration_scale
from maddpg.algorithm.inference import compare_models
from maddpg.algorithm.learning import Metrics
from maddpg.algorithm.state import Algorithm, Hyper, TrainState
from maddpg.algorithm.update import update
from maddpg.config import TrainingConfig
from maddpg.training.run_state import RunState
from maddpg.training.storing import Store


@runtime_checkable
class Loop(Protocol):
    """[collect n steps of every environment, update m times], again and again, for all seeds side by side.

    Where `hyper` is asked for it is [agent], the same for all seeds, or [seed, agent]. A run that is passed in is donated: it is gone
    afterwards.
    """

    @property
    def algorithm(self) -> Algorithm:
        """The static parts."""
        ...

    @property
    def training(self) -> TrainingConfig:
        """How much, how many."""
        ...

    @property
    def store(self) -> Store:
        """The replay of one seed."""
        ...

    @property
    def lost_episodes(self) -> int:
        """Of environments that failed and were replaced, so far."""
        ...

    def start(self, keys: Key[Array, " seed"]) -> RunState:
        """The state of a run that has done nothing yet, a row for each key."""
        ...

    def shapes(self, seeds: int) -> RunState:
        """The shapes of the state of a run with so many seeds, without taking any memory."""
        ...

    def warm_up(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many rounds without updates."""
        ...

    def train(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many rounds with updates."""
        ...

    def collect(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many rounds without updates, by the policies even where the warm-up is random."""
        ...

    def snapshot(self) -> dict[str, np.ndarray]:
        """What `restore` takes to put environments back that live outside the run's state."""
        ...

    def restore(self, run: RunState, environments: Mapping[str, np.ndarray]) -> tuple[RunState, tuple[str, ...]]:
        """Begin where a run's state and a snapshot say. A line for the user about each thing that is not as it was.

        Raises:
            ValueError: a snapshot of another loop.
        """
        ...

    def compare_models(self, hyper: Hyper, run: RunState) -> dict[str, jax.Array]:
        """How near every agent's models of the others are to their policies, on the latest transitions: [seed, learner, other] each."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


def learn(store: Store, hyper: Hyper, run: RunState, key: Key[Array, ""]) -> tuple[TrainState, Metrics]:
    """One round's learning steps of one seed: what was learned, and the sums of the metrics since the last line."""

    def one(carry: tuple[TrainState, Metrics], key: jax.Array) -> tuple[tuple[TrainState, Metrics], None]:
        learner, sums = carry
        sample_key, update_key = jax.random.split(key)
        learner, metrics = update(store.algorithm, hyper, learner, store.batches(run, sample_key), update_key, run.episodes)
        return (learner, jax.tree.map(jnp.add, sums, metrics)), None

    learned, _ = jax.lax.scan(one, (run.learner, run.totals.updates), jax.random.split(key, store.training.updates))
    return learned


def compare(store: Store, hyper: Hyper, run: RunState) -> dict[str, jax.Array]:
    """How near one seed's models of others are to their policies, on the latest transitions."""
    steps = run.rounds * store.training.round_steps
    latest = store.latest(run.replay, steps, jax.random.fold_in(run.key, -1 - run.rounds))
    return compare_models(store.algorithm, run.learner, latest.observation, exploration_scale(hyper, steps), latest.availability)


def for_seeds(hyper: Hyper, run: RunState) -> Hyper:
    """The numbers with a seed axis."""
    if hyper.gamma.ndim == 2:
        return hyper
    seeds = len(run.episodes)
    spread: Hyper = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (seeds, *leaf.shape)), hyper)
    return spread
