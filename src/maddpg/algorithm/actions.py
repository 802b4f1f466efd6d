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
from jaxtyping import Array, Bool, Float, Key

from maddpg.config import AlgorithmConfig
from maddpg.names import brief
from maddpg.types import Box, Categorical, EnvSpec, Simplex, Space

LOG_STD_RANGE = (-5.0, 1.0)
"""Bounds of the squashed Gaussian's log standard deviation, before the squashing."""
FORBIDDEN = -1e9
"""The logit of a choice that is not allowed: no draw takes it, and no gradient comes from it."""


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
    kinds: frozenset[type[Space]] = field(metadata={"static": True})  # of all agents' spaces
    heads: int = field(metadata={"static": True})  # most softmax heads of any agent
    boxes: bool = field(metadata={"static": True})  # whether any agent has a box
    stochastic: bool = field(metadata={"static": True})  # squashed Gaussian, not a point, on boxes
    straight_through: bool = field(metadata={"static": True})  # one-hot forward, relaxed gradient
    temperature: float = field(metadata={"static": True})


def action_layout(config: AlgorithmConfig, spec: EnvSpec) -> ActionLayout:
    """The layout of every agent's action vector, stacked over agents.

    Raises:
        ValueError: a space that is of no kind with a head.
    """
    shape = (spec.agent_count, spec.action_width)
    head, one_hot, box = np.full(shape, -1), np.zeros(shape, bool), np.zeros(shape, bool)
    low, high = np.zeros(shape), np.zeros(shape)
    for row, agent in enumerate(spec.agents):
        start = heads = 0
        for space in agent.action:
            columns = slice(start, start := start + space.size)
            if isinstance(space, Box):
                box[row, columns], low[row, columns], high[row, columns] = True, space.low, space.high
            elif isinstance(space, Categorical | Simplex):
                head[row, columns], one_hot[row, columns] = heads, isinstance(space, Categorical)
                heads += 1
            else:
                raise ValueError(f"{agent.name} acts in {brief(space)}, which has no action head; docs/changing.md says how to add one")
    return ActionLayout(
        head=jnp.asarray(head),
        one_hot=jnp.asarray(one_hot),
        box=jnp.asarray(box),
        valid=jnp.asarray(spec.action_valid),
        low=jnp.asarray(low, jnp.float32),
        high=jnp.asarray(high, jnp.float32),
        kinds=frozenset(type(space) for agent in spec.agents for space in agent.action),
        heads=int(head.max()) + 1,
        boxes=bool(box.any()),
        stochastic=config.policy == "stochastic",
        straight_through=config.estimator == "straight_through",
        temperature=config.temperature,
    )


def output_valid(layout: ActionLayout) -> jax.Array:
    """[..., output] bool: the true columns of an actor's output.

    They are a logit or a mean for each action column, then, in a squashed Gaussian, a log standard deviation for each box column.
    """
    if layout.boxes and layout.stochastic:
        return jnp.concatenate([layout.valid, layout.box], axis=-1)
    return layout.valid


def forbid(
    output: Float[Array, "*members batch output"], allowed: Bool[Array, "batch action"] | None
) -> Float[Array, "*members batch output"]:
    """An actor's output with the choices that are not allowed made impossible; unchanged without a mask."""
    if allowed is None:
        return output
    width = allowed.shape[-1]
    logits = output[..., :width]
    return jnp.concatenate([jnp.where(_row(allowed, logits), logits, FORBIDDEN), output[..., width:]], axis=-1)


def sample(
    layout: ActionLayout, output: Float[Array, "batch output"], key: Key[Array, ""], exploration: Float[Array, ""] | None = None
) -> Float[Array, "batch action"]:
    """The action that the policy draws, as the environment takes it.

    Categorical heads: one-hot at the largest of logits + Gumbel noise. Simplex heads: softmax((logits + Gumbel noise) / temperature).
    Deterministic boxes: the squashed output, plus `exploration` (a share of half the range, if given) times Gaussian noise, clipped to the
    bounds. Stochastic boxes: the squashed Gaussian, whatever `exploration`.
    """
    relaxed, box = _draw(layout, output, key, exploration)
    return _compose(layout, _discretise(layout, relaxed), box)


def differentiable_sample(layout: ActionLayout, output: Float[Array, "batch output"], key: Key[Array, ""]) -> Float[Array, "batch action"]:
    """The action that the policy draws, without exploration, for a gradient in `output`.

    Differs from `sample` in categorical heads: straight-through, one-hot in value with the relaxed sample's gradient; or, for `estimator`
    = soft, the relaxed sample itself.
    """
    relaxed, box = _draw(layout, output, key, None)
    if layout.straight_through:
        relaxed = relaxed + jax.lax.stop_gradient(_discretise(layout, relaxed) - relaxed)
    return _compose(layout, relaxed, box)


def greedy(layout: ActionLayout, output: Float[Array, "batch output"]) -> Float[Array, "batch action"]:
    """One policy's action without any noise: the arg max of a categorical, the softmax of a simplex, the point or the mean of a box."""
    return greedy_mean(layout, output[None])


def relaxed_sample(layout: ActionLayout, output: Float[Array, "batch output"], key: Key[Array, ""]) -> Float[Array, "batch action"]:
    """As `sample` without exploration, but categorical heads give the relaxed sample itself."""
    return _compose(layout, *_draw(layout, output, key, None))


def greedy_mean(layout: ActionLayout, outputs: Float[Array, "member batch output"]) -> Float[Array, "batch action"]:
    """The action of several policies together, without noise: the mean of their points, or the choice with the largest mean probability."""
    outputs = outputs[..., : layout.valid.shape[-1]]
    relaxed = jnp.mean(probabilities(layout, outputs), axis=0)
    return _compose(layout, _discretise(layout, relaxed), jnp.mean(_squash(layout, outputs), axis=0))


def random_action(
    layout: ActionLayout, key: Key[Array, ""], batch: int, allowed: Bool[Array, "batch action"] | None = None
) -> Float[Array, "batch action"]:
    """Uniformly random actions: over a categorical's allowed choices, on the simplex, within a box's bounds."""
    box_key, head_key = jax.random.split(key)
    shape = (layout.valid.shape[-1], batch)
    uniform = jax.random.uniform(box_key, shape).T
    box = _row(layout.low, uniform) + uniform * _row(layout.high - layout.low, uniform)
    # Exponential draws, normalised, are uniform on the simplex; the largest of them is uniform over the choices.
    weights = jax.random.exponential(head_key, shape).T
    simplex = _normalise(layout, weights if allowed is None else jnp.where(allowed, weights, 0.0))
    return _compose(layout, _discretise(layout, simplex), box)


def penalised_outputs(layout: ActionLayout) -> jax.Array:
    """[..., output] bool: the columns that `logit_regulariser` holds back: a softmax's logits, or all of an agent that has none."""
    valid = output_valid(layout)
    logits = jnp.zeros_like(valid).at[..., : layout.head.shape[-1]].set(layout.head >= 0)
    return jnp.where(jnp.any(logits, axis=-1, keepdims=True), logits, valid)


def mean_square(output: Float[Array, "batch output"], columns: Bool[Array, " output"]) -> Float[Array, " batch"]:
    """Mean of the squared actor output over some of its columns."""
    return jnp.sum(jnp.where(_row(columns, output), jnp.square(output), 0.0), axis=1) / jnp.sum(columns)


def _row(row: jax.Array, like: jax.Array) -> jax.Array:
    """[column] or [batch, column] broadcast to `like` [..., column]."""
    return jnp.broadcast_to(row, like.shape)


def _draw(layout: ActionLayout, output: jax.Array, key: jax.Array, exploration: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    """The relaxed categoricals and the boxes, [batch, action] each, meaningless in each other's columns."""
    width = layout.valid.shape[-1]
    gumbel_key, normal_key = jax.random.split(key)
    # Drawn [column, batch]: more padding leaves the true columns' numbers as they were.
    shape = (width, len(output))
    relaxed = box = output[:, :width]
    if layout.heads:
        relaxed = probabilities(layout, (relaxed + jax.random.gumbel(gumbel_key, shape).T) / layout.temperature)
    if layout.boxes and layout.stochastic:
        log_std = jnp.clip(output[:, width:], *LOG_STD_RANGE)
        box = _squash(layout, box + jnp.exp(log_std) * jax.random.normal(normal_key, shape).T)
    elif layout.boxes:
        box = _squash(layout, box)
        if exploration is not None:
            noise = exploration * _row((layout.high - layout.low) / 2, box) * jax.random.normal(normal_key, shape).T
            box = jnp.clip(box + noise, _row(layout.low, box), _row(layout.high, box))
    return relaxed, box


def _compose(layout: ActionLayout, relaxed: jax.Array, box: jax.Array) -> jax.Array:
    """Each column from its own kind; zero in padding."""
    return jnp.where(_row(layout.box, box), box, jnp.where(_row(layout.head >= 0, relaxed), relaxed, 0.0))


def _discretise(layout: ActionLayout, relaxed: jax.Array) -> jax.Array:
    """One-hot in categorical columns, unchanged in simplex columns."""
    return jnp.where(_row(layout.one_hot, relaxed), choices(layout, relaxed), relaxed)


def _squash(layout: ActionLayout, value: jax.Array) -> jax.Array:
    """A real number into its column's bounds, by tanh."""
    return _row(layout.low, value) + _row((layout.high - layout.low) / 2, value) * (1 + jnp.tanh(value))


def probabilities(layout: ActionLayout, logits: Float[Array, "*batch action"]) -> Float[Array, "*batch action"]:
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


def choices(layout: ActionLayout, soft: Float[Array, "*batch action"]) -> Float[Array, "*batch action"]:
    """One at the largest column of each categorical and each simplex head; zero elsewhere."""
    total = jnp.zeros_like(soft)
    columns = jnp.arange(soft.shape[-1])
    for head in range(layout.heads):
        mine = layout.head == head
        best = jnp.argmax(jnp.where(_row(mine, soft), soft, -1.0), axis=-1, keepdims=True)
        total = total + jnp.where((_row(columns, soft) == best) & _row(mine, soft), 1.0, 0.0)
    return total
