"""The one contract for environments that run on the device, and the restart that keeps the true next observation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from maddpg.types import Aggregate, Availability, EnvSpec, PyTree, TimeStep


@dataclass(frozen=True)
class Environment:
    """A multi-agent environment as pure functions of one environment; batches come from `vmap`.

    No random key lives in the environment's state: whoever steps passes one. Actions are `[agent, action]`, each agent's spaces
    side by side, padded with zeros (`AgentSpec.action`).
    """

    spec: EnvSpec
    reset: Callable[[jax.Array], tuple[PyTree, jax.Array]]
    """key -> (state, observation [agent, observation])."""
    step: Callable[[jax.Array, PyTree, jax.Array], tuple[PyTree, TimeStep]]
    """(key, state, action [agent, action]) -> (state, time step)."""
    global_state: Callable[[PyTree], jax.Array]
    """state -> [state], a flat vector that determines the environment but for its clock."""
    metrics: Callable[[PyTree], dict[str, jax.Array]]
    """state -> this step's reward terms and measures, each a scalar or [agent]."""
    aggregates: Mapping[str, Aggregate]
    """How each of those becomes one number for an episode: the sum or mean over its steps, or the value at the last one."""
    scripted: Callable[[jax.Array, PyTree], jax.Array] | None
    """(key, state) -> [agent, action], what hand-written play would do; None where nobody has written any."""
    still: jax.Array
    """[agent, action], the action of doing nothing: no force, and the first message where silence is impossible."""
    secrets: Callable[[PyTree], dict[str, jax.Array]] = lambda _: {}
    """state -> facts of this episode that messages might tell, by name, each a whole number from 0."""
    availability: Callable[[PyTree], Availability] = lambda _: Availability()
    """state -> who is there to act, and what they may choose, if `spec` is mortal or masked. A time limit makes nobody absent."""


def restart(environment: Environment, key: jax.Array, stepped: PyTree, result: TimeStep) -> tuple[PyTree, TimeStep]:
    """Start a new episode where one ended, and keep what the last step really led to in `next_observation`.

    An episode ends when all agents are terminated or truncated.

    Args:
        environment: whose `step` gave the next two.
        key: for the reset.
        stepped: the state after the step.
        result: the time step.
    """
    fresh, fresh_observation = environment.reset(key)
    ended = jnp.all(result.terminated | result.truncated)

    def choose(new: jax.Array, old: jax.Array) -> jax.Array:
        return jnp.where(ended, new, old)

    return jax.tree.map(choose, fresh, stepped), replace(
        result,
        observation=choose(fresh_observation, result.observation),
        state=choose(environment.global_state(fresh), result.next_state),
    )
