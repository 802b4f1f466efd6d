"""The particle worlds as environments: padded observations and actions, episodes of a fixed length, metrics and scripted play."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from maddpg import particles
from maddpg.environments.contract import Environment
from maddpg.particles import Scenario, World
from maddpg.types import AgentSpec, Aggregate, EnvSpec, TimeStep


def make(name: str, **parameters: Any) -> Environment:
    """A particle world by name, with the parameters of `maddpg.particles.make_scenario`, which says what it takes and raises."""
    return from_scenario(particles.make_scenario(name, **parameters))


def from_scenario(scenario: Scenario) -> Environment:
    """The environment of a scenario, yours or one of the nine.

    All agents are truncated at step `episode_length`; none ever terminates, unless the scenario says `terminate_on_success`. State is a
    `World`, without a random key: after the reset nothing is random.
    """
    bodies = scenario.bodies

    def reset(key: Key[Array, ""]) -> tuple[World, Float[Array, "agent observation"]]:
        world = scenario.reset(key)
        return world, particles.padded_observation(scenario, world)

    def step(key: Key[Array, ""], world: World, action: Float[Array, "agent action"]) -> tuple[World, TimeStep]:
        del key
        world = particles.advance(bodies, world, *particles.decode(bodies, action))
        observation, state = particles.padded_observation(scenario, world), global_state(scenario, world)
        agent_count = len(bodies.agents)
        done = succeeded(scenario, world)
        return world, TimeStep(
            observation=observation,
            next_observation=observation,
            state=state,
            next_state=state,
            reward=particles.reward(scenario, world),
            terminated=jnp.full(agent_count, done),
            truncated=jnp.full(agent_count, ~done & (world.clock >= scenario.episode_length)),
        )

    def metrics(world: World) -> dict[str, jax.Array]:
        terms = {f"reward/{term}": value for term, value in scenario.reward_terms(world).items()}
        return terms | scenario.metrics(world)

    def scripted(key: Key[Array, ""], world: World) -> Float[Array, "agent action"]:
        return particles.encode(bodies, scenario.action_mode, scenario.script(key, world))

    example = jax.eval_shape(scenario.reset, jax.random.key(0))
    terms: dict[str, Aggregate] = {f"reward/{term}": "sum" for term in jax.eval_shape(scenario.reward_terms, example)}
    return Environment(
        spec=specify(scenario, example),
        reset=reset,
        step=step,
        global_state=partial(global_state, scenario),
        metrics=metrics,
        aggregates=terms | dict(scenario.aggregates),
        scripted=scripted,
        still=particles.still_action(bodies, scenario.action_mode),
        secrets=lambda world: {name: world.choice[index] for index, name in enumerate(scenario.choices)},
    )


def specify(scenario: Scenario, example: World) -> EnvSpec:
    """Names, teams and sizes of a scenario's agents, from the shapes of a world."""
    sizes = particles.observation_sizes(scenario)
    state_size = jax.eval_shape(partial(global_state, scenario), example).size
    agents = tuple(
        AgentSpec(
            body.name,
            body.team,
            size,
            particles.action_space(scenario.bodies, body, scenario.action_mode),
            message_size=scenario.bodies.message_size * body.speaks,
        )
        for body, size in zip(scenario.bodies.agents, sizes, strict=True)
    )
    return EnvSpec(scenario.name, agents, state_size, scenario.episode_length)


def succeeded(scenario: Scenario, world: World) -> Bool[Array, ""]:
    """Whether the episode ends for good here."""
    if not scenario.terminate_on_success or scenario.success is None:
        return jnp.array(False)
    return jnp.all(scenario.metrics(world)[scenario.success])


def global_state(scenario: Scenario, world: World) -> Float[Array, " state"]:
    """All of a world but its clock, in one vector: positions, velocities, messages, landmarks, and the scenario's choices as one-hots."""
    options = [jnp.arange(count) == world.choice[index] for index, count in enumerate(scenario.choices.values())]
    parts = [world.position, world.velocity, world.message, world.landmark, *options]
    return jnp.concatenate([part.ravel().astype(world.position.dtype) for part in parts])
