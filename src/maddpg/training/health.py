"""Finding NaN and infinity: which agent, which tensor."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.storage.parameters import named_leaves
from maddpg.training.fused import RunState
from maddpg.types import EnvSpec, PyTree


class NotFinite(RuntimeError):
    """Training produced NaN or infinity."""


@jax.jit
def _finite_by_agent(tree: PyTree) -> PyTree:
    """[seed, agent] bool for every leaf [seed, agent, ...]."""
    return jax.tree.map(lambda leaf: jnp.all(jnp.isfinite(leaf), axis=tuple(range(2, leaf.ndim))), tree)


def first_not_finite(run: RunState, spec: EnvSpec, seed: int) -> str | None:
    """A line that names the first tensor that is not finite, its agent and seed; None where all is well.

    The order is that of cause and effect: a bad reward spoils losses, and those spoil parameters.
    """
    learner = run.learner
    looked_at = {
        "reward": run.totals.reward,
        **run.totals.updates,
        "parameters": {
            "critic": learner.critic,
            "actor": learner.actor,
            "target_critic": learner.target_critic,
            "target_actor": learner.target_actor,
        },
    }
    finite = jax.device_get(_finite_by_agent(looked_at))
    order = list(looked_at)
    for name, good in sorted(named_leaves(finite).items(), key=lambda item: order.index(item[0].partition("/")[0])):
        if not np.all(good):
            row, agent = np.argwhere(~np.asarray(good))[0]
            return f"{name} of {spec.names[agent]} (seed {seed + row})"
    return None
