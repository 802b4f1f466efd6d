"""Yardsticks for environments in Python: random play, and the best action that everybody takes at every step."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.actions import random_action
from maddpg.environments.host import HostWorld
from maddpg.environments.vector.configured import open_vector
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.evaluation.host_play import HostPlayers
from maddpg.evaluation.players import Player, everybody
from maddpg.training.trained import Trained

TRIED, TRIAL_EPISODES = 32, 20


def yardsticks(result: Trained, episodes: int) -> dict[str, dict[str, float]]:
    """Mean return of all agents, and its standard error over episodes, of `random` play and of the `best_constant` action.

    Of standing still and 32 random actions, the same for all agents of one layout, the best is chosen in 20 episodes, and then plays.
    """
    algorithm, settings, world = result.algorithm, result.parts.config, result.parts.environment
    assert isinstance(world, HostWorld)
    count = min(episodes, settings.training.environments)
    players = HostPlayers(algorithm, lambda: open_vector(world, settings.host, count, settings.host.worker_count, EVALUATION_SEED))
    drawn = jax.vmap(lambda layout: random_action(layout, jax.random.key(0), TRIED), out_axes=1)(algorithm.layout)

    def play(player: Player, episodes: int) -> np.ndarray:
        returns = players.play(result.learner.actor, everybody(algorithm.spec, player), episodes).returns
        return np.asarray(returns[0]).mean(axis=1)

    def trial(action: jax.Array) -> float:
        players.still = action
        return float(play(Player.STILL, TRIAL_EPISODES).mean())

    random = play(Player.RANDOM, episodes)
    players.still = max([players.still, *jnp.asarray(drawn)], key=trial)
    constant = play(Player.STILL, episodes)
    players.close()
    return {"random": _score(random), "best_constant": _score(constant)}


def _score(returns: np.ndarray) -> dict[str, float]:
    return {"mean": float(returns.mean()), "standard_error": float(returns.std(ddof=1) / np.sqrt(len(returns)))}
