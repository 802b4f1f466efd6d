"""What each agent's critic sees: a mask over agents, turned into columns of the joint observation, state and action."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from maddpg.config import AlgorithmConfig
from maddpg.types import EnvSpec


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CriticView:
    """The columns of the joint input that a critic sees. Arrays are [agent, input]; inside `vmap`, [input].

    The joint input is [every agent's padded observation | the state | every agent's padded action]; padding is never seen. A critic that
    sees little really is small: the table is as wide as the widest view, not as the joint input.
    """

    columns: jax.Array  # int, into the joint input
    valid: jax.Array  # bool: not padding of this table
    shared: tuple[int, ...] | None = field(metadata={"static": True})
    """The columns, where all critics see the same: then one input array serves them all."""


def view_mask(config: AlgorithmConfig, spec: EnvSpec) -> np.ndarray:
    """[agent, agent] bool: whether the row's critic sees the column's observation and action. All ones is MADDPG, the identity DDPG."""
    if config.critic_view == "all":
        return np.ones((spec.agent_count, spec.agent_count), bool)
    if config.critic_view == "own":
        return np.eye(spec.agent_count, dtype=bool)
    teams = np.array([agent.team for agent in spec.agents])
    return teams[:, None] == teams[None, :]


def critic_view(config: AlgorithmConfig, spec: EnvSpec) -> CriticView:
    """The tables for `config.critic_view` and `config.critic_input`."""
    mask = view_mask(config, spec)
    observation = spec.observation_valid & (config.critic_input != "state")
    state = np.ones(0 if config.critic_input == "observations" else spec.state_size, bool)
    rows = [
        np.flatnonzero(np.concatenate([(observation & seen[:, None]).ravel(), state, (spec.action_valid & seen[:, None]).ravel()])) for seen in mask
    ]
    width = max(len(row) for row in rows)
    return CriticView(
        columns=jnp.asarray(np.stack([np.pad(row, (0, width - len(row))) for row in rows])),
        valid=jnp.asarray(np.arange(width) < np.array([[len(row)] for row in rows])),
        shared=tuple(rows[0].tolist()) if mask.all() else None,
    )


def critic_input(
    view: CriticView,
    observation: Float[Array, "batch agent observation"],
    state: Float[Array, "batch state"] | None,
    action: Float[Array, "batch agent action"],
) -> Float[Array, "batch input"]:
    """What one agent's critic sees of a batch. Inside `vmap` over a shared view this is computed once for all agents."""
    batch = observation.shape[0]
    blocks = [observation.reshape(batch, -1), action.reshape(batch, -1)]
    joint = jnp.concatenate(blocks if state is None else [blocks[0], state, blocks[1]], axis=1)
    if view.shared is not None:
        return joint if view.shared == tuple(range(joint.shape[1])) else joint[:, np.array(view.shared)]
    return jnp.where(jnp.broadcast_to(view.valid, (batch, *view.valid.shape)), joint[:, view.columns], 0.0)
