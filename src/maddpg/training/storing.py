"""Where transitions go, and the minibatches that learning steps draw from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from maddpg.algorithm.acting import agent_keys
from maddpg.algorithm.learning import Batches
from maddpg.algorithm.state import Algorithm
from maddpg.config import TrainingConfig
from maddpg.replay import Replay, SubPolicyIndex, SubPolicyRings
from maddpg.training.run_state import RunState
from maddpg.types import Availability, Transition


@dataclass(frozen=True)
class Store:
    """One seed's replay and what is drawn from it; the static parts.

    `open_ended`: nobody knows how long it will train, so that the replay is as large as `replay_capacity` says.
    """

    algorithm: Algorithm
    training: TrainingConfig
    open_ended: bool = False

    @property
    def rows(self) -> int:
        """Rows of the replay, whole rounds."""
        return self.training.most_replay_rows if self.open_ended else self.training.replay_rows

    @cached_property
    def replay(self) -> Replay:
        """The ring buffer of one seed."""
        spec = self.algorithm.spec

        def blank() -> Transition:
            observation, each = jnp.zeros((spec.agent_count, spec.observation_width)), jnp.zeros(spec.agent_count)
            state = None if self.algorithm.config.critic_input == "observations" else jnp.zeros(spec.state_size)
            action = jnp.zeros((spec.agent_count, spec.action_width))
            there = Availability(jnp.ones(spec.agent_count, bool) if spec.mortal else None, action > 0 if spec.masked else None)
            return Transition(
                observation,
                action,
                reward=each,
                discount=each,
                next_observation=observation,
                state=state,
                next_state=state,
                next_action=action if self.algorithm.players.who("scripted").any() else None,
                sub_policy=each.astype(jnp.int32) if self.algorithm.config.ensemble_size > 1 else None,
                availability=there,
                next_availability=there,
            )

        return Replay(jax.eval_shape(blank), self.rows)

    @cached_property
    def index(self) -> SubPolicyIndex:
        """Which rows of the replay each sub-policy made."""
        players = self.algorithm.players
        return SubPolicyIndex(players.group_count, self.algorithm.config.ensemble_size, self.rows)

    def add(
        self, replay: jax.Array, rings: SubPolicyRings | None, rounds: Int[Array, ""], block: Transition
    ) -> tuple[jax.Array, SubPolicyRings | None, Int[Array, ""]]:
        """One round's transitions into the replay, and into the rings of those who made them; one round more has been done."""
        added = rounds * self.training.round_steps
        if rings is not None:
            assert block.sub_policy is not None
            first_of_group = np.array([self.algorithm.players.groups.index(group) for group in range(self.index.groups)])
            rings = self.index.add(rings, added % self.index.capacity, block.sub_policy[:, first_of_group])
        return self.replay.add(replay, added, block), rings, rounds + 1

    def batches(self, run: RunState, key: Key[Array, ""]) -> Batches:
        """Minibatches for one learning step: one for all agents or, leading axis, one for each; and what ensembles and models need."""
        algorithm, size = self.algorithm, self.training.batch_size
        added = run.rounds * self.training.round_steps
        joint_key, member_key, latest_key = jax.random.split(key, 3)
        learners = jnp.asarray(algorithm.players.learners)

        def draw(key: jax.Array) -> Transition:
            drawn: Transition = self.replay.sample(run.replay, added, key, size)
            return drawn

        shared = algorithm.config.minibatch == "shared"
        joint = draw(joint_key) if shared else jax.vmap(draw)(agent_keys(algorithm, joint_key)[learners])
        batches = Batches(joint)
        if run.rings is not None:
            rings, groups = run.rings, jnp.asarray(algorithm.players.groups)[learners]
            # One minibatch for all agents: those of a group share their sub-policies' draws too.
            keys = jax.vmap(lambda number: jax.random.fold_in(member_key, number))(groups if shared else learners)

            def of_members(group: jax.Array, key: jax.Array) -> Transition:
                rows = self.index.draw(rings, group, key, size)
                taken: Transition = jax.vmap(lambda rows: self.replay.take(run.replay, rows))(rows)
                return taken

            batches = replace(batches, members=jax.vmap(of_members)(groups, keys), has_members=rings.alive[groups] > 0)
        if algorithm.config.inference:
            batches = replace(batches, latest=self.latest(run.replay, added, latest_key))
        return batches

    def latest(self, rows: jax.Array, added: jax.Array, key: Key[Array, ""]) -> Transition:
        """A minibatch of the latest transitions: a window of a whole episode of every environment, so that no moment of it is missing."""
        training = self.training
        window = max(training.batch_size, training.environments * self.algorithm.spec.episode_length)
        latest: Transition = self.replay.sample_latest(rows, added, key, training.batch_size, window)
        return latest
