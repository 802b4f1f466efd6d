"""simple_speaker_listener (cooperative communication): a speaker that cannot move tells a listener which landmark is the goal."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.particles.actions import Intention
from maddpg.particles.geometry import join, length, offsets, one_hot, pick, squared_length, to_all
from maddpg.particles.play import go_to
from maddpg.particles.scenario import Scenario
from maddpg.particles.world import AgentBody, Bodies, Landmark, World, scatter
from maddpg.types import Dynamics, Rewards

LANDMARKS = 3
COLOURS = 0.15 + 0.5 * np.eye(LANDMARKS)  # what the speaker sees: the colour of the goal
REACH = 0.1  # the listener has reached the goal within this distance


def make(*, dynamics: Dynamics = "mpe2", rewards: Rewards = "mpe2") -> Scenario:
    """A speaker, a listener and three landmarks. With `rewards="openai"` each gets the sum over both agents."""
    agents = (AgentBody("speaker_0", "agents", size=0.075, moves=False, speaks=True), AgentBody("listener_0", "agents", size=0.075))
    bodies = Bodies(agents, (Landmark(size=0.04),) * LANDMARKS, LANDMARKS, dynamics)

    def goal(world: World) -> jax.Array:
        return pick(world.landmark, world.choice[0])

    def observe(world: World) -> tuple[jax.Array, ...]:
        """The speaker sees the goal's colour; the listener its own velocity, the landmarks from here, and the message."""
        colour = pick(jnp.asarray(COLOURS, world.position.dtype), world.choice[0])
        here = world.position[1:]
        return to_all(1, colour), join(world.velocity[1:], offsets(here, world.landmark), world.message[:1])

    def reward_terms(world: World) -> dict[str, jax.Array]:
        shares = 2 if rewards == "openai" else 1
        return {"distance": jnp.full(2, -shares * squared_length(world.position[1] - goal(world)))}

    def metrics(world: World) -> dict[str, jax.Array]:
        distance = length(world.position[1] - goal(world))
        return {"distance": distance, "final_distance": distance, "reached": distance < REACH}

    def script(key: jax.Array, world: World) -> Intention:
        """The speaker names the goal, the listener goes to it (and need not wait to be told)."""
        del key
        word = one_hot(world.choice[0], LANDMARKS)
        return Intention(go_to(bodies, world, to_all(2, goal(world))), to_all(2, word))

    return Scenario(
        name="simple_speaker_listener",
        bodies=bodies,
        reset=partial(scatter, bodies=bodies, choices=(LANDMARKS,)),
        observe=observe,
        reward_terms=reward_terms,
        metrics=metrics,
        aggregates={"distance": "mean", "final_distance": "last", "reached": "last"},
        success="reached",
        script=script,
        choices={"goal": LANDMARKS},
    )
