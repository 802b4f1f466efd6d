"""Transitions drawn at random, fresh states, and what two states have in common, bit for bit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.actions import action_layout
from maddpg.algorithm.state import Algorithm, TrainState, init
from maddpg.config import AlgorithmConfig
from maddpg.types import EnvSpec, PyTree, Transition


def random_transitions(spec: EnvSpec, seed: int, *leading: int) -> Transition:
    """Transitions [*leading, ...]: true columns drawn, boxes within their bounds, padding zero; a third of them end the world."""
    rng, layout = np.random.default_rng(seed), jax.tree.map(np.asarray, action_layout(AlgorithmConfig(), spec))

    def observation() -> np.ndarray:
        return np.where(spec.observation_valid, rng.normal(size=(*leading, *spec.observation_valid.shape)), 0)

    share = rng.uniform(0.1, 0.9, (*leading, *spec.action_valid.shape))
    boxes = np.where(layout.box, layout.low + share * (layout.high - layout.low), 0)
    choice = np.where(layout.head >= 0, share, 0)  # not normalised: what is larger is chosen
    reward = rng.normal(size=(*leading, spec.agent_count))
    return Transition(
        *map(jnp.float32, (observation(), boxes + choice, reward, rng.random(reward.shape) > 1 / 3, observation())),
    )


def start(algorithm: Algorithm, seed: int = 0) -> TrainState:
    """The state before anything is learned."""
    return jax.jit(lambda key: init(algorithm, key))(jax.random.key(seed))


def changed_rows(before: PyTree, after: PyTree) -> list[bool]:
    """For each row of the first axis, whether any bit of any leaf differs."""
    pairs = list(zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))
    return [any(not np.array_equal(one[row], other[row]) for one, other in pairs) for row in range(len(pairs[0][0]))]


def louder(tree: PyTree, *index: int) -> PyTree:
    """The tree with the leaves' part at `index` half as large again, and biases no longer zero."""
    return jax.tree.map(lambda leaf: leaf.at[index].set(1.5 * leaf[index] + 0.1), tree)
