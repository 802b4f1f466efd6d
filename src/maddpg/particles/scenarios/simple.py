"""simple: one agent sees one landmark and is rewarded for being near it. A world to find mistakes in."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from maddpg.particles.actions import Intention
from maddpg.particles.geometry import join, length, offsets, squared_length
from maddpg.particles.play import go_to
from maddpg.particles.scenario import Scenario
from maddpg.particles.world import AgentBody, Bodies, Landmark, World, scatter
from maddpg.types import Dynamics, Rewards

REACH = 0.1  # the agent has reached the landmark within this distance


def make(*, dynamics: Dynamics = "mpe2", rewards: Rewards = "mpe2") -> Scenario:
    """One agent, one landmark. Both reward variants are the same here."""
    del rewards
    bodies = Bodies((AgentBody("agent_0", "agents"),), (Landmark(),), dynamics=dynamics)

    def observe(world: World) -> tuple[jax.Array, ...]:
        """Own velocity, the landmark from here."""
        return (join(world.velocity, offsets(world.position, world.landmark)),)

    def reward_terms(world: World) -> dict[str, jax.Array]:
        return {"distance": -squared_length(world.position - world.landmark)}

    def metrics(world: World) -> dict[str, jax.Array]:
        distance = length(world.position - world.landmark)
        return {"distance": distance, "final_distance": distance, "reached": distance < REACH}

    def script(key: jax.Array, world: World) -> Intention:
        """Go to the landmark."""
        del key
        return Intention(go_to(bodies, world, world.landmark), jnp.zeros((1, 0)))

    return Scenario(
        name="simple",
        bodies=bodies,
        reset=partial(scatter, bodies=bodies),
        observe=observe,
        reward_terms=reward_terms,
        metrics=metrics,
        aggregates={"distance": "mean", "final_distance": "last", "reached": "last"},
        success="reached",
        script=script,
    )
