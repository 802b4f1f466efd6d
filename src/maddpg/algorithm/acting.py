"""How agents act: each on its own observation alone, drawn, greedily or at random; mapped over agents."""

from __future__ import annotations

from typing import Literal, overload

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from maddpg.algorithm import actions
from maddpg.algorithm.availability import masks, of_the_present
from maddpg.algorithm.ensembles import member_outputs, sub_policy_output
from maddpg.algorithm.state import Algorithm
from maddpg.types import Availability, PyTree

Draw = Literal["sample", "relaxed", "mode"]
"""A drawn action; the relaxed sample behind a discrete one; the most likely one."""


def act(
    algorithm: Algorithm,
    actor: PyTree,
    observation: Float[Array, "batch agent observation"],
    key: Key[Array, ""],
    exploration: Float[Array, " agent"] | None = None,
    sub_policy: Int[Array, "batch agent"] | None = None,
    draw: Draw = "sample",
    availability: Availability | None = None,
) -> Float[Array, "batch agent action"]:
    """Every agent's action from its own observation alone: a_i = mu_i(o_i), drawn where the policy is stochastic.

    `exploration` scales the noise on deterministic policies; left out, they take their point. `sub_policy` says which member of each
    agent's ensemble acts. Who is absent by `availability` does zeros, and nobody chooses what is forbidden.
    """

    def one(
        layout: actions.ActionLayout,
        members: PyTree,
        observation: jax.Array,
        key: jax.Array,
        scale: jax.Array | None,
        sub_policy: jax.Array | None,
        allowed: jax.Array | None,
    ) -> jax.Array:
        return draw_action(layout, sub_policy_output(algorithm.actor, members, observation, sub_policy), key, scale, draw, allowed)

    axes = (0, 0, 1, 0, None if exploration is None else 0, None if sub_policy is None else 1, 1)
    action = jax.vmap(one, in_axes=axes, out_axes=1)(
        algorithm.layout, actor, observation, agent_keys(algorithm, key), exploration, sub_policy, masks(availability)
    )
    return of_the_present(action, availability)


def draw_action(
    layout: actions.ActionLayout,
    output: Float[Array, "batch output"],
    key: Key[Array, ""],
    exploration: Float[Array, ""] | None = None,
    draw: Draw = "sample",
    allowed: Bool[Array, "batch action"] | None = None,
) -> Float[Array, "batch action"]:
    """One agent's action from its network's output."""
    output = actions.forbid(output, allowed)
    if draw == "mode":
        return actions.greedy(layout, output)
    if draw == "relaxed":
        return actions.relaxed_sample(layout, output, key)
    return actions.sample(layout, output, key, exploration)


def act_greedily(
    algorithm: Algorithm,
    actor: PyTree,
    observation: Float[Array, "batch agent observation"],
    sub_policy: Int[Array, "batch agent"] | None = None,
    availability: Availability | None = None,
) -> Float[Array, "batch agent action"]:
    """Every agent's action without noise: arg max, softmax, point or mean. An ensemble without an index acts on its members' mean."""

    def one(
        layout: actions.ActionLayout, members: PyTree, observation: jax.Array, sub_policy: jax.Array | None, allowed: jax.Array | None
    ) -> jax.Array:
        if sub_policy is None:
            return actions.greedy_mean(layout, actions.forbid(member_outputs(algorithm.actor, members, observation), allowed))
        return actions.greedy(layout, actions.forbid(sub_policy_output(algorithm.actor, members, observation, sub_policy), allowed))

    axes = (0, 0, 1, None if sub_policy is None else 1, 1)
    action = jax.vmap(one, in_axes=axes, out_axes=1)(algorithm.layout, actor, observation, sub_policy, masks(availability))
    return of_the_present(action, availability)


def act_randomly(
    algorithm: Algorithm, key: Key[Array, ""], batch: int, availability: Availability | None = None
) -> Float[Array, "batch agent action"]:
    """Uniformly random actions of every agent that is there, over what is allowed."""

    def one(layout: actions.ActionLayout, key: jax.Array, allowed: jax.Array | None) -> jax.Array:
        return actions.random_action(layout, key, batch, allowed)

    action = jax.vmap(one, in_axes=(0, 0, 1), out_axes=1)(algorithm.layout, agent_keys(algorithm, key), masks(availability))
    return of_the_present(action, availability)


def agent_keys(algorithm: Algorithm, key: Key[Array, ""]) -> Key[Array, " agent"]:
    """A key for each agent, the same whatever the number of agents."""
    return jax.vmap(lambda agent: jax.random.fold_in(key, agent))(jnp.arange(algorithm.spec.agent_count))


@overload
def of_agent(values: jax.Array, agent: Int[Array, ""]) -> jax.Array: ...
@overload
def of_agent(values: None, agent: Int[Array, ""]) -> None: ...
@overload
def of_agent(values: jax.Array | None, agent: Int[Array, ""]) -> jax.Array | None: ...
def of_agent(values: jax.Array | None, agent: Int[Array, ""]) -> jax.Array | None:
    """One agent's slice of [batch, agent, ...]; None of nothing."""
    return None if values is None else jax.lax.dynamic_index_in_dim(values, agent, axis=1, keepdims=False)
