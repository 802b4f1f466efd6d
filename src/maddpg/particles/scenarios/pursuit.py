"""What the two chases share (simple_tag, simple_world_comm): bodies, who touches whom, the boundary, chasing and fleeing."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from maddpg.particles.geometry import distances, length
from maddpg.particles.play import full_push, resting_point
from maddpg.particles.world import AgentBody, Bodies, Landmark, World

PREDATOR_SIZE, PREDATOR_ACCELERATION, PREDATOR_SPEED = 0.075, 3.0, 1.0
PREY_ACCELERATION, PREY_SPEED = 4.0, 1.3
OBSTACLE = Landmark(size=0.2, collides=True)
LANDMARK_RANGE = 0.9  # landmarks are scattered a little inside the field, beyond which prey pays
DIRECTIONS = np.stack([np.cos(np.arange(16) * np.pi / 8), np.sin(np.arange(16) * np.pi / 8)], axis=1)
OUTLOOK = 0.3  # how far around it scripted prey looks for a place to flee to


def predator(name: str, *, speaks: bool = False) -> AgentBody:
    """A slow, large body of the team `adversary`."""
    return AgentBody(name, "adversary", PREDATOR_SIZE, PREDATOR_ACCELERATION, PREDATOR_SPEED, collides=True, speaks=speaks)


def prey(name: str, size: float, acceleration: float, max_speed: float) -> AgentBody:
    """A fast, small body of the team `good`."""
    return AgentBody(name, "good", size, acceleration, max_speed, collides=True)


def catches(bodies: Bodies, world: World, predators: int) -> Bool[Array, "predator prey"]:
    """Which predators, who come first, touch which prey."""
    touch = jnp.asarray(bodies.contact_distance[:predators, predators : len(bodies.agents)], world.position.dtype)
    return distances(world.position[:predators], world.position[predators:]) < touch


def boundary_penalty(position: Float[Array, "agent 2"]) -> Float[Array, " agent"]:
    """What leaving the field costs: along each axis nothing below 0.9, then 10 for each unit, then exponential up to 10."""
    beyond = jnp.abs(position)
    # The inner bound keeps the exponential finite, and with it the gradient of what `where` leaves out.
    outside = jnp.minimum(jnp.exp(jnp.minimum(2 * beyond - 2, 3)), 10)
    cost = jnp.where(beyond < 0.9, 0, jnp.where(beyond < 1, 10 * (beyond - 0.9), outside))
    return cost[:, 0] + cost[:, 1]


def nearest_prey(world: World, predators: int) -> Float[Array, " predator"]:
    """Distance from each predator to the prey nearest to it."""
    return jnp.min(distances(world.position[:predators], world.position[predators:]), axis=1)


def chase(world: World, predators: int) -> Float[Array, "predator 2"]:
    """Push at full force to where the nearest prey would come to rest, seen from where the predator would."""
    rest = resting_point(world)
    hunter, quarry = rest[:predators], rest[predators:]
    closest = jnp.argmin(distances(world.position[:predators], world.position[predators:]), axis=1)
    return full_push(quarry[closest] - hunter)


def flee(world: World, predators: int) -> Float[Array, "prey 2"]:
    """Push at full force towards the one of 16 points around that is farthest from every predator and within the field."""
    rest = resting_point(world)
    directions = jnp.asarray(DIRECTIONS, rest.dtype)
    point = rest[predators:, None] + OUTLOOK * directions[None]  # [prey, direction, 2]
    clearance = jnp.min(length(point[:, :, None] - rest[None, None, :predators]), axis=2)
    outside = jnp.sum(jnp.maximum(jnp.abs(point) - LANDMARK_RANGE, 0), axis=2)
    return full_push(directions[jnp.argmax(clearance - 5 * outside, axis=1)])
