"""One learning step of all agents: together, or one after another."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from maddpg.algorithm.acting import agent_keys
from maddpg.algorithm.learning import Batches, Keys, Learner, Metrics, learn
from maddpg.algorithm.state import Algorithm, Hyper, TrainState, of_learners, put_learners, take_agents
from maddpg.types import PyTree


def update(
    algorithm: Algorithm, hyper: Hyper, state: TrainState, batches: Batches, key: Key[Array, ""], episodes: Int[Array, ""] | int = 0
) -> tuple[TrainState, Metrics]:
    """One learning step of every agent that learns.

    With a shared minibatch what does not depend on the agent (target actions, the joint input) is computed once. `episodes` were completed
    since learning began. Metrics are [learner].
    """
    learners, per_agent = algorithm.players.learners, algorithm.config.minibatch == "per_agent"
    target_key, own_key, others_key = jax.random.split(key, 3)
    rows = jnp.asarray(learners)
    keys = Keys(
        target=agent_keys(algorithm, target_key)[rows] if per_agent else target_key,
        own=agent_keys(algorithm, own_key)[rows],
        others=others_key,
    )
    learner = Learner(
        rows, jnp.asarray(algorithm.others), take_agents(algorithm.layout, learners), algorithm.view, take_agents(hyper, learners)
    )
    updates = state.updates + 1

    # Which of the arguments have a learner axis, for `vmap`.
    learner_axes = Learner(0, 0, 0, None if algorithm.view.shared else 0, 0)  # type: ignore[arg-type]
    state_axes = replace(jax.tree.map(lambda _: 0, state), updates=None)
    batch_axes = Batches(joint=0 if per_agent else None, members=0, has_members=0, latest=None)  # type: ignore[arg-type]
    key_axes = Keys(target=0 if per_agent else None, own=0, others=None)  # type: ignore[arg-type]
    axes = (learner_axes, state_axes, batch_axes, None, None, key_axes)
    learn_together = jax.vmap(partial(learn, algorithm), in_axes=(None, *axes), out_axes=(state_axes, 0))

    def arguments(state: TrainState) -> tuple:
        return learner, of_learners(algorithm, state), batches, updates, jnp.asarray(episodes), keys

    if algorithm.config.agent_order == "together":
        learned, metrics = learn_together(state, *arguments(state))
        return replace(put_learners(algorithm, state, learned), updates=updates), metrics

    def turn(state: TrainState, row: jax.Array) -> tuple[TrainState, Metrics]:
        """As the released code does it: the next agent's target sees the targets that this one has moved."""
        learned, metrics = learn_together(state, *_row(axes, arguments(state), row))
        mine = of_learners(algorithm, state)
        mine = jax.tree.map(lambda old, new: new if old.ndim == 0 else _put(old, new, row), mine, learned)
        return put_learners(algorithm, state, mine), metrics

    state, metrics = jax.lax.scan(turn, state, jnp.arange(len(learners)))
    return replace(state, updates=updates), {name: values[:, 0] for name, values in metrics.items()}


def _row(axes: PyTree, trees: PyTree, row: jax.Array) -> PyTree:
    """One row, kept as an axis of length 1, of every leaf that `axes` maps."""

    def take(axis: int | None, tree: PyTree) -> PyTree:
        return tree if axis is None else jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, row, 1), tree)

    return jax.tree.map(take, axes, trees, is_leaf=lambda axis: axis is None)


def _put(rows: jax.Array, new: jax.Array, row: jax.Array) -> jax.Array:
    return jax.lax.dynamic_update_slice_in_dim(rows, new, row, axis=0)
