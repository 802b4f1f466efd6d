"""simple_spread (cooperative navigation): N agents must cover N landmarks, and not bump into each other."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.particles.actions import Intention
from maddpg.particles.geometry import distances, join, offsets, without_self
from maddpg.particles.play import assign, go_to
from maddpg.particles.scenario import Scenario, require_count, require_share
from maddpg.particles.world import AgentBody, Bodies, Landmark, World, scatter
from maddpg.types import Dynamics, Rewards

SILENCE = 2  # nobody speaks, yet the reference shows two zeros for each other agent
OCCUPIED = 0.1  # a landmark with an agent within this distance is occupied


def make(
    *,
    agents: int = 3,
    landmarks: int | None = None,
    local_ratio: float = 0.5,
    dynamics: Dynamics = "mpe2",
    rewards: Rewards = "mpe2",
) -> Scenario:
    """`agents` agents and as many landmarks, unless `landmarks` says otherwise.

    An agent's reward is `local_ratio` of its own collisions and the rest of the team's coverage. With `rewards="openai"` all share
    the sum over agents of coverage less collisions, in which each agent also collides with itself, and `local_ratio` has no part.
    """
    landmark_count = agents if landmarks is None else landmarks
    require_count("agents", agents, 1)
    require_count("landmarks", landmark_count, 1)
    require_share("local_ratio", local_ratio)
    body = partial(AgentBody, team="agents", size=0.15, collides=True)
    bodies = Bodies(tuple(body(f"agent_{i}") for i in range(agents)), (Landmark(),) * landmark_count, dynamics=dynamics)
    other = ~np.eye(agents, dtype=bool)

    def observe(world: World) -> tuple[jax.Array, ...]:
        """Own velocity and position, each landmark and each other agent from here, and the silence of the others."""
        position = world.position
        others = without_self(offsets(position, position))
        silence = jnp.zeros((agents, (agents - 1) * SILENCE), position.dtype)
        return (join(world.velocity, position, offsets(position, world.landmark), others, silence),)

    def nearest(world: World) -> jax.Array:
        """[landmark], distance of the agent nearest to each."""
        return jnp.min(distances(world.position, world.landmark), axis=0)

    def collisions(world: World) -> jax.Array:
        """[agent], how many others each agent touches."""
        touching = distances(world.position, world.position) < bodies.contact_distance.astype(world.position.dtype)
        return jnp.sum(touching & other, axis=1).astype(world.position.dtype)

    def reward_terms(world: World) -> dict[str, jax.Array]:
        coverage, bumps = -jnp.sum(nearest(world)), collisions(world)
        if rewards == "openai":
            return {"coverage": jnp.full(agents, agents * coverage), "collisions": jnp.full(agents, -jnp.sum(bumps) - agents)}
        return {"coverage": jnp.full(agents, (1 - local_ratio) * coverage), "collisions": -local_ratio * bumps}

    def metrics(world: World) -> dict[str, jax.Array]:
        distance = nearest(world)
        return {
            "distance": jnp.mean(distance),
            "collisions": jnp.sum(collisions(world)) / 2,  # pairs
            "occupied": jnp.sum(distance < OCCUPIED),
            "all_occupied": jnp.all(distance < OCCUPIED),
        }

    def script(key: jax.Array, world: World) -> Intention:
        """Divide the landmarks so that the total way is shortest, and go there."""
        del key
        target = assign(world.position, world.landmark)
        return Intention(go_to(bodies, world, target), jnp.zeros_like(world.message))

    return Scenario(
        name="simple_spread",
        bodies=bodies,
        reset=partial(scatter, bodies=bodies),
        observe=observe,
        reward_terms=reward_terms,
        metrics=metrics,
        aggregates={"distance": "mean", "collisions": "sum", "occupied": "last", "all_occupied": "last"},
        success="all_occupied",
        script=script,
    )
