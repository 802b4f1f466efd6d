"""Teams from different runs against each other, every seed of one with every seed of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from maddpg.algorithm.ensembles import widen
from maddpg.algorithm.state import Algorithm
from maddpg.environments.contract import Environment
from maddpg.evaluation.players import Player, everybody
from maddpg.evaluation.rollout import Episodes, make_rollout
from maddpg.evaluation.stage import Stage
from maddpg.types import PyTree

AT_ONCE, MOST = 5_000, 100  # episodes in one call, and line-ups
LONGEST = 1_000  # episodes of one pairing in one call

PlayLineUps = Callable[[PyTree, np.ndarray], Episodes]
"""(actors [line-up, agent, member, ...], players [line-up, agent]) -> `Episodes` [line-up, episode, ...], the same starts for all."""


def cross(
    algorithm: Algorithm,
    environment: Environment,
    line_up: Mapping[str, PyTree],
    episodes: int,
    key: Key[Array, ""],
    matched: bool = False,
) -> Episodes:
    """Greedy `Episodes` [*seeds, episode, ...]: an axis for the seeds of each team, in the order of `spec.teams`.

    All pairings play from the same starts. Of an ensemble a member is drawn for each team and episode.

    Args:
        algorithm: what the teams are, with the largest ensemble among them; a single policy counts as an ensemble of equals.
        environment: where they play.
        line_up: team -> the actors of a run of the same networks, [seed, agent, member, ...], all agents of which there are rows.
        episodes: of each pairing.
        key: for starts and draws.
        matched: whether the first seeds of all teams meet, the second, and so on, and nobody else: one axis of seeds.
    """
    spec = algorithm.spec
    policies = pool([line_up[team] for team in spec.teams], algorithm.config.ensemble_size)
    counts = [len(jax.tree.leaves(line_up[team])[0]) for team in spec.teams]
    team_of = np.array([spec.teams.index(agent.team) for agent in spec.agents])
    shape = (min(counts),) if matched else tuple(counts)
    grid = np.tile(np.arange(min(counts)), (len(counts), 1)) if matched else np.indices(counts).reshape(len(counts), -1)
    seeds = grid.T  # [pairing, team]
    chosen = (seeds + np.cumsum([0, *counts[:-1]]))[:, team_of]
    players = np.tile(everybody(spec, Player.LEARNED), (sum(counts), 1))
    play = on_device(algorithm, environment, episodes, key)
    played: Episodes = play_pairings(play, policies, players, chosen, episodes, keep=lambda part: part)
    return jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), played)


def pool(runs: Sequence[PyTree], size: int) -> PyTree:
    """The actors of all runs, [seed, agent, member, ...] each, one after another: [policy, agent, member, ...], with `size` members."""
    return jax.tree.map(lambda *leaves: jnp.concatenate([widen(jnp.asarray(leaf), size, axis=2) for leaf in leaves]), *runs)


def play_pairings(
    play: PlayLineUps,
    policies: PyTree,
    players: Int[np.ndarray, "policy agent"],
    chosen: Int[np.ndarray, "pairing agent"],
    episodes: int,
    tell: Callable[[int], None] = lambda _: None,
    keep: Callable[[Episodes], PyTree] = lambda part: part.returns,
) -> PyTree:
    """What is kept, [pairing, ...], of line-ups that are put together from many policies: their returns [pairing, episode, agent].

    Args:
        play: where, and how many episodes of each.
        policies: actors [policy, agent, member, ...].
        players: who plays each agent of a policy, if not its actor.
        chosen: whose agent stands in each place.
        episodes: of each line-up, as `play` plays them.
        tell: hears how many episodes have just been played.
        keep: what of each call's episodes, [line-up, episode, ...].
    """
    at_once = min(max(1, AT_ONCE // min(episodes, LONGEST)), MOST)
    agents = np.arange(chosen.shape[1])
    parts = []
    for start in range(0, len(chosen), at_once):
        # The last call is as large as the others, so that it is not compiled anew.
        rows = np.resize(chosen[start : start + at_once], (min(at_once, len(chosen)), len(agents)))
        some = jax.tree.map(lambda leaf, rows=rows: leaf[rows, agents], policies)
        wanted = min(at_once, len(chosen) - start)
        kept = keep(play(some, players[rows, agents]))
        parts.append(jax.tree.map(lambda leaf, wanted=wanted: leaf[:wanted], kept))
        tell(wanted * episodes)
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def on_device(algorithm: Algorithm, environment: Environment, episodes: int, key: Key[Array, ""]) -> PlayLineUps:
    """Line-ups on the device, side by side in one compiled program; many episodes in several calls of it."""
    calls = -(-episodes // LONGEST)
    rollout = make_rollout(algorithm, environment, min(episodes, LONGEST))
    keys = jax.random.split(key, calls) if calls > 1 else key[None]

    def play(actors: PyTree, players: np.ndarray) -> Episodes:
        parts = [jax.device_get(rollout(actors, jnp.asarray(players), jnp.tile(each, len(players)))) for each in keys]
        joined: Episodes = jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=1)[:, :episodes], *parts)
        return joined

    return play


def on_stage(stage: Stage, episodes: int) -> PlayLineUps:
    """Line-ups one after another, wherever the stage is: for environments in Python."""

    def play(actors: PyTree, players: np.ndarray) -> Episodes:
        rows = [jax.tree.map(lambda leaf, row=row: leaf[row : row + 1], actors) for row in range(len(players))]
        parts = [stage.play(one)(who, episodes) for one, who in zip(rows, players, strict=True)]
        joined: Episodes = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
        return joined

    return play
