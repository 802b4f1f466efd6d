"""The fused loop: act, step, store, sample and update in one compiled program that never leaves the device inside a chunk.

A round is [collect n steps of every environment, update m times]. Warm-up rounds without updates are a program of their own: under `vmap`
over seeds a `cond` around the updates would run both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from maddpg.algorithm.exploration import exploration_scale
from maddpg.algorithm.state import Algorithm, Hyper, TrainState, init
from maddpg.algorithm.update import METRICS, act, act_randomly, agent_keys, update
from maddpg.config import TrainingConfig
from maddpg.environments.contract import Environment
from maddpg.replay import Replay
from maddpg.types import PyTree, Transition


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Totals:
    """Sums since the last line of metrics."""

    updates: dict[str, jax.Array]  # [agent] each, summed over updates
    reward: jax.Array  # [agent], over steps and environments
    episode_return: jax.Array  # [agent], over episodes that ended
    episodes: jax.Array  # episodes that ended


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class RunState:
    """Everything that a run changes, as one tree. With seeds side by side every field but `rounds` has a leading seed axis."""

    learner: TrainState
    replay: jax.Array  # [row, transition]
    worlds: PyTree  # [environment, ...]
    observation: jax.Array  # [environment, agent, observation]
    state: jax.Array  # [environment, state]
    episode_return: jax.Array  # [environment, agent], of the episodes under way
    totals: Totals
    key: jax.Array
    rounds: jax.Array  # int32, rounds done: the clock, shared by all seeds


@dataclass(frozen=True)
class Fused:
    """The loop's static parts. `environment` must reset by itself (`contract.auto_reset`)."""

    algorithm: Algorithm
    environment: Environment
    training: TrainingConfig

    @cached_property
    def replay(self) -> Replay:
        """The ring buffer of one seed."""
        spec = self.environment.spec

        def blank() -> Transition:
            observation, each = jnp.zeros((spec.agent_count, spec.observation_width)), jnp.zeros(spec.agent_count)
            state = None if self.algorithm.config.critic_input == "observations" else jnp.zeros(spec.state_size)
            action = jnp.zeros((spec.agent_count, spec.action_width))
            return Transition(observation, action, each, each, observation, state, state)

        return Replay(jax.eval_shape(blank), self.training.replay_rows)

    def start(self, keys: Key[Array, " seed"]) -> RunState:
        """The state of a run that has done nothing yet, a row for each key."""
        return self._start(keys)

    def shapes(self, seeds: int) -> RunState:
        """The shapes of the state of a run with so many seeds, without taking any memory."""
        keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), seeds))
        state: RunState = jax.eval_shape(jax.vmap(self._start_one, out_axes=_SEED_AXES), keys)
        return state

    def warm_up(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many rounds without updates. `run` is donated: it is gone afterwards."""
        return self._warm_up(hyper, run, jnp.int32(rounds))

    def train(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many rounds with updates. `run` is donated: it is gone afterwards."""
        return self._train(hyper, run, jnp.int32(rounds))

    @cached_property
    def _start(self) -> Callable[..., RunState]:
        # It runs once: what an optimised program would save in running, its compilation would cost many times over.
        quick = {"xla_backend_optimization_level": 0}
        return jax.jit(jax.vmap(self._start_one, out_axes=_SEED_AXES), compiler_options=quick)

    @cached_property
    def _warm_up(self) -> Callable[..., RunState]:
        return jax.jit(partial(self._rounds, False), donate_argnums=1)

    @cached_property
    def _train(self) -> Callable[..., RunState]:
        return jax.jit(partial(self._rounds, True), donate_argnums=1)

    def _rounds(self, learning: bool, hyper: Hyper, run: RunState, rounds: Int[Array, ""]) -> RunState:
        """The count is traced, so that one program serves chunks of every length."""
        one_round = jax.vmap(partial(self._round, learning), in_axes=(None, _SEED_AXES), out_axes=_SEED_AXES)
        done: RunState = jax.lax.fori_loop(0, rounds, lambda _, run: one_round(hyper, run), run)
        return done

    def _round(self, learning: bool, hyper: Hyper, run: RunState) -> RunState:
        """[collect n steps of every environment, update m times] of one seed."""
        collect_key, learn_key = jax.random.split(jax.random.fold_in(run.key, run.rounds))
        run, block = self._collect(learning, hyper, run, collect_key)
        before = run.rounds * self.training.round_steps
        rows = self.replay.add(run.replay, before, block)
        run = replace(run, replay=rows, rounds=run.rounds + 1)
        if not learning:
            return run
        added = before + self.training.round_steps

        def learn(carry: tuple[TrainState, dict], key: jax.Array) -> tuple[tuple[TrainState, dict], None]:
            learner, sums = carry
            sample_key, update_key = jax.random.split(key)
            learner, metrics = update(self.algorithm, hyper, learner, self._batch(rows, added, sample_key), update_key)
            return (learner, jax.tree.map(jnp.add, sums, metrics)), None

        (learner, sums), _ = jax.lax.scan(learn, (run.learner, run.totals.updates), jax.random.split(learn_key, self.training.updates))
        return replace(run, learner=learner, totals=replace(run.totals, updates=sums))

    def _batch(self, rows: Float[Array, "capacity row"], added: Int[Array, ""], key: Key[Array, ""]) -> Transition:
        """One minibatch for all agents, or, leading axis, one for each."""

        def draw(key: jax.Array) -> Transition:
            drawn: Transition = self.replay.sample(rows, added, key, self.training.batch_size)
            return drawn

        return draw(key) if self.algorithm.config.minibatch == "shared" else jax.vmap(draw)(agent_keys(self.algorithm, key))

    def _collect(self, learning: bool, hyper: Hyper, run: RunState, key: Key[Array, ""]) -> tuple[RunState, Transition]:
        """`collect` steps of every environment: the run, and the transitions [step * environment, ...]."""
        exploration = exploration_scale(hyper, run.rounds * self.training.round_steps)
        random = not learning and self.training.warmup_policy == "random"

        def one_step(run: RunState, key: jax.Array) -> tuple[RunState, Transition]:
            act_key, step_key = jax.random.split(key)
            if random:
                action = act_randomly(self.algorithm, act_key, self.training.environments)
            else:
                action = act(self.algorithm, run.learner.actor, run.observation, act_key, exploration)
            return self._step(run, action, step_key)

        run, transitions = jax.lax.scan(one_step, run, jax.random.split(key, self.training.collect))
        return run, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), transitions)

    def _step(self, run: RunState, action: Float[Array, "environment agent action"], key: Key[Array, ""]) -> tuple[RunState, Transition]:
        """Every environment one step on, and the transition as the replay keeps it."""
        worlds, result = jax.vmap(self.environment.step)(jax.random.split(key, self.training.environments), run.worlds, action)
        uses_state = self.algorithm.config.critic_input != "observations"
        transition = Transition(
            observation=run.observation,
            action=action,
            reward=result.reward,
            discount=1.0 - result.terminated.astype(result.reward.dtype),
            next_observation=result.next_observation,
            state=run.state if uses_state else None,
            next_state=result.next_state if uses_state else None,
        )
        ended = jnp.all(result.terminated | result.truncated, axis=1, keepdims=True)
        episode_return = run.episode_return + result.reward
        totals = replace(
            run.totals,
            reward=run.totals.reward + jnp.sum(result.reward, axis=0),
            episode_return=run.totals.episode_return + jnp.sum(jnp.where(ended, episode_return, 0.0), axis=0),
            episodes=run.totals.episodes + jnp.sum(ended),
        )
        run = replace(
            run,
            worlds=worlds,
            observation=result.observation,
            state=result.state,
            episode_return=jnp.where(ended, 0.0, episode_return),
            totals=totals,
        )
        return run, transition

    def _start_one(self, key: Key[Array, ""]) -> RunState:
        learner_key, reset_key, stagger_key, run_key = jax.random.split(key, 4)
        worlds, observation = jax.vmap(self.environment.reset)(jax.random.split(reset_key, self.training.environments))
        run = RunState(
            learner=init(self.algorithm, learner_key),
            replay=self.replay.init(),
            worlds=worlds,
            observation=observation,
            state=jax.vmap(self.environment.global_state)(worlds),
            episode_return=jnp.zeros(observation.shape[:2]),
            totals=self._no_totals(),
            key=run_key,
            rounds=jnp.int32(0),
        )
        return self._stagger(run, stagger_key)

    def _stagger(self, run: RunState, key: Key[Array, ""]) -> RunState:
        """Play environments on by different numbers of random steps, spread evenly over an episode.

        In step they would all end their episodes at once, and the latest transitions would be one moment of the episode.
        """
        length, count = self.environment.spec.episode_length, self.training.environments
        offset = jnp.arange(count) * length // count

        def one_step(run: RunState, now: tuple[jax.Array, jax.Array]) -> tuple[RunState, None]:
            clock, key = now
            act_key, step_key = jax.random.split(key)
            stepped, _ = self._step(run, act_randomly(self.algorithm, act_key, count), step_key)

            def choose(new: jax.Array, old: jax.Array) -> jax.Array:
                return jnp.where((clock < offset).reshape(-1, *[1] * (new.ndim - 1)), new, old)

            chosen = jax.tree.map(choose, _of_environments(stepped), _of_environments(run))
            worlds, observation, state, episode_return = chosen
            return replace(run, worlds=worlds, observation=observation, state=state, episode_return=episode_return), None

        return jax.lax.scan(one_step, run, (jnp.arange(length), jax.random.split(key, length)))[0]

    def _no_totals(self) -> Totals:
        zero = jnp.zeros(self.environment.spec.agent_count)
        return Totals({name: zero for name in METRICS}, zero, zero, jnp.int32(0))


def _of_environments(run: RunState) -> tuple[PyTree, ...]:
    """The fields of a run that have an environment axis."""
    return run.worlds, run.observation, run.state, run.episode_return


_SEED_AXES = RunState(learner=0, replay=0, worlds=0, observation=0, state=0, episode_return=0, totals=0, key=0, rounds=None)  # type: ignore[arg-type]
"""Which fields of a run have a seed axis, for `vmap`."""
