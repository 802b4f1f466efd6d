"""simple_world_comm: simple_tag with food to eat, forests to hide in, and a leader of the predators who sees all and speaks.

Inside a forest an agent is seen only by those in the same forest, and sees nobody outside; the leader sees everyone.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.particles.actions import Intention
from maddpg.particles.geometry import distances, join, offsets, to_all, without_self
from maddpg.particles.play import go_to, nearest
from maddpg.particles.scenario import Scenario, require_count, require_positive
from maddpg.particles.scenarios import pursuit
from maddpg.particles.world import Bodies, Landmark, World, scatter
from maddpg.types import Dynamics, Rewards

MESSAGE_SIZE = 4
PREY_SIZE = 0.045
FOOD, FOREST = Landmark(size=0.03), Landmark(size=0.3)
CATCH = 5.0  # for every predator, and from the prey, at every step and for every pair that touches
MEAL = 2.0  # for prey that touches food
EDGE = 2.0  # times the penalty for leaving the field
CHASE, FORAGE = 0.1, 0.05  # weights of the distances from the nearest prey and the nearest food
DANGER = 0.6  # scripted prey flees from a predator nearer than this, and eats otherwise


def make(
    *,
    agents: int = 2,
    adversaries: int = 4,
    obstacles: int = 1,
    food: int = 2,
    forests: int = 2,
    prey_speed: float = pursuit.PREY_SPEED,
    prey_acceleration: float = pursuit.PREY_ACCELERATION,
    dynamics: Dynamics = "mpe2",
    rewards: Rewards = "mpe2",
) -> Scenario:
    """`adversaries` predators, the leader first, then `agents` prey; landmarks are obstacles, food, forests in that order.

    `prey_speed` and `prey_acceleration` are as in simple_tag. With `rewards="openai"` prey is paid for its distance from food, the
    wrong sign of the released code.
    """
    for name, value, least in (("agents", agents, 1), ("adversaries", adversaries, 1), ("obstacles", obstacles, 0)):
        require_count(name, value, least)
    require_count("food", food, 1)
    require_count("forests", forests, 0)
    require_positive("prey_speed", prey_speed)
    require_positive("prey_acceleration", prey_acceleration)
    leader = pursuit.predator("leadadversary_0", speaks=True)
    predators = (leader, *(pursuit.predator(f"adversary_{i}") for i in range(adversaries - 1)))
    prey = tuple(pursuit.prey(f"agent_{i}", PREY_SIZE, prey_acceleration, prey_speed) for i in range(agents))
    landmarks = (pursuit.OBSTACLE,) * obstacles + (FOOD,) * food + (FOREST,) * forests
    bodies = Bodies(predators + prey, landmarks, MESSAGE_SIZE, dynamics)
    agent_count = agents + adversaries
    first_forest = obstacles + food
    is_leader = np.arange(agent_count) == 0
    hunters, hunted = slice(adversaries), slice(adversaries, None)

    def in_forest(world: World) -> jax.Array:
        """[agent, forest] bool."""
        reach = jnp.asarray(bodies.agent_size + FOREST.size, world.position.dtype)
        return jnp.less(distances(world.position, world.landmark[first_forest:]), reach[:, None])

    def sees(hidden: jax.Array) -> jax.Array:
        """[agent, agent] bool: the leader sees all; others see who shares a forest with them, or who like them is in none."""
        together = jnp.any(hidden[:, None] & hidden[None], axis=2)
        open_field = ~jnp.any(hidden, axis=1)
        return jnp.logical_or(together | (open_field[:, None] & open_field[None]), is_leader[:, None])

    def observe(world: World) -> tuple[jax.Array, ...]:
        """Own velocity and position, landmarks, agents and prey's velocities as far as seen, own forests; predators hear the leader."""
        position, hidden = world.position, in_forest(world)
        seen = sees(hidden)[..., None]
        others = without_self(jnp.where(seen, offsets(position, position), 0))
        prey_velocity = jnp.where(seen[:, hunted], world.velocity[None, hunted], 0)
        forests_here = jnp.where(hidden, 1, -1).astype(position.dtype)
        known = join(world.velocity, position, offsets(position, world.landmark), others)
        heard = to_all(adversaries, world.message[0])
        return (
            join(known[hunters], prey_velocity[hunters], forests_here[hunters], heard),
            join(known[hunted], forests_here[hunted], without_self(prey_velocity[hunted])),
        )

    def meals(world: World) -> tuple[jax.Array, jax.Array]:
        """[prey], how many pieces of food each touches, and the distance of the nearest."""
        distance = distances(world.position[hunted], world.landmark[obstacles:first_forest])
        return jnp.sum(distance < PREY_SIZE + FOOD.size, axis=1).astype(distance.dtype), jnp.min(distance, axis=1)

    def reward_terms(world: World) -> dict[str, jax.Array]:
        dtype = world.position.dtype
        caught = CATCH * pursuit.catches(bodies, world, adversaries).astype(dtype)
        eaten, way_to_food = meals(world)
        way_to_prey = pursuit.nearest_prey(world, adversaries)
        none, no_food = jnp.zeros(adversaries, dtype), jnp.zeros(agents, dtype)
        forage = FORAGE if rewards == "openai" else -FORAGE
        return {
            "catch": jnp.append(jnp.full(adversaries, jnp.sum(caught)), -jnp.sum(caught, axis=0)),
            "boundary": jnp.append(none, -EDGE * pursuit.boundary_penalty(world.position[hunted])),
            "chase": jnp.append(-CHASE * way_to_prey, no_food),
            "food": jnp.append(none, MEAL * eaten),
            "forage": jnp.append(none, forage * way_to_food),
        }

    def metrics(world: World) -> dict[str, jax.Array]:
        return {
            "touches": jnp.sum(pursuit.catches(bodies, world, adversaries)),
            "distance": jnp.min(pursuit.nearest_prey(world, adversaries)),
            "meals": jnp.sum(meals(world)[0]),
            "prey_hidden": jnp.mean(jnp.any(in_forest(world)[hunted], axis=1)),
        }

    def script(key: jax.Array, world: World) -> Intention:
        """Predators chase the nearest prey, prey flees from near predators and eats otherwise; the leader names a forest that hides prey.

        Its first word means that no prey hides.
        """
        del key
        distance = distances(world.position[hunted], world.position[hunters])
        danger = jnp.min(distance, axis=1) < DANGER
        to_food = nearest(world.position, world.landmark[obstacles:first_forest])
        eat = go_to(bodies, world, to_food)[hunted]
        push = jnp.concatenate([pursuit.chase(world, adversaries), jnp.where(danger[:, None], pursuit.flee(world, adversaries), eat)])
        hides_prey = jnp.any(in_forest(world)[hunted], axis=0)
        word = jnp.argmax(jnp.append(False, hides_prey)) % MESSAGE_SIZE
        return Intention(push, to_all(agent_count, jax.nn.one_hot(word, MESSAGE_SIZE)))

    return Scenario(
        name="simple_world_comm",
        bodies=bodies,
        reset=partial(scatter, bodies=bodies, landmark_range=pursuit.LANDMARK_RANGE),
        observe=observe,
        reward_terms=reward_terms,
        metrics=metrics,
        aggregates={"touches": "sum", "distance": "mean", "meals": "sum", "prey_hidden": "mean"},
        script=script,
    )
