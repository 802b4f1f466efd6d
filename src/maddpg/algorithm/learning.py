"""One learning step of one agent, from top to bottom, in the order of Lowe et al. 2017, Algorithm 1. `update` maps it over agents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from maddpg.algorithm import actions
from maddpg.algorithm.acting import of_agent
from maddpg.algorithm.actions import ActionLayout
from maddpg.algorithm.availability import masks, presence, value_weights, without_absent
from maddpg.algorithm.inference import learn_models
from maddpg.algorithm.joint_actions import current_actions, next_actions
from maddpg.algorithm.losses import actor_loss, critic_loss, temporal_difference_target, weighted_mean
from maddpg.algorithm.optimisers import step
from maddpg.algorithm.state import Algorithm, Hyper, TrainState
from maddpg.algorithm.targets import boundaries_passed, move_target
from maddpg.algorithm.views import CriticView, critic_input
from maddpg.types import PyTree, Transition

Metrics = dict[str, jax.Array]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Batches:
    """What one learning step learns from.

    With `minibatch` = per_agent, `joint` has a leading learner axis.
    """

    joint: Transition  # [batch, ...], for critics, and for actors unless they are ensembles
    members: Transition | None = None  # [learner, member, batch, ...], from each sub-policy's own replay
    has_members: jax.Array | None = None  # [learner, member] bool: that replay is not empty
    latest: Transition | None = None  # [batch, ...], from the latest transitions, for models of the others


class Learner(NamedTuple):
    """What belongs to one agent that learns; inside `vmap`, without the leading learner axis."""

    agent: jax.Array
    others: jax.Array  # [other]
    layout: ActionLayout
    view: CriticView
    hyper: Hyper


class Keys(NamedTuple):
    """What is drawn in a learning step: next actions, the agent's own actions, the others' current ones."""

    target: jax.Array
    own: jax.Array
    others: jax.Array


def metric_names(algorithm: Algorithm) -> tuple[str, ...]:
    """What a learning step reports of each learner (docs/metrics.md)."""
    names = (
        "critic_loss",
        "actor_loss",
        "value",
        "target",
        "critic_gradient_norm",
        "actor_gradient_norm",
        "output_magnitude",
        "target_moves",
    )
    return (*names, "inference_loss") if algorithm.config.inference else names


def learn(
    algorithm: Algorithm,
    everyone: TrainState,
    learner: Learner,
    mine: TrainState,
    batches: Batches,
    updates: Int[Array, ""],
    episodes: Int[Array, ""],
    keys: Keys,
) -> tuple[TrainState, Metrics]:
    """One learning step of ONE agent: models of the others (if asked for), critic, actor, targets.

    Args:
        algorithm: the static parts.
        everyone: what all had learned when this step began, or this agent's turn where agents learn in turn.
        learner: what belongs to the agent.
        mine: its own rows of `everyone`.
        batches: what it learns from.
        updates: learning steps taken, this one included.
        episodes: completed since learning began.
        keys: for what is drawn.

    Returns:
        Its rows afterwards, and its metrics, a scalar each.
    """
    config, batch, hyper, view = algorithm.config, without_absent(batches.joint), learner.hyper, learner.view
    metrics: Metrics = {}

    # Eq. 7: one step of the models of the others' policies, before the critic's.
    if batches.latest is not None:
        mine, metrics["inference_loss"] = learn_models(algorithm, hyper, learner.others, mine, batches.latest)

    # a'_j = mu'_j(o'_j) of all agents. The paper prints o_j: a slip, the next state's value needs the next observation.
    next_action = next_actions(algorithm, everyone, learner.agent, learner.others, mine, batch, keys.target)

    # y = r_i + gamma Q'_i(x', a'_1, ..., a'_N)
    next_input = critic_input(config, view, batch.next_observation, batch.next_state, next_action)
    next_value = jax.vmap(lambda critic: algorithm.critic.apply(critic, *next_input)[:, 0])(mine.target_critic)
    target = temporal_difference_target(
        of_agent(batch.reward, learner.agent), of_agent(batch.discount, learner.agent), hyper.gamma, next_value
    )

    # Eq. 6: one step of each critic towards y.
    joint = critic_input(config, view, batch.observation, batch.state, batch.action)
    counts = of_agent(value_weights(config, algorithm.spec, batch.availability), learner.agent)

    def loss_of_critic(critic: PyTree) -> tuple[jax.Array, jax.Array]:
        value = algorithm.critic.apply(critic, *joint)[:, 0]
        return critic_loss(value, target, counts), value

    (critic_losses, value), critic_gradients = jax.vmap(jax.value_and_grad(loss_of_critic, has_aux=True))(mine.critic)
    critic, critic_optimiser = jax.vmap(lambda *arguments: step(algorithm.optimiser, hyper.critic_rate, *arguments))(
        critic_gradients, mine.critic_optimiser, mine.critic
    )

    # Eq. 5, and eq. 9 for each sub-policy: agent i's action is recomputed, the others' come from the replay (or, by choice, from
    # their current policies).
    own = jnp.arange(algorithm.spec.agent_count) == learner.agent

    def improve(actor: PyTree, optimiser: PyTree, batch: Transition, key: jax.Array) -> tuple[PyTree, PyTree, Metrics]:
        played = batch.action
        if config.others_actions == "current":
            played = current_actions(algorithm, everyone, learner.others, mine, batch, keys.others)
        observation = of_agent(batch.observation, learner.agent)
        allowed, acts = (of_agent(part, learner.agent) for part in (masks(batch.availability), presence(batch.availability)))

        def loss_of_actor(actor: PyTree) -> tuple[jax.Array, jax.Array]:
            output = algorithm.actor.apply(actor, observation)
            action = actions.differentiable_sample(learner.layout, actions.forbid(output, allowed), key)
            replaced = jnp.where(own[None, :, None], action[:, None, :], played)
            value = algorithm.critic.apply(_first(critic), *critic_input(config, view, batch.observation, batch.state, replaced))[:, 0]
            penalty = actions.mean_square(output, actions.penalised_outputs(learner.layout))
            square = actions.mean_square(output, actions.output_valid(learner.layout))
            loss = actor_loss(value, hyper.logit_regulariser * penalty, acts)
            return loss / config.ensemble_size, weighted_mean(square, acts)

        (loss, square), gradient = jax.value_and_grad(loss_of_actor, has_aux=True)(actor)
        actor, optimiser = step(algorithm.optimiser, hyper.actor_rate, gradient, optimiser, actor)
        reported = {"actor_loss": loss, "actor_gradient_norm": optax.tree.norm(gradient), "output_magnitude": jnp.sqrt(square)}
        return actor, optimiser, reported

    if batches.members is None:
        improved = improve(_first(mine.actor), _first(mine.actor_optimiser), batch, keys.own)
        actor, actor_optimiser, reported = jax.tree.map(lambda leaf: leaf[None], improved)
    else:
        member_keys = jax.random.split(keys.own, config.ensemble_size)
        # One after another: products with two batch axes, agents and members, leave the fast path and take several times as long.
        work = (mine.actor, mine.actor_optimiser, without_absent(batches.members), member_keys)
        actor, actor_optimiser, reported = jax.lax.map(lambda arguments: improve(*arguments), work)
        assert batches.has_members is not None
        actor = _where(batches.has_members, actor, mine.actor)
        actor_optimiser = _where(batches.has_members, actor_optimiser, mine.actor_optimiser)
    metrics |= {name: jnp.mean(value) for name, value in reported.items()}

    # theta' <- tau theta + (1 - tau) theta'
    boundaries = boundaries_passed(hyper.target_interval, hyper.target_by_episodes, updates, episodes)
    due = boundaries > mine.target_boundaries
    learned = replace(
        mine,
        actor=actor,
        critic=critic,
        target_actor=move_target(actor, mine.target_actor, hyper.tau, due),
        target_critic=move_target(critic, mine.target_critic, hyper.tau, due),
        target_model=move_target(mine.model, mine.target_model, hyper.tau, due),
        actor_optimiser=actor_optimiser,
        critic_optimiser=critic_optimiser,
        target_boundaries=boundaries,
    )
    metrics |= {
        "critic_loss": jnp.mean(critic_losses),
        "value": jnp.mean(jax.vmap(weighted_mean, in_axes=(0, None))(value, counts)),
        "target": weighted_mean(target, counts),
        "critic_gradient_norm": optax.tree.norm(critic_gradients),
        "target_moves": due.astype(jnp.float32),
    }
    return learned, metrics


def _first(members: PyTree) -> PyTree:
    """The first of the twins, the one whose gradient the actor follows; the only one of an ensemble's members."""
    return jax.tree.map(lambda leaf: leaf[0], members)


def _where(chosen: jax.Array, new: PyTree, old: PyTree) -> PyTree:
    """New leaves where `chosen` [member], old ones elsewhere."""
    return jax.tree.map(lambda one, other: jnp.where(chosen.reshape(-1, *[1] * (one.ndim - 1)), one, other), new, old)
