"""Random play of an environment on the device, as arrays of all that it told."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from maddpg.environments.contract import Environment
from maddpg.types import Availability, Box, Categorical, EnvSpec, PyTree, TimeStep


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Played:
    """So many steps from a reset on; those after an end mean nothing."""

    first: jax.Array  # [agent, observation], at the reset
    results: TimeStep  # of each step, [step, ...]
    acted: jax.Array  # [step, agent] bool


def play(environment: Environment, key: Key[Array, ""], steps: int) -> Played:
    """Reset, and step at random."""
    reset_key, steps_key = jax.random.split(key)
    beginning, first = environment.reset(reset_key)

    def step(state: PyTree, key: jax.Array) -> tuple[PyTree, tuple[TimeStep, jax.Array]]:
        action_key, step_key = jax.random.split(key)
        availability = environment.availability(state)
        acted = jnp.ones(environment.spec.agent_count, bool) if availability.alive is None else availability.alive
        state, result = environment.step(step_key, state, random_action(environment.spec, action_key, availability))
        return state, (result, acted)

    _, (results, acted) = jax.lax.scan(step, beginning, jax.random.split(steps_key, steps))
    return Played(first, results, acted)


def random_action(spec: EnvSpec, key: Key[Array, ""], availability: Availability) -> Float[Array, "agent action"]:
    """Something at random, among what is allowed."""
    noise = jax.random.gumbel(key, (spec.agent_count, spec.action_width))
    scores = noise if availability.action_mask is None else jnp.where(availability.action_mask, noise, -jnp.inf)
    action = jnp.zeros_like(noise)
    for index, agent in enumerate(spec.agents):
        start = 0
        for space in agent.action:
            columns = slice(start, start + space.size)
            if isinstance(space, Categorical):
                part = jax.nn.one_hot(jnp.argmax(scores[index, columns]), space.size)
            elif isinstance(space, Box):
                share = jnp.exp(-jnp.exp(-noise[index, columns]))  # uniform: Gumbel noise is -log(-log(share))
                part = jnp.asarray(space.low) * (1 - share) + jnp.asarray(space.high) * share
            else:
                part = jax.nn.softmax(noise[index, columns])
            action = action.at[index, columns].set(part)
            start += space.size
    return action
