"""The physics of the particle worlds: forces, contacts, damping and messages, for one world.

Source: the multi-agent particle environments of Mordatch and Abbeel (2018) and Lowe et al. (2017), as maintained in mpe2 1.1. The two
`dynamics` differ in one line: `openai` moves a body with its new velocity, `mpe2` with its old one (since PettingZoo 1.23).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from maddpg.particles.geometry import length
from maddpg.types import Dynamics

TIME_STEP = 0.1  # seconds
DAMPING = 0.25  # share of the velocity lost in a step
CONTACT_FORCE = 100.0
CONTACT_MARGIN = 1e-3  # softness of a contact, in the units of positions


@dataclass(frozen=True)
class AgentBody:
    """An agent's body. Mass is 1 for all.

    Full force adds `acceleration` * 0.1 to the velocity in a step, of which damping takes a quarter: terminal speed is
    0.4 * acceleration, unless `max_speed` (a bound on the velocity's length) is lower.
    """

    name: str
    team: str
    size: float = 0.05
    acceleration: float = 5.0
    max_speed: float = float("inf")
    moves: bool = True
    collides: bool = False
    speaks: bool = False


@dataclass(frozen=True)
class Landmark:
    """A body that never moves. Those that collide (obstacles) come first in a world."""

    size: float = 0.05
    collides: bool = False


@dataclass(frozen=True)
class Bodies:
    """What a world is made of, and by which rule it moves: all that is known when the program is compiled."""

    agents: tuple[AgentBody, ...]
    landmarks: tuple[Landmark, ...]
    message_size: int = 0
    dynamics: Dynamics = "mpe2"

    def __post_init__(self) -> None:
        collides = [landmark.collides for landmark in self.landmarks]
        if collides != sorted(collides, reverse=True):
            raise ValueError(f"landmarks collide {collides}: list those that collide first")

    @cached_property
    def agent_size(self) -> np.ndarray:
        """[agent], radii."""
        return np.array([agent.size for agent in self.agents])

    @cached_property
    def landmark_size(self) -> np.ndarray:
        """[landmark], radii."""
        return np.array([landmark.size for landmark in self.landmarks])

    @cached_property
    def acceleration(self) -> np.ndarray:
        """[agent], force of a full action; zero for agents that cannot move."""
        return np.array([agent.acceleration if agent.moves else 0.0 for agent in self.agents])

    @cached_property
    def max_speed(self) -> np.ndarray:
        """[agent], infinite where there is no bound."""
        return np.array([agent.max_speed for agent in self.agents])

    @cached_property
    def moves(self) -> np.ndarray:
        """[agent] bool."""
        return np.array([agent.moves for agent in self.agents])

    @cached_property
    def obstacle_count(self) -> int:
        """Number of landmarks that collide."""
        return sum(landmark.collides for landmark in self.landmarks)

    @cached_property
    def contact(self) -> np.ndarray:
        """[agent, agent + obstacle] bool: who is pushed by whom."""
        collides = np.array([agent.collides for agent in self.agents])
        other = np.append(collides, np.ones(self.obstacle_count, dtype=bool))
        itself = np.eye(len(collides), len(other), dtype=bool)
        return np.asarray((collides & self.moves)[:, None] & other & ~itself)

    @cached_property
    def contact_distance(self) -> np.ndarray:
        """[agent, agent + obstacle]: the distance at which two bodies touch."""
        other = np.append(self.agent_size, self.landmark_size[: self.obstacle_count])
        return np.asarray(self.agent_size[:, None] + other)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class World:
    """All that changes in a world. A message is what an agent said in the last step, and what others hear in this one."""

    position: jax.Array  # [agent, 2]
    velocity: jax.Array  # [agent, 2]
    message: jax.Array  # [agent, message], zeros for agents that do not speak
    landmark: jax.Array  # [landmark, 2]
    choice: jax.Array  # [choice] int32, the scenario's secrets: the index of the goal, of the key
    clock: jax.Array  # [] int32, steps since the reset


def scatter(key: Key[Array, ""], bodies: Bodies, *, landmark_range: float = 1.0, choices: tuple[int, ...] = ()) -> World:
    """A new world: everything at rest and silent, agents uniform in [-1, 1]^2, landmarks in [-landmark_range, landmark_range]^2.

    Choice c is uniform over range(choices[c]).
    """
    agent_count, landmark_count = len(bodies.agents), len(bodies.landmarks)
    # One draw serves all: worlds that reset themselves pay for it at every step.
    uniform = jax.random.uniform(key, (2 * (agent_count + landmark_count) + len(choices),))
    agent, landmark, choice = jnp.split(uniform, [2 * agent_count, 2 * (agent_count + landmark_count)])
    return World(
        position=2 * agent.reshape(-1, 2) - 1,
        velocity=jnp.zeros((agent_count, 2)),
        message=jnp.zeros((agent_count, bodies.message_size)),
        landmark=landmark_range * (2 * landmark.reshape(-1, 2) - 1),
        choice=(choice * jnp.asarray(choices, uniform.dtype)).astype(jnp.int32),
        clock=jnp.zeros((), jnp.int32),
    )


def advance(bodies: Bodies, world: World, push: Float[Array, "agent 2"], message: Float[Array, "agent message"]) -> World:
    """Move a world by one step of 0.1 seconds.

    `push` is the share of its acceleration that each agent uses along each axis, in [-1, 1]; `message` is what each says.
    """
    dtype = world.position.dtype
    force = push * jnp.asarray(bodies.acceleration, dtype)[:, None]
    if bodies.contact.any():
        force = force + contact_force(bodies, world.position, world.landmark)
    velocity = world.velocity * (1 - DAMPING) + force * TIME_STEP
    if np.isfinite(bodies.max_speed).any():
        velocity = velocity * jnp.minimum(1, jnp.asarray(bodies.max_speed, dtype) / length(velocity))[:, None]
    position = world.position + TIME_STEP * (world.velocity if bodies.dynamics == "mpe2" else velocity)
    if not bodies.moves.all():
        moves = bodies.moves[:, None]
        position, velocity = jnp.where(moves, position, world.position), jnp.where(moves, velocity, world.velocity)
    return replace(world, position=position, velocity=velocity, message=message, clock=world.clock + 1)


def contact_force(bodies: Bodies, position: Float[Array, "agent 2"], landmark: Float[Array, "landmark 2"]) -> Float[Array, "agent 2"]:
    """Push apart bodies that touch: a softplus of the penetration, along the line between their centres.

    Coincident bodies have no such line, and do not push each other (mpe2 gives NaN).
    """
    other = jnp.concatenate([position, landmark[: bodies.obstacle_count]])
    offset = position[:, None] - other[None]
    distance = length(offset)
    touch = jnp.asarray(bodies.contact_distance, position.dtype)
    penetration = CONTACT_MARGIN * jnp.logaddexp((touch - distance) / CONTACT_MARGIN, 0)
    strength = jnp.where(bodies.contact, CONTACT_FORCE * penetration / distance, 0)
    return jnp.sum(strength[..., None] * offset, axis=1)
