"""Evaluation of a team: many episodes, greedily, beside random, still and scripted play of the same environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.evaluation.players import Player, everybody
from maddpg.evaluation.rollout import Episodes, Rollout
from maddpg.evaluation.scores import Evaluation, SeedScore, mean_metrics, score_agents
from maddpg.types import EnvSpec, PyTree

Play = Callable[[np.ndarray, int], Episodes]
"""(players [agent], episodes) -> `Episodes` of every seed, [seed, episode, ...]; of one for all if nobody plays what it learned."""

EVALUATION_SEED = 2_000_000_011  # beyond those of runs: episodes of evaluation are none of those of training

CHOOSING_SEED = EVALUATION_SEED + 1  # while training: networks that were chosen by these episodes are judged by others


def device_play(rollout: Rollout, actor: PyTree, seed: int = EVALUATION_SEED) -> Play:
    """Play on the device, with actors [seed, agent, ...], in calls of one compiled `rollout` until there are episodes enough.

    `seed` says which episodes.
    """
    seeds = len(jax.tree.leaves(actor)[0])

    def play(players: np.ndarray, episodes: int) -> Episodes:
        # Without a learned player seeds do not matter: together they play the episodes that are wanted, once.
        alike = not (players == Player.LEARNED).any()
        parts: list[Episodes] = []
        while sum(part.returns.shape[1] for part in parts) < episodes:
            key = jax.random.fold_in(jax.random.key(seed), len(parts))
            everyone = jnp.broadcast_to(jnp.asarray(players), (seeds, len(players)))
            part = jax.device_get(rollout(actor, everyone, jax.random.split(key, seeds)))
            parts.append(jax.tree.map(lambda leaf: leaf.reshape(1, -1, *leaf.shape[2:]), part) if alike else part)
        joined: Episodes = jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=1)[:, :episodes], *parts)
        return joined

    return play


def evaluate(
    spec: EnvSpec,
    play: Play,
    seeds: Sequence[int],
    episodes: int,
    players: np.ndarray,
    action_mode: str | None = None,
    name: str | None = None,
    scripted: bool = True,
) -> Evaluation:
    """Play `players` and the three yardsticks, and put them side by side.

    A yardstick is played by everybody, without any learned agent, so one serves all seeds of the run. `name` is what the environment is
    called in the result, if not by its own name; `scripted` says whether it has hand-written play.
    """
    played = play(players, episodes)
    yardsticks = (Player.RANDOM, Player.STILL, Player.SCRIPTED) if scripted else (Player.RANDOM, Player.STILL)
    beside = {player: play(everybody(spec, player), episodes) for player in yardsticks}
    lost = sum(int(np.sum(part.lost)) for part in (played, *beside.values()) if part.lost is not None)
    random, still = (beside[player].returns[0] for player in (Player.RANDOM, Player.STILL))
    by_script = beside[Player.SCRIPTED].returns[0] if scripted else None
    if len(played.returns) == 1:  # of nobody who learned: it serves all seeds
        played = jax.tree.map(lambda leaf: np.repeat(leaf, len(seeds), axis=0), played)
    scores = [
        SeedScore(
            seed,
            score_agents(spec.names, played.returns[index], random, still, by_script),
            mean_metrics(spec.names, {name: values[index] for name, values in played.metrics.items()}),
        )
        for index, seed in enumerate(seeds)
    ]
    who = {name: Player(player).name.lower() for name, player in zip(spec.names, players, strict=True)}
    return Evaluation(name or spec.name, episodes, action_mode, who, scores, lost)
