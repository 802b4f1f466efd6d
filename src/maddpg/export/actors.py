"""One agent's actor out of all: without padding, as arrays of a perceptron and as a function of JAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm import actions
from maddpg.algorithm.ensembles import member, member_outputs, size
from maddpg.algorithm.state import Algorithm
from maddpg.names import brief
from maddpg.policy.heads import Head
from maddpg.policy.network import Layer, perceptron
from maddpg.types import Box, Categorical, PyTree, Simplex

TRIED = 256
"""Observations on which what is written must say, and do, what the original does."""
TIE = 1e-3
"""Options of a choice whose probabilities are nearer than this may change places by rounding."""


@dataclass(frozen=True)
class Actor:
    """One agent's, with the networks that act by their mean."""

    algorithm: Algorithm
    index: int  # on the agent axis
    parameters: PyTree  # [member, ...]

    @property
    def members(self) -> int:
        """How many networks act."""
        return size(self.parameters)

    @property
    def layout(self) -> actions.ActionLayout:
        """The agent's row of the layout."""
        return jax.tree.map(lambda leaf: leaf[self.index], self.algorithm.layout)

    @property
    def kept(self) -> np.ndarray:
        """[output] int: the columns of the network's output that are not padding."""
        return np.flatnonzero(actions.output_valid(self.layout))

    @property
    def output_width(self) -> int:
        """Columns of the network's output, padding included."""
        return actions.output_valid(self.layout).size


def find_heads(algorithm: Algorithm, index: int) -> tuple[Head, ...]:
    """How an agent's actions come from its network's output.

    Raises:
        ValueError: a space that exports know no head for.
    """
    agent = algorithm.spec.agents[index]

    def head(space: object) -> Head:
        if isinstance(space, Box):
            return Head(
                "gaussian" if algorithm.layout.stochastic else "point",
                space.size,
                tuple(map(float, space.low)),
                tuple(map(float, space.high)),
            )
        if isinstance(space, Categorical):
            return Head("categorical", space.size)
        if isinstance(space, Simplex):
            return Head("simplex", space.size, temperature=float(algorithm.layout.temperature))
        raise ValueError(f"{agent.name} acts in {brief(space)}, which exports know no head for; docs/changing.md says how to add one")

    return tuple(head(space) for space in agent.action)


def find_layers(actor: Actor, tried: np.ndarray, outputs: np.ndarray) -> list[Layer] | None:
    """The layers of our perceptron without padded rows and columns, in views of the whole; None for another network.

    One of somebody's own may have parameters like ours and compute something else: that shows in `outputs` [member, batch, output], what
    the actor says to the observations `tried` [batch, size].
    """
    spec, layers = actor.algorithm.spec, actor.parameters
    if not isinstance(layers, list) or not all(isinstance(layer, dict) and layer.keys() == {"weight", "bias"} for layer in layers):
        return None
    found = [(np.asarray(layer["weight"]), np.asarray(layer["bias"])[:, None]) for layer in layers]
    widths = [spec.observation_width, *(weight.shape[-1] for weight, _ in found)]
    shapes = [((actor.members, rows, columns), (actor.members, 1, columns)) for rows, columns in pairwise(widths)]
    if not found or [(weight.shape, bias.shape) for weight, bias in found] != shapes or widths[-1] != actor.output_width:
        return None
    found[0] = (found[0][0][:, : spec.agents[actor.index].observation_size], found[0][1])
    found[-1] = (found[-1][0][..., actor.kept], found[-1][1][..., actor.kept])
    if actor.members == 1:
        found = [(weight[0], bias[0, 0]) for weight, bias in found]
    return found if agree(perceptron(actor.members, found)(tried), outputs) else None


def try_out(actor: Actor) -> tuple[np.ndarray, np.ndarray]:
    """Random observations [batch, size], and what the actor says to them, [member, batch, output]."""
    spec = actor.algorithm.spec
    tried = np.random.default_rng(0).normal(size=(TRIED, spec.agents[actor.index].observation_size)).astype(np.float32)
    padded = _widen(jnp.asarray(tried), spec.observation_width, 0.0)
    outputs = [actor.algorithm.actor.apply(member(actor.parameters, number), padded) for number in range(actor.members)]
    return tried, np.stack(outputs)[..., actor.kept]


def agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two outputs are the same but for rounding, which differs between libraries and devices."""
    return np.allclose(one, other, rtol=1e-3, atol=1e-3 * (1 + np.abs(other).max()))


def act_alike(actor: Actor, outputs: np.ndarray, columns: np.ndarray, others: np.ndarray) -> bool:
    """Whether two sets of greedy actions, [batch, action] each, are the same but for rounding.

    Rounding may turn a choice whose best two options are as likely as each other, by the actor's `outputs` [member, batch, output]: the
    columns of such a choice are not looked at.
    """
    layout, width = actor.layout, columns.shape[1]
    logits = np.pad(outputs[..., :width], ((0, 0), (0, 0), (0, layout.valid.size - width)))
    soft = np.mean(actions.probabilities(layout, jnp.asarray(logits)), axis=0)[:, :width]
    head, one_hot, tied = np.asarray(layout.head)[:width], np.asarray(layout.one_hot)[:width], np.zeros(columns.shape, bool)
    for number in range(layout.heads):
        mine = (head == number) & one_hot
        if mine.sum() > 1:
            second, first = np.sort(soft[:, mine], axis=1)[:, -2:].T
            tied[:, mine] = (first - second < TIE)[:, None]
    return agree(np.where(tied, 0, columns), np.where(tied, 0, others))


def make_function(actor: Actor, masked: bool) -> Callable[..., dict[str, jax.Array]]:
    """What the actor does, for `jax.jit`: observations [batch, size], and what is allowed [batch, action] if `masked`, to two arrays.

    `columns` [batch, action] is the greedy action, `output` [batch, output] what the network says ([member, batch, output] of several).
    """
    algorithm, spec = actor.algorithm, actor.algorithm.spec
    agent = spec.agents[actor.index]
    layout, kept = actor.layout, actor.kept

    def act(observation: jax.Array, allowed: jax.Array | None = None) -> dict[str, jax.Array]:
        outputs = member_outputs(algorithm.actor, actor.parameters, _widen(observation, spec.observation_width, 0.0))
        if allowed is not None:
            allowed = _widen(allowed, spec.action_width, True)
        columns = actions.greedy_mean(layout, actions.forbid(outputs, allowed))[:, : agent.action_size]
        output = outputs[..., kept]
        return {"columns": columns, "output": output[0] if actor.members == 1 else output}

    if masked:
        return act
    return lambda observation: act(observation)


def _widen(values: jax.Array, width: int, padding: float | bool) -> jax.Array:
    """[batch, width] with padding after the true columns."""
    return jnp.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=padding)
