"""Teams from different runs against each other, every seed of one with every seed of the other."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from maddpg.algorithm.ensembles import widen
from maddpg.algorithm.state import Algorithm
from maddpg.environments.contract import Environment
from maddpg.evaluation.players import Player, everybody
from maddpg.evaluation.rollout import make_rollout
from maddpg.types import PyTree

AT_ONCE = 5  # pairings in one call


def cross(
    algorithm: Algorithm, environment: Environment, line_up: Mapping[str, PyTree], episodes: int, key: Key[Array, ""]
) -> Float[Array, "*seeds episode agent"]:
    """Returns of greedy episodes: an axis for the seeds of each team, in the order of `spec.teams`, then episodes and agents.

    All pairings play from the same starts. Of an ensemble a member is drawn for each team and episode.

    Args:
        algorithm: what the teams are, with the largest ensemble among them; a single policy counts as an ensemble of equals.
        environment: where they play.
        line_up: team -> the actors of a run of the same networks, [seed, agent, member, ...], all agents of which there are rows.
        episodes: of each pairing.
        key: for starts and draws.
    """
    spec, size = algorithm.spec, algorithm.config.ensemble_size
    teams = [jax.tree.map(jnp.asarray, line_up[team]) for team in spec.teams]
    counts = [len(jax.tree.leaves(team)[0]) for team in teams]
    team_of = np.array([spec.teams.index(agent.team) for agent in spec.agents])
    rollout = make_rollout(algorithm, environment, episodes)
    everyone = jnp.asarray(everybody(spec, Player.LEARNED))

    def gather(seeds: np.ndarray) -> PyTree:
        """[pairing, agent, member, ...] for the seeds [pairing, team] of each team."""

        def choose(*leaves: jax.Array) -> jax.Array:
            rows = [widen(leaf, size, axis=2)[seeds[:, team_of[agent]], agent] for agent, leaf in enumerate(leaves)]
            return jnp.stack(rows, axis=1)

        return jax.tree.map(choose, *(teams[team] for team in team_of))

    pairings = np.stack(np.unravel_index(np.arange(math.prod(counts)), counts), axis=1)
    parts = []
    for start in range(0, len(pairings), AT_ONCE):
        chosen = pairings[start : start + AT_ONCE]
        parts.append(rollout(gather(chosen), jnp.tile(everyone, (len(chosen), 1)), jnp.tile(key, len(chosen))).returns)
    returns = jnp.concatenate(parts)
    return returns.reshape(*counts, *returns.shape[1:])
