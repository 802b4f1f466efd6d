"""Acting and stepping: where transitions come from in the fused loop, and the state in which a run starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from maddpg.algorithm.acting import act, act_randomly
from maddpg.algorithm.availability import with_teams_return
from maddpg.algorithm.ensembles import draw_sub_policies
from maddpg.algorithm.exploration import exploration_scale
from maddpg.algorithm.learning import metric_names
from maddpg.algorithm.rewards import RewardDesign
from maddpg.algorithm.state import Algorithm, Hyper, hyper, init
from maddpg.config import TrainingConfig
from maddpg.environments.contract import Environment, restart
from maddpg.training.run_state import RunState, Totals
from maddpg.training.storing import Store
from maddpg.types import Availability, PyTree, TimeStep, Transition


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Outcome:
    """What a step of every environment led to, [environment, ...]; new episodes have begun where one ended."""

    result: TimeStep
    ended: jax.Array  # [environment] bool: an episode ended
    availability: Availability  # at `result.observation`
    next_availability: Availability  # at `result.next_observation`
    stepped: PyTree = ()  # states on the device, before any reset
    worlds: PyTree = ()  # and after it
    next_action: jax.Array | None = None  # [environment, agent, action], what scripted play does at `stepped`
    lost: jax.Array | None = None  # [environment] bool: the step was lost, and a new episode has begun
    whole: jax.Array | None = None  # [environment] bool: what begins now is, as in `RunState`; None: all of it


class StartKeys(NamedTuple):
    """What is drawn when a run starts."""

    learner: jax.Array
    reset: jax.Array
    stagger: jax.Array
    run: jax.Array
    member: jax.Array


def start_keys(key: Key[Array, ""]) -> StartKeys:
    """The keys of a run's start, from that of its seed."""
    return StartKeys(*jax.random.split(key, 5))


@dataclass(frozen=True)
class Collector:
    """All environments of one seed, and those who act in them; the static parts.

    `environment` does not reset by itself; None: environments live in Python, and only `begin`, `act` and `record` mean something. `design`
    says what is learned from if not its reward.
    """

    algorithm: Algorithm
    environment: Environment | None
    training: TrainingConfig
    design: RewardDesign | None

    @property
    def _scripted(self) -> np.ndarray:
        """[agent] bool: who plays by script."""
        return self.algorithm.players.who("scripted")

    def start(self, store: Store, key: Key[Array, ""]) -> RunState:
        """The state of a run on the device that has done nothing yet, its environments at staggered clocks."""
        keys = start_keys(key)
        assert self.environment is not None
        worlds, observation = jax.vmap(self.environment.reset)(jax.random.split(keys.reset, self.training.environments))
        state, there = jax.vmap(self.environment.global_state)(worlds), jax.vmap(self.environment.availability)(worlds)
        whole = jnp.ones(self.training.environments, bool)
        return self._stagger(self.begin(store, keys, worlds, observation, state, there, whole), keys.stagger)

    def begin(
        self,
        store: Store,
        keys: StartKeys,
        worlds: PyTree,
        observation: Float[Array, "environment agent observation"],
        state: Float[Array, "environment state"],
        availability: Availability,
        whole: Bool[Array, " environment"],
    ) -> RunState:
        """The state of a run that has done nothing yet, from its environments' first observations."""
        config, count = self.algorithm.config, self.training.environments
        ensemble = config.ensemble_size > 1
        return RunState(
            learner=init(self.algorithm, keys.learner),
            replay=store.replay.init(),
            worlds=worlds,
            observation=observation,
            state=state,
            availability=availability,
            episode_return=jnp.zeros(observation.shape[:2]),
            whole=whole,
            totals=self._no_totals(),
            episodes=jnp.int32(0),
            key=keys.run,
            rounds=jnp.int32(0),
            sub_policy=draw_sub_policies(self.algorithm.players, config.ensemble_size, keys.member, count) if ensemble else None,
            rings=store.index.init() if ensemble else None,
        )

    def _stagger(self, run: RunState, key: Key[Array, ""]) -> RunState:
        """Play environments on by different numbers of random steps, spread evenly over an episode.

        In step they would all end their episodes at once, and the latest transitions would be one moment of the episode.
        """
        length, count = self.algorithm.spec.episode_length, self.training.environments
        offset = jnp.arange(count) * length // count
        numbers = hyper(self.algorithm)  # nothing is stored here, so it does not matter which

        def one_step(run: RunState, now: tuple[jax.Array, jax.Array]) -> tuple[RunState, None]:
            clock, key = now
            act_key, step_key = jax.random.split(key)
            stepped, *_ = self._step(numbers, run, act_randomly(self.algorithm, act_key, count, run.availability), step_key)

            def choose(new: jax.Array, old: jax.Array) -> jax.Array:
                return jnp.where((clock < offset).reshape(-1, *[1] * (new.ndim - 1)), new, old)

            chosen = jax.tree.map(choose, _of_environments(stepped), _of_environments(run))
            names = ("worlds", "observation", "state", "episode_return", "availability")
            return replace(run, **dict(zip(names, chosen, strict=True))), None

        staggered, _ = jax.lax.scan(one_step, run, (jnp.arange(length), jax.random.split(key, length)))
        return replace(staggered, whole=offset == 0)

    def _no_totals(self) -> Totals:
        zero = jnp.zeros(self.algorithm.spec.agent_count)
        learners = jnp.zeros(len(self.algorithm.players.learners))
        sums = {name: learners for name in metric_names(self.algorithm)}
        return Totals(sums, zero, None if self.design is None else zero, zero, jnp.int32(0), jnp.int32(0))

    def collect(self, learning: bool, hyper: Hyper, run: RunState, key: Key[Array, ""]) -> tuple[RunState, Transition]:
        """`collect` steps of every environment: the run, and the transitions [step * environment, ...]."""
        exploration = exploration_scale(hyper, run.rounds * self.training.round_steps)
        random = not learning and self.training.warmup_policy == "random"

        def one_step(run: RunState, key: jax.Array) -> tuple[RunState, Transition]:
            act_key, step_key = jax.random.split(key)
            action = self.act(random, run, act_key, exploration)
            run, transition, ended = self._step(hyper, run, action, step_key)
            return replace(run, episodes=run.episodes + ended) if learning else run, transition

        run, transitions = jax.lax.scan(one_step, run, jax.random.split(key, self.training.collect))
        return run, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), transitions)

    def act(
        self, random: bool, run: RunState, key: Key[Array, ""], exploration: Float[Array, " agent"]
    ) -> Float[Array, "environment agent action"]:
        """Everybody's actions: learners' and frozen teams' by their actors, others as their team plays; all at random while warming up."""
        algorithm, players, count = self.algorithm, self.algorithm.players, self.training.environments
        random_key, policy_key, script_key = jax.random.split(key, 3)
        at_random = players.who("random", "learning") if random else players.who("random")
        if at_random.all():
            return act_randomly(algorithm, random_key, count, run.availability)
        action = act(algorithm, run.learner.actor, run.observation, policy_key, exploration, run.sub_policy, availability=run.availability)
        if at_random.any():
            action = jnp.where(at_random[None, :, None], act_randomly(algorithm, random_key, count, run.availability), action)
        if self._scripted.any():
            action = jnp.where(self._scripted[None, :, None], self._script(script_key, run.worlds), action)
        return action

    def _step(
        self, hyper: Hyper, run: RunState, action: Float[Array, "environment agent action"], key: Key[Array, ""]
    ) -> tuple[RunState, Transition, Int[Array, ""]]:
        """Every environment on the device one step on; the transition as the replay keeps it, and how many episodes ended."""
        count, environment = self.training.environments, self.environment
        assert environment is not None
        step_key, reset_key, script_key, record_key = jax.random.split(key, 4)
        stepped, result = jax.vmap(environment.step)(jax.random.split(step_key, count), run.worlds, action)
        next_action = self._script(script_key, stepped) if self._scripted.any() else None
        led_to = jax.vmap(environment.availability)(stepped)
        worlds, result = jax.vmap(partial(restart, environment))(jax.random.split(reset_key, count), stepped, result)
        outcome = Outcome(
            result=result,
            ended=jnp.all(result.terminated | result.truncated, axis=1),
            availability=jax.vmap(environment.availability)(worlds),
            next_availability=led_to,
            stepped=stepped,
            worlds=worlds,
            next_action=next_action,
        )
        run, transition = self.record(hyper, run, action, outcome, record_key)
        return run, transition, jnp.sum(outcome.ended)

    def record(
        self, hyper: Hyper, run: RunState, action: Float[Array, "environment agent action"], outcome: Outcome, key: Key[Array, ""]
    ) -> tuple[RunState, Transition]:
        """The run after a step of every environment, wherever they are, and the transitions as the replay keeps them.

        A step that was lost makes a transition in which nobody is there, from which nothing is learned.
        """
        algorithm, result, lost = self.algorithm, outcome.result, outcome.lost
        before, after = run.availability, outcome.next_availability
        if lost is not None:
            assert before.alive is not None
            before = replace(before, alive=before.alive & ~lost[:, None])
        earned, terminated = self._earned(outcome, before), result.terminated
        if algorithm.config.value_after_death == "team":
            assert before.alive is not None
            assert after.alive is not None
            # Of what the living learn from; before shaping, in which each has a potential and a discount of its own.
            earned, terminated = with_teams_return(algorithm.spec, earned, before.alive, after.alive)
        learned_from = self._shaped(hyper, run, outcome, earned, terminated)
        uses_state = algorithm.config.critic_input != "observations"
        transition = Transition(
            observation=run.observation,
            action=action,
            reward=learned_from,
            discount=1.0 - terminated.astype(result.reward.dtype),
            next_observation=result.next_observation,
            state=run.state if uses_state else None,
            next_state=result.next_state if uses_state else None,
            next_action=outcome.next_action,
            sub_policy=run.sub_policy,
            availability=before,
            next_availability=after,
        )
        begins = outcome.ended if lost is None else outcome.ended | lost
        counted = outcome.ended & run.whole
        episode_return = run.episode_return + result.reward
        sub_policy = run.sub_policy
        if sub_policy is not None:
            fresh = draw_sub_policies(algorithm.players, algorithm.config.ensemble_size, key, len(begins))
            sub_policy = jnp.where(begins[:, None], fresh, sub_policy)
        designed = run.totals.designed_reward
        totals = replace(
            run.totals,
            reward=run.totals.reward + jnp.sum(result.reward, axis=0),
            designed_reward=None if designed is None else designed + jnp.sum(learned_from, axis=0),
            episode_return=run.totals.episode_return + jnp.sum(jnp.where(counted[:, None], episode_return, 0.0), axis=0),
            episodes=run.totals.episodes + jnp.sum(counted),
            lost=run.totals.lost if lost is None else run.totals.lost + jnp.sum(lost),
        )
        run = replace(
            run,
            worlds=outcome.worlds,
            observation=result.observation,
            state=result.state,
            episode_return=jnp.where(begins[:, None], 0.0, episode_return),
            whole=jnp.where(begins, True if outcome.whole is None else outcome.whole, run.whole),
            sub_policy=sub_policy,
            totals=totals,
            availability=outcome.availability,
        )
        return run, transition

    def _script(self, key: Key[Array, ""], worlds: PyTree) -> Float[Array, "environment agent action"]:
        """What hand-written play does in every environment."""
        assert self.environment is not None
        assert self.environment.scripted is not None
        return jax.vmap(self.environment.scripted)(jax.random.split(key, self.training.environments), worlds)

    def _earned(self, outcome: Outcome, before: Availability) -> Float[Array, "environment agent"]:
        """The environment's reward, or what the design makes of it, before shaping. `before` says who acted."""
        reward = outcome.result.reward
        if self.design is None:
            return reward
        earned: jax.Array = jax.vmap(self.design.earn)(reward, outcome.stepped, before.alive)
        return earned

    def _shaped(
        self, hyper: Hyper, run: RunState, outcome: Outcome, earned: Float[Array, "environment agent"], terminated: jax.Array
    ) -> Float[Array, "environment agent"]:
        """What is learned from: what was earned, shaped with each learner's own discount."""
        if self.design is None:
            return earned
        shaped: jax.Array = jax.vmap(partial(self.design.shape, hyper.gamma))(
            earned, terminated, run.worlds, run.observation, outcome.stepped, outcome.result.next_observation
        )
        return shaped if outcome.lost is None else jnp.where(outcome.lost[:, None], 0.0, shaped)


def _of_environments(run: RunState) -> tuple[PyTree, ...]:
    """The fields of a run that have an environment axis, as `_stagger` takes them."""
    return run.worlds, run.observation, run.state, run.episode_return, run.availability
