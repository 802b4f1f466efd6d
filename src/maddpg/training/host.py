"""The loop for environments in Python: the same actors, replay and learning steps as the fused loop; only collecting differs.

While the environments step in their processes the device learns from the replay as the round before left it. So in a round the actions
come from the parameters that the round began with, and its transitions are learned from in the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from maddpg.algorithm.availability import availability
from maddpg.algorithm.exploration import exploration_scale
from maddpg.algorithm.learning import Metrics
from maddpg.algorithm.rewards import RewardDesign
from maddpg.algorithm.state import Algorithm, Hyper, TrainState
from maddpg.config import HostConfig, TrainingConfig
from maddpg.environments.host import HostWorld
from maddpg.environments.vector import Vector, VectorStep
from maddpg.environments.vector.configured import open_vector, share_workers
from maddpg.replay import SubPolicyRings
from maddpg.training.collecting import Collector, start_keys
from maddpg.training.loop import compare, for_seeds, learn
from maddpg.training.parcel import pack, unpack
from maddpg.training.run_state import SEED_AXES, RunState
from maddpg.training.storing import Store
from maddpg.types import Availability, Transition


class Host:
    """The loop's parts, and the environments that it steps. Those of every seed are apart: a seed's run does not depend on the others."""

    def __init__(
        self,
        algorithm: Algorithm,
        world: HostWorld,
        host: HostConfig,
        training: TrainingConfig,
        design: RewardDesign | None = None,
        open_ended: bool = False,
    ) -> None:
        """Nothing is started yet: `start` does that.

        `design` says what is learned from if not the environment's reward; `open_ended` is as in `Store`.
        """
        # A lost step leaves a row in which nobody is there, even where nobody ever dies before the others.
        algorithm = replace(algorithm, spec=replace(algorithm.spec, mortal=True))
        self.algorithm, self.training = algorithm, training
        self.store = Store(algorithm, training, open_ended)
        self._world, self._host = world, host
        self._collector = Collector(algorithm, None, training, design)
        self._vectors: list[Vector] = []
        self._lost_before = 0  # by environments that are closed

    def start(self, keys: Key[Array, " seed"]) -> RunState:
        """The state of a run that has done nothing yet, a row for each key, its environments just reset.

        First episodes are cut at lengths spread evenly over an episode, so that from then on environments do not end in step. The last
        environment's is left whole.
        """
        self._open()
        begun = stack([vector.reset() for vector in self._vectors])
        there = availability(self.algorithm.spec, begun.alive, begun.action_mask)
        return self._start(keys, begun.observation, begun.state, there, begun.whole)

    def shapes(self, seeds: int) -> RunState:
        """The shapes of the state of a run with so many seeds, without taking any memory or starting anything."""
        spec, count = self.algorithm.spec, self.training.environments

        def shaped(*shape: int) -> jax.Array:
            return jnp.zeros((seeds, count, *shape))

        def run() -> RunState:
            agents = spec.agent_count
            there = availability(spec, shaped(agents) == 0, shaped(agents, spec.action_width) == 0)
            keys = jax.random.split(jax.random.key(0), seeds)
            return self._begin(keys, shaped(agents, spec.observation_width), shaped(spec.state_size), there, shaped() == 0)

        state: RunState = jax.eval_shape(run)
        return state

    def compare_models(self, hyper: Hyper, run: RunState) -> dict[str, jax.Array]:
        """How near every agent's models of the others are to their policies, on the latest transitions: [seed, learner, other] each."""
        return self._compare(for_seeds(hyper, run), run)

    def warm_up(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many rounds without updates. `run` is donated: it is gone afterwards. `hyper` is as in `train`."""
        return self._rounds(False, self.training.warmup_policy == "random", hyper, run, rounds)

    def collect(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many rounds without updates, by the policies. `run` is donated: it is gone afterwards. `hyper` is as in `train`."""
        return self._rounds(False, False, hyper, run, rounds)

    def train(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many rounds with updates. `run` is donated: it is gone afterwards. `hyper` is [agent] or [seed, agent].

        Raises:
            BadEnvironment, EnvironmentFailed: as `Vector.receive`.
        """
        return self._rounds(True, False, hyper, run, rounds)

    def snapshot(self) -> dict[str, np.ndarray]:
        """Of every environment the number of its episode, and what was done in it so far."""
        lost = {"lost_episodes": np.array(self.lost_episodes)}
        return lost | {f"{row}/{name}": array for row, vector in enumerate(self._vectors) for name, array in vector.snapshot().items()}

    def restore(self, run: RunState, environments: Mapping[str, np.ndarray]) -> tuple[RunState, tuple[str, ...]]:
        """Play every episode under way again, with its seed and its actions, up to where it was.

        An environment that then is elsewhere goes on from there; the return of that episode is not counted.

        Raises:
            ValueError: a snapshot of another loop.
            BadEnvironment, EnvironmentFailed: as `Vector.receive`.
        """
        self._open()
        lost = environments.get("lost_episodes", np.array(0))
        if lost.shape or lost.dtype.kind != "i":
            raise ValueError(f"environments cannot be put back: lost_episodes is {lost.dtype}{list(lost.shape)}, not a number")
        self._lost_before = int(lost)
        parts = [
            {name.partition("/")[2]: array for name, array in environments.items() if name.startswith(f"{row}/")}
            for row in range(len(self._vectors))
        ]
        again, alike = zip(*(vector.restore(part) for vector, part in zip(self._vectors, parts, strict=True)), strict=True)
        now = stack(again)
        there = availability(self.algorithm.spec, now.alive, now.action_mask)
        before = jax.tree.leaves(jax.device_get((run.observation, run.state, run.availability)))
        pairs = zip(before, jax.tree.leaves((now.observation, now.state, jax.device_get(there))), strict=True)
        rows = len(alike), self.training.environments
        same = np.stack(alike) & np.all([(old == new).reshape(*rows, -1).all(axis=2) for old, new in pairs], axis=0)
        if same.all():
            return run, ()
        remark = (
            f"{(~same).sum()} of {same.size} environments are not where they were: with the same seed and actions they did something else. "
            "They go on from where they are, so this is not the run that was never stopped"
        )
        returns = jnp.where(same[..., None], run.episode_return, 0.0)
        moved = replace(run, observation=jnp.asarray(now.observation), state=jnp.asarray(now.state), availability=there)
        return replace(moved, episode_return=returns, whole=run.whole & same), (remark,)

    @property
    def lost_episodes(self) -> int:
        """Of environments that failed and were replaced, so far."""
        return self._lost_before + sum(vector.faults.lost_episodes for vector in self._vectors)

    def close(self) -> None:
        """End all worker processes."""
        self._lost_before = self.lost_episodes
        for vector in self._vectors:
            vector.close()
        self._vectors = []

    def _open(self) -> None:
        """New environments for every seed."""
        self.close()
        seeds, count, length = self.training.all_seeds, self.training.environments, self.algorithm.spec.episode_length
        first = np.maximum(1, np.arange(1, count + 1) * length // count)
        first[-1] = 0
        self._vectors = [
            open_vector(self._world, self._host, count, share, seed, first)
            for seed, share in zip(seeds, share_workers(self._host, len(seeds)), strict=True)
        ]

    def _rounds(self, learning: bool, random: bool, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        hyper = for_seeds(hyper, run)
        for _ in range(rounds):
            run = self._round(learning, random, hyper, run)
        return run

    def _round(self, learning: bool, random: bool, hyper: Hyper, run: RunState) -> RunState:
        """[collect n steps of every environment] while [update m times]."""
        learned, blocks = None, []
        for step in range(self.training.collect):
            action = self._act(random, hyper, run, step)
            # On the host the actions are awaited, and with them all that they depend on.
            for vector, actions in zip(self._vectors, np.asarray(action), strict=True):
                vector.send(actions)
            if learning and step == 0:
                learned = self._learn(hyper, run)
            parcel = pack([vector.receive() for vector in self._vectors])
            # Without what is large: an output that is an input too would be copied.
            light, block = self._record(learning, hyper, _lighten(run), action, parcel, step)
            run = replace(light, learner=run.learner, replay=run.replay, rings=run.rings)
            blocks.append(block)
        if learned is not None:
            # Awaited, since the replay that it reads is donated next.
            learner, sums = jax.block_until_ready(learned)
            run = replace(run, learner=learner, totals=replace(run.totals, updates=sums))
        replay, rings, rounds = self._add(run.replay, run.rings, run.rounds, blocks)
        return replace(run, replay=replay, rings=rings, rounds=rounds)

    def _begin(
        self, keys: Key[Array, " seed"], observation: jax.Array, state: jax.Array, there: Availability, whole: jax.Array
    ) -> RunState:
        """The state of a run from its environments' first observations, a row for each key."""

        def begin(key: jax.Array, observation: jax.Array, state: jax.Array, there: Availability, whole: jax.Array) -> RunState:
            return self._collector.begin(self.store, start_keys(key), (), observation, state, there, whole)

        begun: RunState = jax.vmap(begin, out_axes=SEED_AXES)(keys, observation, state, there, whole)
        return begun

    @cached_property
    def _start(self) -> Callable[..., RunState]:
        return jax.jit(self._begin, compiler_options={"xla_backend_optimization_level": 0})

    @cached_property
    def _act(self) -> Callable[..., jax.Array]:
        def act(random: bool, hyper: Hyper, run: RunState, step: jax.Array) -> jax.Array:
            steps = run.rounds * self.training.round_steps
            return self._collector.act(random, run, self._keys(run, step)[0], exploration_scale(hyper, steps))

        def of_seeds(random: bool, hyper: Hyper, run: RunState, step: jax.Array) -> jax.Array:
            return jax.vmap(partial(act, random), in_axes=(0, SEED_AXES, None))(hyper, run, step)

        return jax.jit(of_seeds, static_argnums=0)

    @cached_property
    def _record(self) -> Callable[..., tuple[RunState, Transition]]:
        def record(
            learning: bool, hyper: Hyper, run: RunState, action: jax.Array, parcel: jax.Array, step: jax.Array
        ) -> tuple[RunState, Transition]:
            outcome = unpack(self.algorithm.spec, parcel)
            run, transition = self._collector.record(hyper, run, action, outcome, self._keys(run, step)[1])
            return replace(run, episodes=run.episodes + jnp.sum(outcome.ended)) if learning else run, transition

        def of_seeds(learning: bool, hyper: Hyper, run: RunState, *arguments: Any) -> tuple[RunState, Transition]:
            axes = (0, SEED_AXES, 0, 0, None)
            return jax.vmap(partial(record, learning), in_axes=axes, out_axes=(SEED_AXES, 0))(hyper, run, *arguments)

        return jax.jit(of_seeds, static_argnums=0)

    @cached_property
    def _add(self) -> Callable[..., tuple[jax.Array, SubPolicyRings | None, jax.Array]]:
        def add(replay: jax.Array, rings: SubPolicyRings | None, rounds: jax.Array, blocks: Sequence[Transition]) -> tuple:
            block = jax.tree.map(lambda *steps: jnp.concatenate(steps), *blocks)
            return self.store.add(replay, rings, rounds, block)

        return jax.jit(jax.vmap(add, in_axes=(0, 0, None, 0), out_axes=(0, 0, None)), donate_argnums=(0, 1))

    @cached_property
    def _learn(self) -> Callable[..., tuple[TrainState, Metrics]]:
        def one(hyper: Hyper, run: RunState) -> tuple[TrainState, Metrics]:
            key = jax.random.split(jax.random.fold_in(run.key, run.rounds))[1]
            return learn(self.store, hyper, run, key)

        return jax.jit(jax.vmap(one, in_axes=(0, SEED_AXES)))

    @cached_property
    def _compare(self) -> Callable[..., dict[str, jax.Array]]:
        return jax.jit(jax.vmap(partial(compare, self.store), in_axes=(0, SEED_AXES)))

    def _keys(self, run: RunState, step: jax.Array) -> jax.Array:
        """For acting and recording, of one step of a round."""
        collect_key = jax.random.split(jax.random.fold_in(run.key, run.rounds))[0]
        return jax.random.split(jax.random.fold_in(collect_key, step))


def _lighten(run: RunState) -> RunState:
    """The run without networks and replay."""
    return replace(run, learner=None, replay=None, rings=None)  # type: ignore[arg-type]


def stack(steps: Sequence[VectorStep]) -> VectorStep:
    """The steps of several vectors with a leading axis of vectors."""
    return VectorStep(**{name: np.stack([getattr(step, name) for step in steps]) for name in VectorStep.__dataclass_fields__})
