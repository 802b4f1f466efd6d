"""Inferring the other agents' policies from what they were seen to do (Lowe et al. 2017, section 4.2).

Each learner i keeps a model of every other agent j's policy. A model's output is a logit or a mean for each action column, then a log
standard deviation for each; it becomes an action as an actor's output does. Everything here is for ONE pair (i, j), or says otherwise.

What is fitted to what (docs/algorithm.md): a categorical to the choice; a simplex to the largest entry of the relaxed sample, which is
a draw from the softmax of the policy's own logits, whatever the temperature (a cross-entropy with the soft vector would fit its mean
instead); a bounded real to a Gaussian, censored where the action lies on a bound, because noise beyond it was clipped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from maddpg.algorithm import actions
from maddpg.algorithm.acting import Draw, draw_action, of_agent
from maddpg.algorithm.actions import ActionLayout
from maddpg.algorithm.availability import masks, presence
from maddpg.algorithm.ensembles import member_outputs
from maddpg.algorithm.losses import weighted_mean
from maddpg.algorithm.optimisers import step
from maddpg.algorithm.state import Algorithm, Hyper, TrainState
from maddpg.types import Availability, Box, Categorical, PyTree, Simplex, Transition

MODEL_LOG_STD_RANGE = (-3.0, 1.0)
"""Bounds of the log standard deviation, in halves of the action's range, of a model of a deterministic policy and its noise. The lower
one is the floor that keeps the likelihood finite. A model of a squashed Gaussian has that policy's own bounds."""
MODELLED = frozenset({Categorical, Simplex, Box})
"""The kinds of spaces whose likelihood, entropy and divergence stand here."""
EDGE = 1e-6  # of the range: nearer than this to a bound counts as on it


class Belief(NamedTuple):
    """A policy's distribution at some observations, each [..., action]: its own columns' fields mean something, the others are zero."""

    probability: jax.Array  # of categorical and simplex columns
    mean: jax.Array  # of boxes: in halves of the range from its middle, or before the squashing if policies are squashed Gaussians
    std: jax.Array  # of boxes, in the same unit


def belief(layout: ActionLayout, output: Float[Array, "*batch output"], log_std: Float[Array, "*batch action"]) -> Belief:
    """The distribution that a network's output stands for.

    Raises:
        ValueError: a space whose likelihood is unknown, which would count for nothing in every loss and measure made of this.
    """
    if unknown := layout.kinds - MODELLED:
        names = ", ".join(sorted(kind.__name__ for kind in unknown))
        raise ValueError(f"inference: nobody has written the likelihood of {names} (docs/changing.md, another action head); leave it out")
    width = layout.valid.shape[-1]
    point = output[..., :width]
    mean = point if layout.stochastic else jnp.tanh(point)
    box = jnp.broadcast_to(layout.box, point.shape)
    return Belief(actions.probabilities(layout, point), jnp.where(box, mean, 0.0), jnp.where(box, jnp.exp(log_std), 0.0))


def model_belief(layout: ActionLayout, output: Float[Array, "*batch output"]) -> Belief:
    """What a model's output says of the other's policy."""
    bounds = actions.LOG_STD_RANGE if layout.stochastic else MODEL_LOG_STD_RANGE
    return belief(layout, output, jnp.clip(output[..., layout.valid.shape[-1] :], *bounds))


def log_likelihood(layout: ActionLayout, believed: Belief, action: Float[Array, "batch action"]) -> Float[Array, " batch"]:
    """log mu-hat(a | o), the sum over an action's heads and columns."""
    total = jnp.zeros(len(action))
    if layout.heads:
        chosen = actions.choices(layout, action)
        total += jnp.sum(chosen * jnp.log(jnp.maximum(believed.probability, 1e-30)), axis=-1)
    if layout.boxes:
        half = jnp.where(layout.box, (layout.high - layout.low) / 2, 1.0)
        value = (action - jnp.where(layout.box, (layout.high + layout.low) / 2, 0.0)[None]) / half[None]
        total += jnp.sum(jnp.where(layout.box[None], _log_density(layout, believed, value), 0.0), axis=-1)
    return total


def entropy(layout: ActionLayout, believed: Belief) -> Float[Array, " batch"]:
    """H(mu-hat(. | o)) in nats: of the choices, and of the Gaussians before clipping or squashing."""
    total = -jnp.sum(believed.probability * jnp.log(jnp.maximum(believed.probability, 1e-30)), axis=-1)
    if layout.boxes:
        gaussian = 0.5 * jnp.log(2 * jnp.pi * jnp.e) + jnp.log(jnp.maximum(believed.std, 1e-30))
        total += jnp.sum(jnp.where(layout.box[None], gaussian, 0.0), axis=-1)
    return total


def inference_loss(
    layout: ActionLayout,
    output: Float[Array, "batch output"],
    action: Float[Array, "batch action"],
    entropy_weight: Float[Array, ""],
    weight: Float[Array, " batch"] | None = None,
) -> Float[Array, ""]:
    """L = -E[log mu-hat(a_j | o_j) + lambda H(mu-hat)], Lowe et al. 2017, eq. 7."""
    believed = model_belief(layout, output)
    return -weighted_mean(log_likelihood(layout, believed, action) + entropy_weight * entropy(layout, believed), weight)


def divergence(layout: ActionLayout, true: Belief, believed: Belief) -> Float[Array, " batch"]:
    """KL(true || believed) in nats, the sum over heads and columns: what the other really does against what it is thought to do."""
    ratio = jnp.log(jnp.maximum(true.probability, 1e-30)) - jnp.log(jnp.maximum(believed.probability, 1e-30))
    total = jnp.sum(true.probability * ratio, axis=-1)
    if layout.boxes:
        spread = jnp.where(layout.box[None], true.std / jnp.where(layout.box[None], believed.std, 1.0), 1.0)
        shift = jnp.where(layout.box[None], (true.mean - believed.mean) / jnp.where(layout.box[None], believed.std, 1.0), 0.0)
        total += jnp.sum(0.5 * (jnp.square(spread) + jnp.square(shift) - 1.0) - jnp.log(spread), axis=-1)
    return total


def compare_models(
    algorithm: Algorithm,
    state: TrainState,
    observation: Float[Array, "batch agent observation"],
    exploration: Float[Array, " agent"],
    availability: Availability | None = None,
) -> dict[str, jax.Array]:
    """How near every model is to the policy that it is of: means over observations at which the other is there, each [learner, other].

    inference_kl: KL(true || model) in nats, the true policy with the noise that it explores with. inference_accuracy: share of heads at
    which both find the same choice most likely. inference_error: root mean square difference of box means, in halves of the range (or
    before the squashing). An ensemble's policy is the mixture of its members; its boxes count as one Gaussian of that mean and variance.
    Where an agent has no such column, where it is never there, and where it is played by script or at random, the entry is NaN.
    """

    def pair(model: PyTree, other: jax.Array) -> dict[str, jax.Array]:
        layout, seen, allowed, weight = _pair(algorithm, observation, other, availability)
        true = _true_belief(algorithm, layout, jax.tree.map(lambda leaf: leaf[other], state.actor), seen, exploration[other], allowed)
        believed = model_belief(layout, actions.forbid(algorithm.model.apply(model, seen), allowed))
        agree = actions.choices(layout, true.probability) * actions.choices(layout, believed.probability)
        square = jnp.where(layout.box[None], jnp.square(true.mean - believed.mean), 0.0)
        known = jnp.asarray(algorithm.players.who("learning", "frozen"))[other]
        if weight is not None:
            known = known & (jnp.sum(weight) > 0)
        numbers = {
            "inference_kl": weighted_mean(divergence(layout, true, believed), weight),
            "inference_accuracy": weighted_mean(jnp.sum(agree, axis=1), weight) / (jnp.max(layout.head) + 1),
            "inference_error": jnp.sqrt(weighted_mean(jnp.sum(square, axis=1), weight) / jnp.sum(layout.box)),
        }
        return {name: jnp.where(known, number, jnp.nan) for name, number in numbers.items()}

    compared: dict[str, jax.Array] = jax.vmap(jax.vmap(pair))(state.model, jnp.asarray(algorithm.others))
    return compared


def learn_models(
    algorithm: Algorithm, hyper: Hyper, others: Int[Array, " other"], mine: TrainState, latest: Transition
) -> tuple[TrainState, Float[Array, ""]]:
    """One gradient step of one learner's models on the latest transitions: its state, and the loss (eq. 7), mean over the others."""

    def one(model: PyTree, optimiser: PyTree, other: jax.Array) -> tuple[PyTree, PyTree, jax.Array]:
        layout, seen, allowed, weight = _pair(algorithm, latest.observation, other, latest.availability)
        action = of_agent(latest.action, other)

        def loss_of_model(model: PyTree) -> jax.Array:
            output = actions.forbid(algorithm.model.apply(model, seen), allowed)
            return inference_loss(layout, output, action, hyper.inference_entropy, weight)

        loss, gradient = jax.value_and_grad(loss_of_model)(model)
        return (*step(algorithm.optimiser, hyper.inference_rate, gradient, optimiser, model), loss)

    model, optimiser, losses = jax.vmap(one)(mine.model, mine.model_optimiser, others)
    return replace(mine, model=model, model_optimiser=optimiser), jnp.mean(losses)


def inferred_actions(
    algorithm: Algorithm,
    models: PyTree,
    others: Int[Array, " other"],
    observation: Float[Array, "batch agent observation"],
    key: Key[Array, ""],
    draw: Draw = "sample",
    availability: Availability | None = None,
) -> Float[Array, "batch other action"]:
    """What one learner's models, [other, ...], say that the others do: drawn as `draw` says, or a deterministic policy's point."""

    def one(model: PyTree, other: jax.Array) -> jax.Array:
        layout, seen, allowed, _ = _pair(algorithm, observation, other, availability)
        key_of_other = jax.random.fold_in(key, other)
        return draw_action(layout, algorithm.model.apply(model, seen), key_of_other, None, draw, allowed)

    acted: jax.Array = jax.vmap(one, out_axes=1)(models, others)
    return acted


def _pair(
    algorithm: Algorithm, observation: jax.Array, other: jax.Array, availability: Availability | None
) -> tuple[ActionLayout, jax.Array, jax.Array | None, jax.Array | None]:
    """The other's layout, what it sees, [batch, observation], what it may choose, and the weights of rows in which it is there."""
    layout: ActionLayout = jax.tree.map(lambda leaf: leaf[other], algorithm.layout)
    allowed, weight = masks(availability), presence(availability)
    return layout, of_agent(observation, other), of_agent(allowed, other), of_agent(weight, other)


def _log_density(layout: ActionLayout, believed: Belief, value: jax.Array) -> jax.Array:
    """Of each box column, its action given in halves of the range from its middle."""
    std = jnp.where(layout.box[None], believed.std, 1.0)
    if layout.stochastic:
        # Before the squashing; the squashing's own factor does not depend on the model.
        value = jnp.arctanh(jnp.clip(value, -1 + EDGE, 1 - EDGE))
        return jax.scipy.stats.norm.logpdf(value, believed.mean, std)
    inside = jax.scipy.stats.norm.logpdf(value, believed.mean, std)
    below = jax.scipy.stats.norm.logcdf((-1 - believed.mean) / std)
    above = jax.scipy.stats.norm.logcdf((believed.mean - 1) / std)
    return jnp.where(value <= -1 + EDGE, below, jnp.where(value >= 1 - EDGE, above, inside))


def _true_belief(
    algorithm: Algorithm,
    layout: ActionLayout,
    members: PyTree,
    observation: jax.Array,
    exploration: jax.Array,
    allowed: jax.Array | None,
) -> Belief:
    """The distribution that an agent really acts with; of an ensemble, the mixture, whose boxes are matched by their first two moments."""
    outputs = actions.forbid(member_outputs(algorithm.actor, members, observation), allowed)
    width = layout.valid.shape[-1]
    if layout.boxes and layout.stochastic:
        log_std = jnp.clip(outputs[..., width:], *actions.LOG_STD_RANGE)
    else:
        log_std = jnp.broadcast_to(jnp.log(jnp.maximum(exploration, jnp.exp(MODEL_LOG_STD_RANGE[0]))), outputs[..., :width].shape)
    each = belief(layout, outputs, log_std)
    mean = jnp.mean(each.mean, axis=0)
    variance = jnp.mean(jnp.square(each.std) + jnp.square(each.mean - mean[None]), axis=0)
    return Belief(jnp.mean(each.probability, axis=0), mean, jnp.sqrt(variance))
