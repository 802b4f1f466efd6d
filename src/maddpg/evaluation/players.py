"""Who plays: learned, random, still or scripted, one choice for each agent, as data; and what each of them does."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from maddpg.algorithm.acting import act_greedily, act_randomly
from maddpg.algorithm.actions import ActionLayout, choices
from maddpg.algorithm.availability import masks, of_the_present
from maddpg.algorithm.ensembles import draw_sub_policies
from maddpg.algorithm.state import Algorithm
from maddpg.environments.contract import Environment
from maddpg.names import unknown_name
from maddpg.types import Availability, EnvSpec, PyTree


class Player(IntEnum):
    """What decides an agent's actions."""

    LEARNED = 0  # the trained actor, greedily
    RANDOM = 1  # uniformly random actions
    STILL = 2  # does nothing
    SCRIPTED = 3  # the world's hand-written play


SubPolicy = Literal["drawn", "average"] | int
"""Who of an ensemble plays an episode: a member drawn for each team, all by their mean, or one member."""


def everybody(spec: EnvSpec, player: Player) -> np.ndarray:
    """[agent] int32: the same player for every agent."""
    return np.full(spec.agent_count, player, np.int32)


def as_trained(algorithm: Algorithm) -> np.ndarray:
    """[agent] int32: those who played in training. Learners and frozen teams play what they learned."""
    kinds = {"learning": Player.LEARNED, "frozen": Player.LEARNED, "random": Player.RANDOM, "scripted": Player.SCRIPTED}
    return np.array([kinds[kind] for kind in algorithm.players.kinds], np.int32)


def choose_players(algorithm: Algorithm, choices: Mapping[str, str], scripted: bool = True) -> np.ndarray:
    """[agent] int32: those who played in training, but for those teams or agents that `choices` names.

    Args:
        algorithm: with the environment's specification.
        choices: team or agent name -> "learned", "random", "still" or "scripted".
        scripted: whether the environment has hand-written play.

    Raises:
        ValueError: a name that is no team or agent, or a player that does not exist.
    """
    spec, players = algorithm.spec, as_trained(algorithm)
    kinds = [player.name.lower() for player in Player if scripted or player != Player.SCRIPTED]
    for name, kind in choices.items():
        if kind not in kinds:
            raise ValueError(unknown_name("player", kind, kinds))
        mine = [name in (agent.name, agent.team) for agent in spec.agents]
        if not any(mine):
            raise ValueError(unknown_name("team or agent", name, [*spec.teams, *spec.names]))
        if kind == "learned" and not algorithm.players.who("learning", "frozen")[mine].all():
            raise ValueError(f"{name}=learned: {name} has learned nothing in this run; give one of {', '.join(kinds[1:])}")
        players[mine] = Player[kind.upper()]
    return players


def read_sub_policy(algorithm: Algorithm, word: str) -> SubPolicy:
    """drawn, average, or the number of a sub-policy.

    Raises:
        ValueError: it is none of these.
    """
    if word == "drawn":
        return "drawn"
    if word == "average":
        return "average"
    size = algorithm.config.ensemble_size
    if not word.isdecimal() or int(word) >= size:
        raise ValueError(f"sub-policy {word!r}: it must be drawn, average, or a number from 0 to {size - 1}")
    return int(word)


def episode_sub_policies(algorithm: Algorithm, choice: SubPolicy, key: Key[Array, ""], episodes: int) -> Int[Array, "episode agent"] | None:
    """Which sub-policy plays each episode, by agent; None where all act together, by their mean, or there is only one."""
    size = algorithm.config.ensemble_size
    if size == 1 or choice == "average":
        return None
    if choice == "drawn":
        return draw_sub_policies(algorithm.players, size, key, episodes)
    return jnp.full((episodes, algorithm.spec.agent_count), choice, jnp.int32)


def play_actions(
    algorithm: Algorithm,
    environment: Environment,
    actor: PyTree,
    players: Int[Array, " agent"],
    observation: Float[Array, "batch agent observation"],
    worlds: PyTree,
    key: Key[Array, ""],
    sub_policy: Int[Array, "batch agent"] | None = None,
) -> Float[Array, "batch agent action"]:
    """Every agent's action from whoever plays it, in worlds on the device."""
    random_key, script_key = jax.random.split(key)
    script = environment.scripted
    by_script = None if script is None else jax.vmap(script)(jax.random.split(script_key, len(observation)), worlds)
    there = jax.vmap(environment.availability)(worlds)
    return chosen_actions(algorithm, environment.still, actor, players, observation, there, random_key, by_script, sub_policy)


def chosen_actions(
    algorithm: Algorithm,
    still: Float[Array, "agent action"],
    actor: PyTree,
    players: Int[Array, " agent"],
    observation: Float[Array, "batch agent observation"],
    availability: Availability,
    key: Key[Array, ""],
    by_script: Float[Array, "batch agent action"] | None = None,
    sub_policy: Int[Array, "batch agent"] | None = None,
) -> Float[Array, "batch agent action"]:
    """Every agent's action from whoever plays it. All are computed and one is taken: who plays needs no compilation of its own."""
    batch = len(observation)
    standing = _standing(algorithm, jnp.broadcast_to(still, (batch, *still.shape)), availability)
    candidates = jnp.stack(
        [
            act_greedily(algorithm, actor, observation, sub_policy, availability),
            act_randomly(algorithm, key, batch, availability),
            standing,
            standing if by_script is None else by_script,
        ]
    )
    return jnp.take_along_axis(candidates, players[None, None, :, None], axis=0)[0]


def _standing(
    algorithm: Algorithm, still: Float[Array, "batch agent action"], availability: Availability
) -> Float[Array, "batch agent action"]:
    """Doing nothing, by the first choice that is allowed where that of `still` is not; zeros of those who are absent."""
    allowed = masks(availability)
    if allowed is not None:
        columns = jnp.arange(still.shape[-1])

        def one(layout: ActionLayout, still: jax.Array, allowed: jax.Array) -> jax.Array:
            # What stands comes first, then the others from left to right; what is forbidden last.
            rank = jnp.where(still > 0, 2.0, 1.0 / (1.0 + jnp.broadcast_to(columns, still.shape)))
            return jnp.where(layout.one_hot[None], choices(layout, jnp.where(allowed, rank, 0.0)), still)

        still = jax.vmap(one, in_axes=(0, 1, 1), out_axes=1)(algorithm.layout, still, allowed)
    return of_the_present(still, availability)


def still_actions(algorithm: Algorithm) -> Float[Array, "agent action"]:
    """[agent, action]: the middle of every box, and the first of every choice."""
    layout = algorithm.layout
    first = jnp.zeros_like(layout.low)
    for head in range(layout.heads):
        mine = layout.head == head
        first = first + (mine & (jnp.cumsum(mine, axis=1) == 1))
    return jnp.where(layout.box, (layout.low + layout.high) / 2, first)
