"""simple_tag (predator-prey): slow predators hunt faster prey among obstacles."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from maddpg.particles.actions import Intention
from maddpg.particles.geometry import join, offsets, to_all, without_self
from maddpg.particles.scenario import Scenario, require_count, require_positive
from maddpg.particles.scenarios import pursuit
from maddpg.particles.world import Bodies, World, scatter
from maddpg.types import Dynamics, Rewards

PREY_SIZE = 0.05
CATCH = 10.0  # for every predator, and from the prey, at every step and for every pair that touches


def make(
    *,
    agents: int = 1,
    adversaries: int = 3,
    obstacles: int = 2,
    prey_speed: float = pursuit.PREY_SPEED,
    prey_acceleration: float = pursuit.PREY_ACCELERATION,
    dynamics: Dynamics = "mpe2",
    rewards: Rewards = "mpe2",
) -> Scenario:
    """`adversaries` predators (top speed 1) first, then `agents` prey. Both reward variants are the same here.

    `prey_speed` bounds the prey's velocity; damping bounds it at 0.4 * `prey_acceleration`. So prey that is twice as fast as its
    predators takes prey_speed=2.0 and prey_acceleration of at least 5.0.
    """
    del rewards
    require_count("agents", agents, 1)
    require_count("adversaries", adversaries, 1)
    require_count("obstacles", obstacles, 0)
    require_positive("prey_speed", prey_speed)
    require_positive("prey_acceleration", prey_acceleration)
    predators = tuple(pursuit.predator(f"adversary_{i}") for i in range(adversaries))
    prey = tuple(pursuit.prey(f"agent_{i}", PREY_SIZE, prey_acceleration, prey_speed) for i in range(agents))
    bodies = Bodies(predators + prey, (pursuit.OBSTACLE,) * obstacles, dynamics=dynamics)

    def observe(world: World) -> tuple[jax.Array, ...]:
        """Own velocity and position, obstacles and other agents from here, and the velocities of (other) prey."""
        position, prey_velocity = world.position, world.velocity[adversaries:]
        seen = join(world.velocity, position, offsets(position, world.landmark), without_self(offsets(position, position)))
        return (
            join(seen[:adversaries], to_all(adversaries, prey_velocity)),
            join(seen[adversaries:], without_self(to_all(agents, prey_velocity))),
        )

    def reward_terms(world: World) -> dict[str, jax.Array]:
        caught = CATCH * pursuit.catches(bodies, world, adversaries).astype(world.position.dtype)
        own = jnp.sum(caught, axis=1)
        boundary = pursuit.boundary_penalty(world.position[adversaries:])
        return {
            "catch": jnp.append(own, -jnp.sum(caught, axis=0)),
            "assist": jnp.append(jnp.sum(caught) - own, jnp.zeros(agents, caught.dtype)),  # the other predators' catches
            "boundary": jnp.append(jnp.zeros(adversaries, boundary.dtype), -boundary),
        }

    def metrics(world: World) -> dict[str, jax.Array]:
        outside = jnp.any(jnp.abs(world.position[adversaries:]) > 1, axis=1)
        return {
            "touches": jnp.sum(pursuit.catches(bodies, world, adversaries)),
            "distance": jnp.min(pursuit.nearest_prey(world, adversaries)),
            "prey_outside": jnp.mean(outside),
        }

    def script(key: jax.Array, world: World) -> Intention:
        """Predators chase the nearest prey; prey flees."""
        del key
        push = jnp.concatenate([pursuit.chase(world, adversaries), pursuit.flee(world, adversaries)])
        return Intention(push, jnp.zeros_like(world.message))

    return Scenario(
        name="simple_tag",
        bodies=bodies,
        reset=partial(scatter, bodies=bodies, landmark_range=pursuit.LANDMARK_RANGE),
        observe=observe,
        reward_terms=reward_terms,
        metrics=metrics,
        aggregates={"touches": "sum", "distance": "mean", "prey_outside": "mean"},
        script=script,
    )
