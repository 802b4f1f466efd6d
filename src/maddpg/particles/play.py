"""Hand-written play that scenarios share: go to a point, divide the landmarks, say a word."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from maddpg.particles.geometry import TINY, distances
from maddpg.particles.world import DAMPING, TIME_STEP, Bodies, World

EXACT_ASSIGNMENT_LIMIT = 5  # 120 permutations; beyond it agents choose greedily


def go_to(bodies: Bodies, world: World, target: Float[Array, "agent 2"]) -> Float[Array, "agent 2"]:
    """The push that brings each agent to its target soonest and lets it rest there.

    A push shows in the position after one step, or two in mpe2's dynamics: this is the push that would make that position the target.
    It may be more than an action can do; the nearest one that it can then leaves the least distance.
    """
    kept = 1 - DAMPING
    drift = TIME_STEP * (1 + kept if bodies.dynamics == "mpe2" else kept)
    reach = jnp.asarray(np.maximum(bodies.acceleration, 1e-6), target.dtype)[:, None] * TIME_STEP**2
    return (target - world.position - drift * world.velocity) / reach


def full_push(direction: Float[Array, "agent 2"]) -> Float[Array, "agent 2"]:
    """As much push as a box allows along a direction: its longer axis is 1."""
    return direction / jnp.maximum(jnp.max(jnp.abs(direction), axis=1, keepdims=True), TINY)


def resting_point(world: World) -> Float[Array, "agent 2"]:
    """Where each agent would come to rest if nothing pushed it any more: a geometric series of ever shorter steps."""
    return world.position + TIME_STEP / DAMPING * world.velocity


def assign(agent: Float[Array, "agent 2"], landmark: Float[Array, "landmark 2"]) -> Float[Array, "agent 2"]:
    """Give each agent a landmark of its own to go to: the point [agent, 2].

    The total distance is least for up to five of each; beyond, and where their numbers differ, the closest pair is matched first.
    Agents left over go to the landmark nearest to them.
    """
    cost = distances(agent, landmark)
    agent_count, landmark_count = cost.shape
    if agent_count == landmark_count <= EXACT_ASSIGNMENT_LIMIT:
        every = np.eye(agent_count)[np.array(list(itertools.permutations(range(agent_count))))]  # [permutation, agent, landmark]
        matchings = jnp.asarray(every, cost.dtype)
        best = jnp.argmin(jnp.einsum("pal,al->p", matchings, cost))
        return matchings[best] @ landmark

    def match_closest(_: Int[Array, ""], carry: tuple[Array, Array]) -> tuple[Array, Array]:
        remaining, chosen = carry
        row, column = jnp.divmod(jnp.argmin(remaining), landmark_count)
        return remaining.at[row].set(jnp.inf).at[:, column].set(jnp.inf), chosen.at[row].set(column)

    nearest = jnp.argmin(cost, axis=1)
    _, chosen = jax.lax.fori_loop(0, min(agent_count, landmark_count), match_closest, (cost, nearest))
    return landmark[chosen]


def nearest(agent: Float[Array, "agent 2"], point: Float[Array, "point 2"]) -> Float[Array, "agent 2"]:
    """For each agent, the point nearest to it."""
    return point[jnp.argmin(distances(agent, point), axis=1)]
