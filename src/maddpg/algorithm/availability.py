"""Agents that are absent, and choices that are forbidden: what they mean for acting and for learning.

An absent agent, dead or not there yet, sees zeros and does zeros: that is what its columns hold in every critic's input, at every state
of which it is no part. It learns nothing from such rows, unless its value goes on with its team's return (`value_after_death`).
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from maddpg.config import AlgorithmConfig
from maddpg.types import AnyArray, Availability, EnvSpec, Transition


def availability(spec: EnvSpec, alive: AnyArray, action_mask: AnyArray) -> Availability:
    """What of these two the specification says that there is."""
    return Availability(jnp.asarray(alive) if spec.mortal else None, jnp.asarray(action_mask) if spec.masked else None)


def masks(availability: Availability | None) -> Bool[Array, "batch agent action"] | None:
    """What is allowed, if anything is forbidden at all."""
    return None if availability is None else availability.action_mask


def of_the_present(values: Float[Array, "*batch agent column"], availability: Availability | None) -> Float[Array, "*batch agent column"]:
    """The same with zeros in the rows of absent agents."""
    if availability is None or availability.alive is None:
        return values
    return jnp.where(availability.alive[..., None], values, 0.0)


def without_absent(batch: Transition) -> Transition:
    """Transitions with zeros for what absent agents saw and did, and for what those who terminated saw last.

    An agent that terminated is no part of the next state: there it looks as in the transitions that follow.
    """
    there = batch.availability
    return replace(
        batch,
        observation=of_the_present(batch.observation, there),
        action=of_the_present(batch.action, there),
        next_observation=of_the_present(batch.next_observation, batch.next_availability),
    )


def presence(availability: Availability | None) -> Float[Array, "batch agent"] | None:
    """1 where an agent is there, 0 where it is not: the weights of its rows in the losses. None where all always are."""
    if availability is None or availability.alive is None:
        return None
    return availability.alive.astype(jnp.float32)


def value_weights(config: AlgorithmConfig, spec: EnvSpec, availability: Availability | None) -> Float[Array, "batch agent"] | None:
    """The weights of an agent's rows in its critic's loss: as its presence, or, where its value goes on with its team's, the team's."""
    if availability is None or availability.alive is None:
        return None
    alive = availability.alive if config.value_after_death == "zero" else team_presence(spec, availability.alive)
    return alive.astype(jnp.float32)


def team_presence(spec: EnvSpec, alive: Bool[Array, "batch agent"]) -> Bool[Array, "batch agent"]:
    """Whether anybody of an agent's team is there."""
    present: jax.Array = jnp.any(alive[:, None, :] & jnp.asarray(teammates(spec))[None], axis=2)
    return present


def with_teams_return(
    spec: EnvSpec,
    reward: Float[Array, "batch agent"],
    alive: Bool[Array, "batch agent"],
    next_alive: Bool[Array, "batch agent"],
) -> tuple[Float[Array, "batch agent"], Bool[Array, "batch agent"]]:
    """Rewards and terminations where an agent's value goes on with its team's return after its death.

    While it is absent it earns the mean of what its living team-mates do, and it terminates when the last of the team does.

    Args:
        spec: whose teams.
        reward: of each agent by itself.
        alive: who acted.
        next_alive: who is there afterwards, beyond a time limit too.
    """
    living = alive[:, None, :] & jnp.asarray(teammates(spec))[None]
    mean = jnp.sum(jnp.where(living, reward[:, None, :], 0.0), axis=2) / jnp.maximum(jnp.sum(living, axis=2), 1)
    return jnp.where(alive, reward, mean), ~team_presence(spec, next_alive)


def teammates(spec: EnvSpec) -> np.ndarray:
    """[agent, agent] bool: on the same team, oneself included."""
    teams = np.array([agent.team for agent in spec.agents])
    return teams[:, None] == teams[None, :]
