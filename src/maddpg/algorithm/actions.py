"""Action heads: from an actor's output to an action, drawn or greedy, for any product of spaces.

One agent's action vector is its spaces side by side. Categorical and simplex columns come from a relaxed categorical, the Gumbel-Softmax
(Jang et al. 2017), one for each head; box columns from a squashed point or a squashed Gaussian. Everything here is for ONE agent with any
leading axes; the agent axis comes from `vmap` over an `ActionLayout`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from maddpg.config import AlgorithmConfig
from maddpg.types import Box, Categorical, EnvSpec

LOG_STD_RANGE = (-5.0, 1.0)
"""Bounds of the squashed Gaussian's log standard deviation, before the squashing."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ActionLayout:
    """What each column of an action vector is. Arrays are [agent, action]; inside `vmap`, [action]."""

    head: jax.Array  # number of the softmax that the column belongs to, -1: none
    one_hot: jax.Array  # bool: the environment takes a one-hot vector (a categorical, not a simplex)
    box: jax.Array  # bool: a bounded real number
    valid: jax.Array  # bool: not padding
    low: jax.Array  # of box columns, else 0
    high: jax.Array  # of box columns, else 0
    heads: int = field(metadata={"static": True})  # most softmax heads of any agent
    boxes: bool = field(metadata={"static": True})  # whether any agent has a box
    stochastic: bool = field(metadata={"static": True})  # squashed Gaussian, not a point, on boxes
    straight_through: bool = field(metadata={"static": True})  # one-hot forward, relaxed gradient
    temperature: float = field(metadata={"static": True})


def action_layout(config: AlgorithmConfig, spec: EnvSpec) -> ActionLayout:
    """The layout of every agent's action vector, stacked over agents."""
    shape = (spec.agent_count, spec.action_width)
    head, one_hot, box = np.full(shape, -1), np.zeros(shape, bool), np.zeros(shape, bool)
    low, high = np.zeros(shape), np.zeros(shape)
    for row, agent in enumerate(spec.agents):
        start = heads = 0
        for space in agent.action:
            columns = slice(start, start := start + space.size)
            if isinstance(space, Box):
                box[row, columns], low[row, columns], high[row, columns] = True, space.low, space.high
            else:
                head[row, columns], one_hot[row, columns] = heads, isinstance(space, Categorical)
                heads += 1
    return ActionLayout(
        head=jnp.asarray(head),
        one_hot=jnp.asarray(one_hot),
        box=jnp.asarray(box),
        valid=jnp.asarray(spec.action_valid),
        low=jnp.asarray(low, jnp.float32),
        high=jnp.asarray(high, jnp.float32),
        heads=int(head.max()) + 1,
        boxes=bool(box.any()),
        stochastic=config.policy == "stochastic",
        straight_through=config.estimator == "straight_through",
        temperature=config.temperature,
    )


def output_valid(layout: ActionLayout) -> jax.Array:
    """[..., output] bool: the true columns of an actor's output: a logit or a mean for each action column, then a log deviation for each box."""
    if layout.boxes and layout.stochastic:
        return jnp.concatenate([layout.valid, layout.box], axis=-1)
    return layout.valid


def draw_noise(layout: ActionLayout, key: Key[Array, ""], batch: int) -> Float[Array, "batch action"]:
    """The randomness of one agent's actions: standard Gumbel for softmax heads, standard normal for boxes.

    Drawn column by column, so that more padding leaves the true columns' numbers as they were.
    """
    column_keys = jax.random.split(key, 2)
    shape = (layout.valid.shape[-1], batch)
    noise = jnp.zeros(shape)
    if layout.boxes:
        noise = jax.random.normal(column_keys[0], shape)
    if layout.heads:
        noise = jnp.where(layout.box[:, None], noise, jax.random.gumbel(column_keys[1], shape))
    return noise.T


def sample(
    layout: ActionLayout, output: Float[Array, "*batch output"], noise: Float[Array, "*batch action"], exploration: Float[Array, ""] | float = 0.0
) -> Float[Array, "*batch action"]:
    """The action that the policy draws, differentiable in `output`.

    Softmax heads: softmax((logits + Gumbel noise) / temperature); for a categorical one-hot in value. Deterministic boxes: the squashed
    output plus `exploration` (a share of half the range) times the noise, clipped to the bounds. Stochastic boxes: the squashed
    Gaussian, with or without `exploration`.
    """
    return _compose(layout, _box(layout, output, noise, exploration), _relaxed(layout, output, noise))


def greedy(layout: ActionLayout, output: Float[Array, "*batch output"]) -> Float[Array, "*batch action"]:
    """The action without any noise: the arg max of a categorical, the softmax of a simplex, the point or the mean of a box."""
    zero = jnp.zeros_like(output[..., : layout.valid.shape[-1]])
    relaxed = zero
    if layout.heads:
        soft = _softmax(layout, output[..., : layout.valid.shape[-1]])
        relaxed = jnp.where(jnp.broadcast_to(layout.one_hot, soft.shape), _one_hot(layout, soft), soft)
    return _compose(layout, _squash(layout, output[..., : layout.valid.shape[-1]]), relaxed)


def random_action(layout: ActionLayout, key: Key[Array, ""], batch: int) -> Float[Array, "batch action"]:
    """Uniformly random actions: over a categorical's choices, on the simplex, within a box's bounds."""
    box_key, head_key = jax.random.split(key)
    shape = (layout.valid.shape[-1], batch)
    uniform = jax.random.uniform(box_key, shape).T
    box = _row(layout.low, uniform) + uniform * _row(layout.high - layout.low, uniform)
    relaxed = jnp.zeros_like(uniform)
    if layout.heads:
        # Exponential draws, normalised, are uniform on the simplex; the largest of them is uniform over the choices.
        draws = jax.random.exponential(head_key, shape).T
        soft = _normalise(layout, draws)
        relaxed = jnp.where(_row(layout.one_hot, soft), _one_hot(layout, soft), soft)
    return _compose(layout, box, relaxed)


def mean_square_output(layout: ActionLayout, output: Float[Array, "batch output"]) -> Float[Array, ""]:
    """Mean over the batch and the true columns of the squared actor output, what the released code's regulariser penalises."""
    valid = output_valid(layout)
    return jnp.sum(jnp.where(_row(valid, output), jnp.square(output), 0.0)) / (output.shape[0] * jnp.sum(valid))


def _row(row: jax.Array, like: jax.Array) -> jax.Array:
    """[column] broadcast to `like` [..., column]."""
    return jnp.broadcast_to(row, like.shape)


def _compose(layout: ActionLayout, box: jax.Array, relaxed: jax.Array) -> jax.Array:
    if not layout.heads:
        return jnp.where(_row(layout.box, box), box, 0.0)
    if not layout.boxes:
        return relaxed
    return jnp.where(_row(layout.box, box), box, relaxed)


def _box(layout: ActionLayout, output: jax.Array, noise: jax.Array, exploration: jax.Array | float) -> jax.Array:
    width = layout.valid.shape[-1]
    if not layout.boxes:
        return noise
    if layout.stochastic:
        log_std = jnp.clip(output[..., width:], *LOG_STD_RANGE)
        return _squash(layout, output[..., :width] + jnp.exp(log_std) * noise)
    half_range = _row((layout.high - layout.low) / 2, noise)
    action = _squash(layout, output[..., :width]) + exploration * half_range * noise
    return jnp.clip(action, _row(layout.low, action), _row(layout.high, action))


def _squash(layout: ActionLayout, value: jax.Array) -> jax.Array:
    """A real number into its column's bounds, by tanh."""
    return _row(layout.low, value) + _row((layout.high - layout.low) / 2, value) * (1 + jnp.tanh(value))


def _relaxed(layout: ActionLayout, output: jax.Array, noise: jax.Array) -> jax.Array:
    if not layout.heads:
        return noise
    soft = _softmax(layout, (output[..., : layout.valid.shape[-1]] + noise) / layout.temperature)
    hard = _one_hot(layout, soft)
    if layout.straight_through:
        hard = soft + jax.lax.stop_gradient(hard - soft)
    return jnp.where(_row(layout.one_hot, soft), hard, soft)


def _softmax(layout: ActionLayout, logits: jax.Array) -> jax.Array:
    """A softmax over each head's columns; zero in columns of no head, so that padding never takes probability."""
    total = jnp.zeros_like(logits)
    for head in range(layout.heads):
        mine = _row(layout.head == head, logits)
        # The where stands inside too: a gradient through exp(-inf - -inf) of an agent that lacks this head would be NaN.
        inside = jnp.where(mine, logits, -jnp.inf)
        largest = jax.lax.stop_gradient(jnp.max(inside, axis=-1, keepdims=True))
        weight = jnp.where(mine, jnp.exp(jnp.where(mine, logits - jnp.where(jnp.isfinite(largest), largest, 0.0), 0.0)), 0.0)
        total = total + weight / jnp.maximum(jnp.sum(weight, axis=-1, keepdims=True), 1e-30)
    return total


def _normalise(layout: ActionLayout, weights: jax.Array) -> jax.Array:
    """Positive weights divided by their sum over each head."""
    total = jnp.zeros_like(weights)
    for head in range(layout.heads):
        mine = jnp.where(_row(layout.head == head, weights), weights, 0.0)
        total = total + mine / jnp.maximum(jnp.sum(mine, axis=-1, keepdims=True), 1e-30)
    return total


def _one_hot(layout: ActionLayout, soft: jax.Array) -> jax.Array:
    """One at each head's largest column."""
    total = jnp.zeros_like(soft)
    columns = jnp.arange(soft.shape[-1])
    for head in range(layout.heads):
        mine = layout.head == head
        best = jnp.argmax(jnp.where(_row(mine, soft), soft, -1.0), axis=-1, keepdims=True)
        total = total + jnp.where((_row(columns, soft) == best) & _row(mine, soft), 1.0, 0.0)
    return total
