"""MADDPG from top to bottom: how agents act, and one learning step of all of them (Lowe et al. 2017, Algorithm 1)."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Key

from maddpg.algorithm import actions
from maddpg.algorithm.losses import actor_loss, critic_loss, temporal_difference_target
from maddpg.algorithm.optimisers import step
from maddpg.algorithm.state import Algorithm, Hyper, TrainState
from maddpg.algorithm.targets import move_target
from maddpg.algorithm.views import CriticView, critic_input
from maddpg.types import PyTree, Transition

Metrics = dict[str, jax.Array]
METRICS = ("critic_loss", "actor_loss", "value", "target", "critic_gradient_norm", "actor_gradient_norm", "output_magnitude")
"""What `update` reports of each agent (docs/metrics.md)."""


def act(
    algorithm: Algorithm,
    actor: PyTree,
    observation: Float[Array, "batch agent observation"],
    key: Key[Array, ""],
    exploration: Float[Array, " agent"] | None = None,
) -> Float[Array, "batch agent action"]:
    """Every agent's action from its own observation alone: a_i = mu_i(o_i), drawn where the policy is stochastic.

    `exploration` scales the noise on deterministic policies; left out, they take their point.
    """

    def one(layout: actions.ActionLayout, actor: PyTree, observation: jax.Array, key: jax.Array, scale: jax.Array | None) -> jax.Array:
        return actions.sample(layout, algorithm.actor.apply(actor, observation), key, scale)

    keys = agent_keys(algorithm, key)
    return jax.vmap(one, in_axes=(0, 0, 1, 0, None if exploration is None else 0), out_axes=1)(
        algorithm.layout, actor, observation, keys, exploration
    )


def act_greedily(
    algorithm: Algorithm, actor: PyTree, observation: Float[Array, "batch agent observation"]
) -> Float[Array, "batch agent action"]:
    """Every agent's action without noise: arg max, softmax, point or mean."""

    def one(layout: actions.ActionLayout, actor: PyTree, observation: jax.Array) -> jax.Array:
        return actions.greedy(layout, algorithm.actor.apply(actor, observation))

    return jax.vmap(one, in_axes=(0, 0, 1), out_axes=1)(algorithm.layout, actor, observation)


def act_randomly(algorithm: Algorithm, key: Key[Array, ""], batch: int) -> Float[Array, "batch agent action"]:
    """Uniformly random actions of every agent."""
    return jax.vmap(lambda layout, key: actions.random_action(layout, key, batch), out_axes=1)(algorithm.layout, agent_keys(algorithm, key))


def agent_keys(algorithm: Algorithm, key: Key[Array, ""]) -> Key[Array, " agent"]:
    """A key for each agent, the same whatever the number of agents."""
    return jax.vmap(lambda agent: jax.random.fold_in(key, agent))(jnp.arange(algorithm.spec.agent_count))


def update(algorithm: Algorithm, hyper: Hyper, state: TrainState, batch: Transition, key: Key[Array, ""]) -> tuple[TrainState, Metrics]:
    """One learning step of every agent: critic, actor, targets.

    Everything is written for ONE agent and mapped over agents. With a shared minibatch what does not depend on the agent (target actions,
    the joint input) is computed once; with `minibatch` = per_agent, `batch` has a leading agent axis. Metrics are [agent].
    """
    config = algorithm.config
    batch_axis = 0 if config.minibatch == "per_agent" else None
    target_key, own_key, others_key = jax.random.split(key, 3)

    def critic_values(critics: PyTree, blocks: list[jax.Array]) -> jax.Array:
        values: jax.Array = jax.vmap(lambda critic: algorithm.critic.apply(critic, *blocks)[:, 0])(critics)
        return values

    def learn(
        agent: jax.Array,
        layout: actions.ActionLayout,
        view: CriticView,
        hyper: Hyper,
        mine: TrainState,
        batch: Transition,
        target_key: jax.Array,
        key: jax.Array,
    ) -> tuple[TrainState, Metrics]:
        # a'_j = mu'_j(o'_j) of all agents. The paper prints o_j: a slip, the next state's value needs the next observation.
        next_action = act(algorithm, state.target_actor, batch.next_observation, target_key)

        # y = r_i + gamma Q'_i(x', a'_1, ..., a'_N)
        next_input = critic_input(config, view, batch.next_observation, batch.next_state, next_action)
        next_value = critic_values(mine.target_critic, next_input)
        target = temporal_difference_target(_of(batch.reward, agent), _of(batch.discount, agent), hyper.gamma, next_value)

        # Eq. 6: one step of each critic towards y.
        joint = critic_input(config, view, batch.observation, batch.state, batch.action)

        def loss_of_critic(critic: PyTree) -> tuple[jax.Array, jax.Array]:
            value = algorithm.critic.apply(critic, *joint)[:, 0]
            return critic_loss(value, target), value

        (critic_losses, value), critic_gradients = jax.vmap(jax.value_and_grad(loss_of_critic, has_aux=True))(mine.critic)
        critic, critic_optimiser = jax.vmap(lambda *arguments: step(algorithm.optimiser, hyper.critic_rate, *arguments))(
            critic_gradients, mine.critic_optimiser, mine.critic
        )

        # Eq. 5: agent i's action is recomputed, the others' come from the replay (or, by choice, from their current policies).
        played = batch.action
        if config.others_actions == "current":
            played = jax.lax.stop_gradient(act(algorithm, state.actor, batch.observation, others_key))
        observation = _of(batch.observation, agent)
        own = jnp.arange(algorithm.spec.agent_count) == agent

        def loss_of_actor(actor: PyTree) -> tuple[jax.Array, jax.Array]:
            output = algorithm.actor.apply(actor, observation)
            action = actions.differentiable_sample(layout, output, key)
            replaced = jnp.where(own[None, :, None], action[:, None, :], played)
            value = algorithm.critic.apply(_first(critic), *critic_input(config, view, batch.observation, batch.state, replaced))[:, 0]
            square = actions.mean_square_output(layout, output)
            return actor_loss(value, hyper.logit_regulariser * square), square

        (loss, square), actor_gradient = jax.value_and_grad(loss_of_actor, has_aux=True)(mine.actor)
        actor, actor_optimiser = step(algorithm.optimiser, hyper.actor_rate, actor_gradient, mine.actor_optimiser, mine.actor)

        # theta' <- tau theta + (1 - tau) theta'
        updates = mine.updates + 1
        due = updates % hyper.target_interval == 0
        learned = replace(
            mine,
            actor=actor,
            critic=critic,
            target_actor=move_target(actor, mine.target_actor, hyper.tau, due),
            target_critic=move_target(critic, mine.target_critic, hyper.tau, due),
            actor_optimiser=actor_optimiser,
            critic_optimiser=critic_optimiser,
            updates=updates,
        )
        metrics = {
            "critic_loss": jnp.mean(critic_losses),
            "actor_loss": loss,
            "value": jnp.mean(value),
            "target": jnp.mean(target),
            "critic_gradient_norm": optax.tree.norm(critic_gradients),
            "actor_gradient_norm": optax.tree.norm(actor_gradient),
            "output_magnitude": jnp.sqrt(square),
        }
        return learned, metrics

    axes = replace(jax.tree.map(lambda _: 0, state), updates=None)
    view_axis = None if algorithm.view.shared else 0
    target_keys = agent_keys(algorithm, target_key) if batch_axis == 0 else target_key
    learned: tuple[TrainState, Metrics] = jax.vmap(
        learn, in_axes=(0, 0, view_axis, 0, axes, batch_axis, batch_axis, 0), out_axes=(axes, 0)
    )(
        jnp.arange(algorithm.spec.agent_count),
        algorithm.layout,
        algorithm.view,
        hyper,
        state,
        batch,
        target_keys,
        agent_keys(algorithm, own_key),
    )
    return learned


def _of(values: jax.Array, agent: jax.Array) -> jax.Array:
    """One agent's slice of [batch, agent, ...]."""
    mine: jax.Array = jax.lax.dynamic_index_in_dim(values, agent, axis=1, keepdims=False)
    return mine


def _first(critics: PyTree) -> PyTree:
    """The first of the twins, the one whose gradient the actor follows."""
    return jax.tree.map(lambda leaf: leaf[0], critics)
