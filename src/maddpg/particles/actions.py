"""What agents may do: three action modes, and one reading of an action vector for all of them.

An agent that moves has five columns [stay, left, right, down, up]; one that speaks has a column for each entry of its message, after
the five. The mode says whether those columns are free (`box`), soft choices (`simplex`) or hard ones (`discrete`); the world reads
them alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from maddpg.particles.world import AgentBody, Bodies
from maddpg.types import ActionMode, Box, Categorical, Simplex, Space

ACTION_MODES: tuple[ActionMode, ...] = get_args(ActionMode)
MOVES = 5


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Intention:
    """What a scripted player wants, in no action mode yet."""

    push: jax.Array  # [agent, 2], in shares of the agent's acceleration; may exceed what an action can do
    message: jax.Array  # [agent, message], a point of the simplex; read only where the agent speaks


def heads(bodies: Bodies, agent: AgentBody) -> tuple[int, ...]:
    """Sizes of an agent's choices: a move, a message, or both in that order."""
    return (MOVES,) * agent.moves + (bodies.message_size,) * agent.speaks


def action_space(bodies: Bodies, agent: AgentBody, mode: ActionMode) -> tuple[Space, ...]:
    """The spaces of one agent. In `box` mode they are one box over all columns, as in mpe2's continuous actions."""
    sizes = heads(bodies, agent)
    if mode == "box":
        return (Box((0.0,) * sum(sizes), (1.0,) * sum(sizes)),)
    return tuple(Simplex(size) if mode == "simplex" else Categorical(size) for size in sizes)


def action_width(bodies: Bodies) -> int:
    """Columns of the widest agent's action."""
    return max(sum(heads(bodies, agent)) for agent in bodies.agents)


def decode(bodies: Bodies, action: Float[Array, "agent action"]) -> tuple[Float[Array, "agent 2"], Float[Array, "agent message"]]:
    """Read push and message from an action of any mode; values are clipped to [0, 1]."""
    action = jnp.clip(action, 0, 1)
    if bodies.moves.any():
        push = jnp.stack([action[:, 2] - action[:, 1], action[:, 4] - action[:, 3]], axis=1)
        push = push if bodies.moves.all() else jnp.where(bodies.moves[:, None], push, 0)
    else:
        push = jnp.zeros((len(bodies.agents), 2), action.dtype)
    if not any(agent.speaks for agent in bodies.agents):
        return push, jnp.zeros((len(bodies.agents), bodies.message_size), action.dtype)
    silence = jnp.zeros(bodies.message_size, action.dtype)
    first = [MOVES * body.moves for body in bodies.agents]
    spoken = [
        action[index, first[index] : first[index] + bodies.message_size] if body.speaks else silence
        for index, body in enumerate(bodies.agents)
    ]
    return push, jnp.stack(spoken)


def encode(bodies: Bodies, mode: ActionMode, intention: Intention) -> Float[Array, "agent action"]:
    """The action of one mode whose push is nearest to the intended one.

    A box allows |x| <= 1 and |y| <= 1; a soft choice spreads one unit over the moves, so |x| + |y| <= 1; a hard one is a full push
    along one axis, or none.
    """
    x, y = (nearest_push(mode, intention.push)[:, axis] for axis in range(2))
    stay = jnp.zeros_like(x) if mode == "box" else 1 - jnp.abs(x) - jnp.abs(y)
    move = jnp.maximum(jnp.stack([stay, -x, x, -y, y], axis=1), 0)
    return _lay_out(bodies, move, intention.message)


def nearest_push(mode: ActionMode, push: Float[Array, "agent 2"]) -> Float[Array, "agent 2"]:
    """The push that a mode allows with the least Euclidean distance from the one given."""
    if mode == "box":
        return jnp.clip(push, -1, 1)
    size = jnp.abs(push)
    first_is_longer = size[:, 0] >= size[:, 1]
    longer, shorter = jnp.max(size, axis=1), jnp.min(size, axis=1)
    if mode == "discrete":
        longer, shorter = (longer > 0.5).astype(push.dtype), jnp.zeros_like(shorter)
    else:
        # The projection onto |x| + |y| <= 1: take half the excess from each, but no more than there is.
        shorter = jnp.maximum(shorter - jnp.maximum(longer + shorter - 1, 0) / 2, 0)
        longer = jnp.minimum(longer, 1 - shorter)
    along = jnp.stack([jnp.where(first_is_longer, longer, shorter), jnp.where(first_is_longer, shorter, longer)], axis=1)
    return jnp.sign(push) * along


def still_action(bodies: Bodies, mode: ActionMode) -> Float[Array, "agent action"]:
    """The action of doing nothing: no push, and silence, or the first message where a choice must be made."""
    action = np.zeros((len(bodies.agents), action_width(bodies)))
    if mode != "box":
        for row, agent in zip(action, bodies.agents, strict=True):
            sizes = heads(bodies, agent)
            row[[sum(sizes[:head]) for head in range(len(sizes))]] = 1
    return jnp.asarray(action, float)


def _lay_out(bodies: Bodies, move: Float[Array, "agent 5"], message: Float[Array, "agent message"]) -> Float[Array, "agent action"]:
    """Place each agent's columns side by side, and pad with zeros to the widest."""
    width = action_width(bodies)

    def row(index: int, body: AgentBody) -> Float[Array, " action"]:
        parts = [move[index]] * body.moves + [message[index]] * body.speaks
        columns = jnp.concatenate(parts)
        return jnp.pad(columns, (0, width - columns.size))

    return jnp.stack([row(index, body) for index, body in enumerate(bodies.agents)])
