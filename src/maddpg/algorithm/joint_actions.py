"""The joint actions that one agent's critic is asked about: what everybody does next, and what everybody would do now."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from maddpg.algorithm.acting import act, act_randomly, agent_keys, draw_action, of_agent
from maddpg.algorithm.availability import masks, of_the_present
from maddpg.algorithm.ensembles import draw_sub_policies, sub_policy_output
from maddpg.algorithm.inference import inferred_actions
from maddpg.algorithm.state import Algorithm, TrainState
from maddpg.types import Transition


def next_actions(
    algorithm: Algorithm,
    everyone: TrainState,
    agent: Int[Array, ""],
    others: Int[Array, " other"],
    mine: TrainState,
    batch: Transition,
    key: Key[Array, ""],
) -> Float[Array, "batch agent action"]:
    """a'_1, ..., a'_N at the next observations, as the target of `agent`'s critic has them.

    From the target actors (Lowe et al. 2017, eq. 6); of ensembles, from those of the recorded sub-policies or of fresh ones. With
    inference, the others' come from the agent's own target models of them (eq. 8), whoever they are. Otherwise a frozen team's target actor
    is its actor, a scripted team's action is the one stored with the transition, and a random team's is drawn afresh. Who terminated is
    absent then, and does zeros.
    """
    config, players, there = algorithm.config, algorithm.players, batch.next_availability
    policy_key, member_key, random_key = jax.random.split(key, 3)
    sub_policy = _sub_policy(batch)
    if config.ensemble_size > 1 and config.ensemble_target == "drawn":
        sub_policy = draw_sub_policies(players, config.ensemble_size, member_key, len(batch.reward))
    if config.inference:
        own_key = agent_keys(algorithm, policy_key)[agent]
        layout = jax.tree.map(lambda leaf: leaf[agent], algorithm.layout)
        seen = of_agent(batch.next_observation, agent)
        output = sub_policy_output(algorithm.actor, mine.target_actor, seen, of_agent(sub_policy, agent))
        own = draw_action(layout, output, own_key, None, config.target_action, of_agent(masks(there), agent))
        theirs = inferred_actions(algorithm, mine.target_model, others, batch.next_observation, policy_key, config.target_action, there)
        return of_the_present(_joint(own, theirs, agent, others), there)
    action = act(algorithm, everyone.target_actor, batch.next_observation, policy_key, None, sub_policy, config.target_action, there)
    if players.who("scripted").any():
        assert batch.next_action is not None
        action = jnp.where(jnp.asarray(players.who("scripted"))[None, :, None], of_the_present(batch.next_action, there), action)
    if players.who("random").any():
        drawn = act_randomly(algorithm, random_key, len(action), there)
        action = jnp.where(jnp.asarray(players.who("random"))[None, :, None], drawn, action)
    return action


def current_actions(
    algorithm: Algorithm,
    everyone: TrainState,
    others: Int[Array, " other"],
    mine: TrainState,
    batch: Transition,
    key: Key[Array, ""],
) -> Float[Array, "batch agent action"]:
    """What the others would do now at the replayed observations, without a gradient: by their policies or, with inference, the models.

    Without inference, who plays by script or at random does what it did.
    """
    if algorithm.config.inference:
        inferred = inferred_actions(algorithm, mine.model, others, batch.observation, key, availability=batch.availability)
        return jax.lax.stop_gradient(of_the_present(batch.action.at[:, others].set(inferred), batch.availability))
    action = act(algorithm, everyone.actor, batch.observation, key, sub_policy=_sub_policy(batch), availability=batch.availability)
    by_policy = jnp.asarray(algorithm.players.who("learning", "frozen"))
    return jax.lax.stop_gradient(jnp.where(by_policy[None, :, None], action, batch.action))


def _sub_policy(batch: Transition) -> Int[Array, "batch agent"] | None:
    return None if batch.sub_policy is None else batch.sub_policy.astype(jnp.int32)


def _joint(own: jax.Array, theirs: jax.Array, agent: jax.Array, others: jax.Array) -> Float[Array, "batch agent action"]:
    """One agent's action and all others', [batch, other, ...], in the order of the agent axis."""
    joint = jnp.zeros((len(own), 1 + theirs.shape[1], own.shape[1]), own.dtype)
    return joint.at[:, others].set(theirs).at[:, agent].set(own)
