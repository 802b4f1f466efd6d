"""simple_push (keep-away): agents go to the goal landmark, while adversaries, who do not know which it is, push them away from it."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.particles.actions import Intention
from maddpg.particles.geometry import distances, join, length, offsets, pick, to_all, without_self
from maddpg.particles.play import go_to
from maddpg.particles.scenario import Scenario, require_count
from maddpg.particles.world import AgentBody, Bodies, Landmark, World, scatter
from maddpg.types import Dynamics, Rewards

LANDMARKS = 2
LANDMARK_COLOURS = 0.1 + 0.8 * np.eye(3)[1:]
AGENT_COLOURS = 0.25 + 0.5 * np.eye(3)[1:]  # a good agent wears the colour of its goal
REACH = 0.1  # on the goal within this distance


def make(*, agents: int = 1, adversaries: int = 1, dynamics: Dynamics = "mpe2", rewards: Rewards = "mpe2") -> Scenario:
    """Adversaries first, then good agents, and two landmarks. Both reward variants are the same here."""
    del rewards
    require_count("agents", agents, 1)
    require_count("adversaries", adversaries, 1)
    bad = tuple(AgentBody(f"adversary_{i}", "adversary", collides=True) for i in range(adversaries))
    good = tuple(AgentBody(f"agent_{i}", "good", collides=True) for i in range(agents))
    bodies = Bodies(bad + good, (Landmark(),) * LANDMARKS, dynamics=dynamics)

    def way_to_goal(world: World) -> jax.Array:
        """[agent, 2], the goal as each agent sees it."""
        return pick(world.landmark, world.choice[0])[None] - world.position

    def observe(world: World) -> tuple[jax.Array, ...]:
        """Own velocity, the landmarks and the other agents from here; for good agents also the goal and colours that tell it."""
        position, dtype = world.position, world.position.dtype
        others = without_self(offsets(position, position))
        landmark = offsets(position, world.landmark)
        colour = to_all(agents, pick(jnp.asarray(AGENT_COLOURS, dtype), world.choice[0]))
        landmark_colours = to_all(agents, jnp.asarray(LANDMARK_COLOURS, dtype))
        bad, good = slice(adversaries), slice(adversaries, None)
        return (
            join(world.velocity[bad], landmark[bad], others[bad]),
            join(world.velocity[good], way_to_goal(world)[good], colour, landmark[good], landmark_colours, others[good]),
        )

    def reward_terms(world: World) -> dict[str, jax.Array]:
        distance = length(way_to_goal(world))
        kept_away = jnp.full(adversaries, jnp.min(distance[adversaries:]))
        return {"approach": -distance, "keep_away": jnp.append(kept_away, jnp.zeros(agents, distance.dtype))}

    def metrics(world: World) -> dict[str, jax.Array]:
        distance = length(way_to_goal(world))
        agent_distance, adversary_distance = jnp.min(distance[adversaries:]), jnp.min(distance[:adversaries])
        between = distances(world.position[:adversaries], world.position[adversaries:])
        return {
            "agent_distance": agent_distance,
            "adversary_distance": adversary_distance,
            "agent_success": agent_distance < REACH,
            "adversary_success": adversary_distance < REACH,
            "adversary_on_goal": adversary_distance < REACH,
            "collisions": jnp.sum(between < 2 * bodies.agents[0].size),
        }

    def script(key: jax.Array, world: World) -> Intention:
        """Everyone goes to the goal: the adversaries guess right, and push."""
        del key
        target = to_all(agents + adversaries, pick(world.landmark, world.choice[0]))
        return Intention(go_to(bodies, world, target), jnp.zeros_like(world.message))

    return Scenario(
        name="simple_push",
        bodies=bodies,
        reset=partial(scatter, bodies=bodies, choices=(LANDMARKS,)),
        observe=observe,
        reward_terms=reward_terms,
        metrics=metrics,
        aggregates={
            "agent_distance": "mean",
            "adversary_distance": "mean",
            "agent_success": "last",
            "adversary_success": "last",
            "adversary_on_goal": "sum",
            "collisions": "sum",
        },
        script=script,
        choices={"goal": LANDMARKS},
    )
