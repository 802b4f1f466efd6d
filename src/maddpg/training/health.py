"""Finding NaN and infinity: which agent, which tensor."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.state import Algorithm
from maddpg.storage.arrays import named_leaves
from maddpg.training.run_state import RunState
from maddpg.types import PyTree


class NotFinite(RuntimeError):
    """Training produced NaN or infinity."""


@jax.jit
def _finite_by_agent(tree: PyTree) -> PyTree:
    """[seed, agent] bool for every leaf [seed, agent, ...]."""
    return jax.tree.map(lambda leaf: jnp.all(jnp.isfinite(leaf), axis=tuple(range(2, leaf.ndim))), tree)


def first_not_finite(run: RunState, algorithm: Algorithm, seed: int) -> str | None:
    """A line that names the first tensor that is not finite, its agent and seed; None where all is well.

    The order is that of cause and effect: a bad reward spoils losses, and those spoil parameters.
    """
    learner, names = run.learner, algorithm.spec.names
    of_agents = {"reward": run.totals.reward, "designed_reward": run.totals.designed_reward}
    of_learners = {
        **run.totals.updates,
        "parameters/model": learner.model,
        "parameters/critic": learner.critic,
        "parameters/target_model": learner.target_model,
        "parameters/target_critic": learner.target_critic,
    }
    actors = {"parameters/actor": learner.actor, "parameters/target_actor": learner.target_actor}
    learning = [names[agent] for agent in algorithm.players.learners]
    for group, rows in ((of_agents, names), (of_learners, learning), (actors, names)):
        for name, good in named_leaves(jax.device_get(_finite_by_agent(group))).items():
            if not np.all(good):
                row, agent = np.argwhere(~np.asarray(good))[0]
                return f"{name} of {rows[agent]} (seed {seed + row})"
    return None
