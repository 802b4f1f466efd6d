"""simple_adversary (physical deception): good agents know which landmark is the goal, and must reach it without showing it.

An adversary sees where everyone is, but not which landmark is the goal; good agents are rewarded for being near the goal and for the
adversary being far from it, so they had better cover all landmarks.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from maddpg.particles.actions import Intention
from maddpg.particles.geometry import distances, join, length, offsets, pick, squared_length, to_all, without_self
from maddpg.particles.play import assign, go_to
from maddpg.particles.scenario import Scenario, require_count
from maddpg.particles.world import AgentBody, Bodies, Landmark, World, scatter
from maddpg.types import Dynamics, Rewards

AGENT_SIZE, LANDMARK_SIZE = 0.15, 0.08
REACH = 2 * LANDMARK_SIZE  # success: on the goal within this distance, the reference's own measure of proximity


def make(
    *, agents: int = 2, adversaries: int = 1, landmarks: int | None = None, dynamics: Dynamics = "mpe2", rewards: Rewards = "mpe2"
) -> Scenario:
    """`agents` good agents, as many landmarks unless `landmarks` says otherwise, and adversaries, who come first.

    With `rewards="openai"` an adversary loses its squared distance from the goal, not its distance.
    """
    landmark_count = agents if landmarks is None else landmarks
    require_count("agents", agents, 1)
    require_count("adversaries", adversaries, 1)
    require_count("landmarks", landmark_count, 1)
    bad = tuple(AgentBody(f"adversary_{i}", "adversary", size=AGENT_SIZE) for i in range(adversaries))
    good = tuple(AgentBody(f"agent_{i}", "good", size=AGENT_SIZE) for i in range(agents))
    bodies = Bodies(bad + good, (Landmark(size=LANDMARK_SIZE),) * landmark_count, dynamics=dynamics)

    def way_to_goal(world: World) -> jax.Array:
        """[agent, 2], the goal as each agent sees it."""
        return pick(world.landmark, world.choice[0])[None] - world.position

    def observe(world: World) -> tuple[jax.Array, ...]:
        """The landmarks and the other agents from here; before them, for good agents only, the goal."""
        position = world.position
        seen = join(offsets(position, world.landmark), without_self(offsets(position, position)))
        return seen[:adversaries], join(way_to_goal(world)[adversaries:], seen[adversaries:])

    def reward_terms(world: World) -> dict[str, jax.Array]:
        distance = length(way_to_goal(world))
        away, nearest = jnp.sum(distance[:adversaries]), jnp.min(distance[adversaries:])
        approach = squared_length(way_to_goal(world)) if rewards == "openai" else distance
        nothing = jnp.zeros(adversaries, distance.dtype)
        return {
            "approach": jnp.append(-approach[:adversaries], jnp.full(agents, -nearest)),
            "deception": jnp.append(nothing, jnp.full(agents, away)),
        }

    def metrics(world: World) -> dict[str, jax.Array]:
        distance = length(way_to_goal(world))
        cover = jnp.min(distances(world.position[adversaries:], world.landmark), axis=0)
        agent_distance, adversary_distance = jnp.min(distance[adversaries:]), jnp.min(distance[:adversaries])
        return {
            "agent_distance": agent_distance,
            "adversary_distance": adversary_distance,
            "agent_final_distance": agent_distance,
            "adversary_final_distance": adversary_distance,
            "agent_success": agent_distance < REACH,
            "adversary_success": adversary_distance < REACH,
            "landmarks_covered": jnp.mean(cover < REACH),
            "cover_distance": jnp.max(cover),
        }

    def script(key: jax.Array, world: World) -> Intention:
        """Good agents divide the landmarks; adversaries stay in the middle of them, as they know no better."""
        del key
        middle = to_all(adversaries, jnp.mean(world.landmark, axis=0))
        target = jnp.concatenate([middle, assign(world.position[adversaries:], world.landmark)])
        return Intention(go_to(bodies, world, target), jnp.zeros_like(world.message))

    return Scenario(
        name="simple_adversary",
        bodies=bodies,
        reset=partial(scatter, bodies=bodies, choices=(landmark_count,)),
        observe=observe,
        reward_terms=reward_terms,
        metrics=metrics,
        aggregates={
            "agent_distance": "mean",
            "adversary_distance": "mean",
            "agent_final_distance": "last",
            "adversary_final_distance": "last",
            "agent_success": "last",
            "adversary_success": "last",
            "landmarks_covered": "last",
            "cover_distance": "last",
        },
        script=script,
        choices={"goal": landmark_count},
    )
