"""Who plays: learned, random, still or scripted, one choice for each agent, as data; and what each of them does."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from maddpg.algorithm.state import Algorithm
from maddpg.algorithm.update import act_greedily, act_randomly
from maddpg.environments.contract import Environment
from maddpg.names import unknown_name
from maddpg.types import EnvSpec, PyTree


class Player(IntEnum):
    """What decides an agent's actions."""

    LEARNED = 0  # the trained actor, greedily
    RANDOM = 1  # uniformly random actions
    STILL = 2  # does nothing
    SCRIPTED = 3  # the world's hand-written play


def everybody(spec: EnvSpec, player: Player) -> np.ndarray:
    """[agent] int32: the same player for every agent."""
    return np.full(spec.agent_count, player, np.int32)


def choose_players(spec: EnvSpec, choices: Mapping[str, str]) -> np.ndarray:
    """[agent] int32: learned players, but for those teams or agents that `choices` names.

    Args:
        spec: the environment.
        choices: team or agent name -> "learned", "random", "still" or "scripted".

    Raises:
        ValueError: a name that is no team or agent, or a player that does not exist.
    """
    players = everybody(spec, Player.LEARNED)
    kinds = [player.name.lower() for player in Player]
    for name, kind in choices.items():
        if kind not in kinds:
            raise ValueError(unknown_name("player", kind, kinds))
        mine = [name in (agent.name, agent.team) for agent in spec.agents]
        if not any(mine):
            raise ValueError(unknown_name("team or agent", name, [*spec.teams, *spec.names]))
        players[mine] = Player[kind.upper()]
    return players


def play_actions(
    algorithm: Algorithm,
    environment: Environment,
    actor: PyTree,
    players: Int[Array, " agent"],
    observation: Float[Array, "batch agent observation"],
    worlds: PyTree,
    key: Key[Array, ""],
) -> Float[Array, "batch agent action"]:
    """Every agent's action from whoever plays it. All are computed and one is taken: who plays needs no compilation of its own."""
    batch = len(observation)
    random_key, script_key = jax.random.split(key)
    candidates = jnp.stack(
        [
            act_greedily(algorithm, actor, observation),
            act_randomly(algorithm, random_key, batch),
            jnp.broadcast_to(environment.still, (batch, *environment.still.shape)),
            jax.vmap(environment.scripted)(jax.random.split(script_key, batch), worlds),
        ]
    )
    return jnp.take_along_axis(candidates, players[None, None, :, None], axis=0)[0]
