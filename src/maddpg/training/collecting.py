"""Acting and stepping: where transitions come from in the fused loop, and the state in which a run starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from maddpg.algorithm.acting import act, act_randomly
from maddpg.algorithm.ensembles import draw_sub_policies
from maddpg.algorithm.exploration import exploration_scale
from maddpg.algorithm.learning import metric_names
from maddpg.algorithm.rewards import RewardDesign
from maddpg.algorithm.state import Algorithm, Hyper, hyper, init
from maddpg.config import TrainingConfig
from maddpg.environments.contract import Environment, restart
from maddpg.training.run_state import RunState, Totals
from maddpg.training.storing import Store
from maddpg.types import PyTree, TimeStep, Transition


@dataclass(frozen=True)
class Collector:
    """All environments of one seed, and those who act in them; the static parts.

    `environment` does not reset by itself; `design` says what is learned from if not its reward.
    """

    algorithm: Algorithm
    environment: Environment
    training: TrainingConfig
    design: RewardDesign | None

    @property
    def _scripted(self) -> np.ndarray:
        """[agent] bool: who plays by script."""
        return self.algorithm.players.who("scripted")

    def start(self, store: Store, key: Key[Array, ""]) -> RunState:
        """The state of a run that has done nothing yet, its environments at staggered clocks."""
        learner_key, reset_key, stagger_key, run_key, member_key = jax.random.split(key, 5)
        config, count = self.algorithm.config, self.training.environments
        ensemble = config.ensemble_size > 1
        worlds, observation = jax.vmap(self.environment.reset)(jax.random.split(reset_key, count))
        run = RunState(
            learner=init(self.algorithm, learner_key),
            replay=store.replay.init(),
            worlds=worlds,
            observation=observation,
            state=jax.vmap(self.environment.global_state)(worlds),
            episode_return=jnp.zeros(observation.shape[:2]),
            totals=self._no_totals(),
            episodes=jnp.int32(0),
            key=run_key,
            rounds=jnp.int32(0),
            sub_policy=draw_sub_policies(self.algorithm.players, config.ensemble_size, member_key, count) if ensemble else None,
            rings=store.index.init() if ensemble else None,
        )
        return self._stagger(run, stagger_key)

    def _stagger(self, run: RunState, key: Key[Array, ""]) -> RunState:
        """Play environments on by different numbers of random steps, spread evenly over an episode.

        In step they would all end their episodes at once, and the latest transitions would be one moment of the episode.
        """
        length, count = self.environment.spec.episode_length, self.training.environments
        offset = jnp.arange(count) * length // count
        numbers = hyper(self.algorithm)  # nothing is stored here, so it does not matter which

        def one_step(run: RunState, now: tuple[jax.Array, jax.Array]) -> tuple[RunState, None]:
            clock, key = now
            act_key, step_key = jax.random.split(key)
            stepped, *_ = self._step(numbers, run, act_randomly(self.algorithm, act_key, count), step_key)

            def choose(new: jax.Array, old: jax.Array) -> jax.Array:
                return jnp.where((clock < offset).reshape(-1, *[1] * (new.ndim - 1)), new, old)

            chosen = jax.tree.map(choose, _of_environments(stepped), _of_environments(run))
            worlds, observation, state, episode_return = chosen
            return replace(run, worlds=worlds, observation=observation, state=state, episode_return=episode_return), None

        return jax.lax.scan(one_step, run, (jnp.arange(length), jax.random.split(key, length)))[0]

    def _no_totals(self) -> Totals:
        zero = jnp.zeros(self.environment.spec.agent_count)
        learners = jnp.zeros(len(self.algorithm.players.learners))
        sums = {name: learners for name in metric_names(self.algorithm)}
        return Totals(sums, zero, None if self.design is None else zero, zero, jnp.int32(0))

    def collect(self, learning: bool, hyper: Hyper, run: RunState, key: Key[Array, ""]) -> tuple[RunState, Transition]:
        """`collect` steps of every environment: the run, and the transitions [step * environment, ...]."""
        exploration = exploration_scale(hyper, run.rounds * self.training.round_steps)
        random = not learning and self.training.warmup_policy == "random"

        def one_step(run: RunState, key: jax.Array) -> tuple[RunState, Transition]:
            act_key, step_key = jax.random.split(key)
            action = self._act(random, run, act_key, exploration)
            run, transition, ended = self._step(hyper, run, action, step_key)
            return replace(run, episodes=run.episodes + ended) if learning else run, transition

        run, transitions = jax.lax.scan(one_step, run, jax.random.split(key, self.training.collect))
        return run, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), transitions)

    def _act(
        self, random: bool, run: RunState, key: Key[Array, ""], exploration: Float[Array, " agent"]
    ) -> Float[Array, "environment agent action"]:
        """Everybody's action: learners by their policies, or at `random`; the other teams as they play."""
        algorithm, count = self.algorithm, self.training.environments
        players = algorithm.players
        policy_key, random_key, script_key = jax.random.split(key, 3)
        at_random = players.who("random", "learning") if random else players.who("random")
        if at_random.all():
            return act_randomly(algorithm, random_key, count)
        action = act(algorithm, run.learner.actor, run.observation, policy_key, exploration, run.sub_policy)
        if at_random.any():
            action = jnp.where(at_random[None, :, None], act_randomly(algorithm, random_key, count), action)
        if self._scripted.any():
            scripted = jax.vmap(self.environment.scripted)(jax.random.split(script_key, count), run.worlds)
            action = jnp.where(self._scripted[None, :, None], scripted, action)
        return action

    def _step(
        self, hyper: Hyper, run: RunState, action: Float[Array, "environment agent action"], key: Key[Array, ""]
    ) -> tuple[RunState, Transition, Int[Array, ""]]:
        """Every environment one step on; the transition as the replay keeps it, and how many episodes ended."""
        count, algorithm = self.training.environments, self.algorithm
        step_key, reset_key, script_key, member_key = jax.random.split(key, 4)
        stepped, result = jax.vmap(self.environment.step)(jax.random.split(step_key, count), run.worlds, action)
        learned_from = self._designed(hyper, run, stepped, result)
        next_action = None
        if self._scripted.any():
            next_action = jax.vmap(self.environment.scripted)(jax.random.split(script_key, count), stepped)
        worlds, result = jax.vmap(partial(restart, self.environment))(jax.random.split(reset_key, count), stepped, result)
        uses_state = algorithm.config.critic_input != "observations"
        transition = Transition(
            observation=run.observation,
            action=action,
            reward=learned_from,
            discount=1.0 - result.terminated.astype(result.reward.dtype),
            next_observation=result.next_observation,
            state=run.state if uses_state else None,
            next_state=result.next_state if uses_state else None,
            next_action=next_action,
            sub_policy=run.sub_policy,
        )
        ended = jnp.all(result.terminated | result.truncated, axis=1, keepdims=True)
        episode_return = run.episode_return + result.reward
        sub_policy = run.sub_policy
        if sub_policy is not None:
            fresh = draw_sub_policies(algorithm.players, algorithm.config.ensemble_size, member_key, count)
            sub_policy = jnp.where(ended, fresh, sub_policy)
        designed = run.totals.designed_reward
        totals = replace(
            run.totals,
            reward=run.totals.reward + jnp.sum(result.reward, axis=0),
            designed_reward=None if designed is None else designed + jnp.sum(learned_from, axis=0),
            episode_return=run.totals.episode_return + jnp.sum(jnp.where(ended, episode_return, 0.0), axis=0),
            episodes=run.totals.episodes + jnp.sum(ended),
        )
        run = replace(
            run,
            worlds=worlds,
            observation=result.observation,
            state=result.state,
            episode_return=jnp.where(ended, 0.0, episode_return),
            sub_policy=sub_policy,
            totals=totals,
        )
        return run, transition, jnp.sum(ended)

    def _designed(self, hyper: Hyper, run: RunState, stepped: PyTree, result: TimeStep) -> Float[Array, "environment agent"]:
        """What is learned from: the environment's reward, or the one designed from it, with each learner's own discount."""
        if self.design is None:
            return result.reward
        designed: jax.Array = jax.vmap(partial(self.design, hyper.gamma))(
            result.reward, result.terminated, run.worlds, run.observation, stepped, result.next_observation
        )
        return designed


def _of_environments(run: RunState) -> tuple[PyTree, ...]:
    """The fields of a run that have an environment axis, as `_stagger` takes them."""
    return run.worlds, run.observation, run.state, run.episode_return
