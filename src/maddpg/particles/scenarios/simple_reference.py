"""simple_reference: two agents each know the landmark that the other must go to, and tell each other while they move."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.particles.actions import Intention
from maddpg.particles.geometry import join, length, offsets, squared_length
from maddpg.particles.play import go_to
from maddpg.particles.scenario import Scenario, require_share
from maddpg.particles.world import AgentBody, Bodies, Landmark, World, scatter
from maddpg.types import Dynamics, Rewards

LANDMARKS = 3
MESSAGE_SIZE = 10
COLOURS = 0.25 + 0.5 * np.eye(LANDMARKS)  # what an agent sees: the colour of the other's goal
REACH = 0.1  # an agent has reached its goal within this distance


def make(*, local_ratio: float = 0.5, dynamics: Dynamics = "mpe2", rewards: Rewards = "mpe2") -> Scenario:
    """Two agents and three landmarks; `World.choice[i]` is the goal that agent i knows and the other must reach.

    An agent's reward is `local_ratio` of its own term and the rest of the mean of both. With `rewards="openai"` distances are squared,
    both get the sum, and `local_ratio` has no part.
    """
    require_share("local_ratio", local_ratio)
    agents = tuple(AgentBody(f"agent_{i}", "agents", speaks=True) for i in range(2))
    bodies = Bodies(agents, (Landmark(),) * LANDMARKS, MESSAGE_SIZE, dynamics)

    def known(world: World, options: jax.Array) -> jax.Array:
        """[agent, ...], the option that belongs to the goal that each agent knows."""
        chosen = world.choice[:, None] == jnp.arange(LANDMARKS)[None]
        return chosen.astype(options.dtype) @ options

    def to_reach(world: World) -> jax.Array:
        """[agent, 2], where each agent must go: what the other knows."""
        return known(world, world.landmark)[::-1]

    def observe(world: World) -> tuple[jax.Array, ...]:
        """Own velocity, the landmarks from here, the colour of the other's goal, and what the other said."""
        colour = known(world, jnp.asarray(COLOURS, world.position.dtype))
        return (join(world.velocity, offsets(world.position, world.landmark), colour, world.message[::-1]),)

    def reward_terms(world: World) -> dict[str, jax.Array]:
        # An agent's own term is how far the other is from the goal that this agent knows.
        way = (world.position - to_reach(world))[::-1]
        if rewards == "openai":
            return {"shared": jnp.full(2, -jnp.sum(squared_length(way)))}
        return {"local": -local_ratio * length(way), "shared": jnp.full(2, -(1 - local_ratio) * jnp.mean(length(way)))}

    def metrics(world: World) -> dict[str, jax.Array]:
        distance = length(world.position - to_reach(world))
        return {"distance": distance, "final_distance": distance, "reached": distance < REACH}

    def script(key: jax.Array, world: World) -> Intention:
        """Name the goal that the other must reach; go to one's own (and need not wait to be told)."""
        del key
        words = known(world, jnp.eye(LANDMARKS, MESSAGE_SIZE, dtype=world.position.dtype))
        return Intention(go_to(bodies, world, to_reach(world)), words)

    return Scenario(
        name="simple_reference",
        bodies=bodies,
        reset=partial(scatter, bodies=bodies, choices=(LANDMARKS, LANDMARKS)),
        observe=observe,
        reward_terms=reward_terms,
        metrics=metrics,
        aggregates={"distance": "mean", "final_distance": "last", "reached": "last"},
        success="reached",
        script=script,
        choices={"goal of agent_1": LANDMARKS, "goal of agent_0": LANDMARKS},
    )
