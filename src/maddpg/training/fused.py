"""The fused loop: act, step, store, sample and update in one compiled program that never leaves the device inside a chunk.

A round is [collect n steps of every environment, update m times]. Warm-up rounds without updates are a program of their own: under `vmap`
over seeds a `cond` around the updates would run both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from maddpg.algorithm.rewards import RewardDesign
from maddpg.algorithm.state import Algorithm, Hyper
from maddpg.config import TrainingConfig
from maddpg.environments.contract import Environment
from maddpg.training.collecting import Collector
from maddpg.training.loop import compare, for_seeds, learn
from maddpg.training.run_state import SEED_AXES, RunState
from maddpg.training.storing import Store


@dataclass(frozen=True)
class Fused:
    """The loop's static parts.

    `environment` does not reset by itself; `design` says what is learned from if not its reward; `open_ended` is as in `Store`.
    """

    algorithm: Algorithm
    environment: Environment
    training: TrainingConfig
    design: RewardDesign | None = None
    open_ended: bool = False

    @cached_property
    def store(self) -> Store:
        """The replay of one seed."""
        return Store(self.algorithm, self.training, self.open_ended)

    @cached_property
    def collector(self) -> Collector:
        """The environments of one seed."""
        return Collector(self.algorithm, self.environment, self.training, self.design)

    @property
    def lost_episodes(self) -> int:
        """On the device none is ever lost."""
        return 0

    def start(self, keys: Key[Array, " seed"]) -> RunState:
        """The state of a run that has done nothing yet, a row for each key."""
        return self._start(keys)

    def shapes(self, seeds: int) -> RunState:
        """The shapes of the state of a run with so many seeds, without taking any memory."""
        keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), seeds))
        state: RunState = jax.eval_shape(self._start, keys)
        return state

    def compare_models(self, hyper: Hyper, run: RunState) -> dict[str, jax.Array]:
        """How near every agent's models of the others are to their policies, on the latest transitions: [seed, learner, other] each."""
        return self._compare_models(for_seeds(hyper, run), run)

    def warm_up(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many rounds without updates. `run` is donated: it is gone afterwards. `hyper` is as in `train`."""
        return self._warm_up(for_seeds(hyper, run), run, jnp.int32(rounds))

    def train(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many rounds with updates. `run` is donated: it is gone afterwards.

        `hyper` is [agent], the same for all seeds, or [seed, agent], so that a sweep over its numbers is one program.
        """
        return self._train(for_seeds(hyper, run), run, jnp.int32(rounds))

    def collect(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many rounds without updates, by the policies. `run` is donated: it is gone afterwards. `hyper` is as in `train`."""
        return self._by_policy.warm_up(hyper, run, rounds)

    def snapshot(self) -> dict[str, np.ndarray]:
        """Nothing: the environments are part of the run's state."""
        return {}

    def restore(self, run: RunState, environments: Mapping[str, np.ndarray]) -> tuple[RunState, tuple[str, ...]]:
        """The state is all that there is."""
        del environments
        return run, ()

    def close(self) -> None:
        """There is nothing to end."""

    @cached_property
    def _by_policy(self) -> Fused:
        """The same, with a warm-up by the policies."""
        return replace(self, training=replace(self.training, warmup_policy="policy"))

    @cached_property
    def _start(self) -> Callable[..., RunState]:
        # It runs once: what an optimised program would save in running, its compilation would cost many times over.
        quick = {"xla_backend_optimization_level": 0}
        start = jax.vmap(partial(self.collector.start, self.store), out_axes=SEED_AXES)
        return jax.jit(start, compiler_options=quick)

    @cached_property
    def _compare_models(self) -> Callable[..., dict[str, jax.Array]]:
        return jax.jit(jax.vmap(partial(compare, self.store), in_axes=(0, SEED_AXES)))

    @cached_property
    def _warm_up(self) -> Callable[..., RunState]:
        return jax.jit(partial(self._rounds, False), donate_argnums=1)

    @cached_property
    def _train(self) -> Callable[..., RunState]:
        return jax.jit(partial(self._rounds, True), donate_argnums=1)

    def _rounds(self, learning: bool, hyper: Hyper, run: RunState, rounds: Int[Array, ""]) -> RunState:
        """The count is traced, so that one program serves chunks of every length."""
        one_round = jax.vmap(partial(self._round, learning), in_axes=(0, SEED_AXES), out_axes=SEED_AXES)
        done: RunState = jax.lax.fori_loop(0, rounds, lambda _, run: one_round(hyper, run), run)
        return done

    def _round(self, learning: bool, hyper: Hyper, run: RunState) -> RunState:
        """[collect n steps of every environment, update m times] of one seed."""
        collect_key, learn_key = jax.random.split(jax.random.fold_in(run.key, run.rounds))
        run, block = self.collector.collect(learning, hyper, run, collect_key)
        replay, rings, rounds = self.store.add(run.replay, run.rings, run.rounds, block)
        run = replace(run, replay=replay, rings=rings, rounds=rounds)
        if not learning:
            return run

        learner, sums = learn(self.store, hyper, run, learn_key)
        return replace(run, learner=learner, totals=replace(run.totals, updates=sums))
