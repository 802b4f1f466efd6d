"""What each agent's critic sees: a mask over agents, turned into columns of the joint observation, state and action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from maddpg.config import AlgorithmConfig, TeamConfig
from maddpg.names import unknown_name
from maddpg.types import AgentSpec, EnvSpec


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CriticView:
    """The columns that a critic sees, for each block of its input: all observations, the state, all actions.

    Inside `vmap` without the first axis. Where all critics see the same (`shared`) a block is the padded whole, one array for all
    critics, and padding starts at zero weight. Otherwise each gathers its own columns, so that a critic that sees little really is small.
    """

    columns: tuple[jax.Array, ...]  # [critic, column] int each, into the padded block
    valid: tuple[jax.Array, ...]  # [critic, column] bool each: not padding
    shared: bool = field(metadata={"static": True})

    @property
    def input_valid(self) -> jax.Array:
        """[critic, input] bool: the true columns of a critic's whole input."""
        return jnp.concatenate(self.valid, axis=-1)


def view_mask(config: AlgorithmConfig, spec: EnvSpec, teams: Mapping[str, TeamConfig]) -> np.ndarray:
    """[agent, agent] bool: whether the row's critic sees the column's observation and action. All ones is MADDPG, the identity DDPG.

    Raises:
        ValueError: a team's `critic_sees` names somebody who does not exist.
    """
    return np.stack([_row(agent, config, spec, teams.get(agent.team, TeamConfig())) for agent in spec.agents])


def critic_view(config: AlgorithmConfig, spec: EnvSpec, mask: np.ndarray) -> CriticView:
    """The tables of the critics whose rows of the view mask are given, [critic, agent] bool, and for `config.critic_input`."""
    blocks = [_seen(mask, spec.action_valid)]
    if config.critic_input != "observations":
        blocks.insert(0, np.ones((len(mask), spec.state_size), bool))
    if config.critic_input != "state":
        blocks.insert(0, _seen(mask, spec.observation_valid))
    shared = bool(mask.all())
    tables = [(_every_column(seen), seen) if shared else _columns(seen) for seen in blocks]
    return CriticView(tuple(jnp.asarray(columns) for columns, _ in tables), tuple(jnp.asarray(valid) for _, valid in tables), shared)


def critic_input(
    config: AlgorithmConfig,
    view: CriticView,
    observation: Float[Array, "batch agent observation"],
    state: Float[Array, "batch state"] | None,
    action: Float[Array, "batch agent action"],
) -> list[Float[Array, "batch _"]]:
    """The blocks that one agent's critic sees of a batch. Inside `vmap`, what all see is computed once for all."""
    batch = len(observation)
    blocks = [action.reshape(batch, -1)]
    if config.critic_input != "observations":
        if state is None:
            raise ValueError(f"critic_input = {config.critic_input!r}, but the transitions carry no state")
        blocks.insert(0, state)
    if config.critic_input != "state":
        blocks.insert(0, observation.reshape(batch, -1))
    if view.shared:
        return blocks
    return [
        jnp.where(jnp.broadcast_to(valid, (batch, len(valid))), block[:, columns], 0.0)
        for block, columns, valid in zip(blocks, view.columns, view.valid, strict=True)
    ]


def _row(agent: AgentSpec, config: AlgorithmConfig, spec: EnvSpec, team: TeamConfig) -> np.ndarray:
    """[agent] bool: whom one agent's critic sees."""
    if team.critic_sees is not None:
        for name in team.critic_sees:
            if name not in (*spec.teams, *spec.names):
                raise ValueError(unknown_name("team or agent in critic_sees", name, [*spec.teams, *spec.names]))
        return np.array([other == agent or not {other.name, other.team}.isdisjoint(team.critic_sees) for other in spec.agents])
    view = team.critic_view or config.critic_view
    return np.array([view == "all" or other == agent or (view == "team" and other.team == agent.team) for other in spec.agents])


def _seen(mask: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """[agent, column] bool: the true columns of a block [agent, width], flattened, that each critic sees."""
    return (mask[:, :, None] & valid[None]).reshape(len(mask), -1)


def _every_column(seen: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.arange(seen.shape[1]), seen.shape)


def _columns(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The seen columns' numbers, padded to the widest view, and which of them are not padding."""
    rows = [np.flatnonzero(row) for row in seen]
    width = max(len(row) for row in rows)
    return np.stack([np.pad(row, (0, width - len(row))) for row in rows]), np.arange(width) < np.array([[len(row)] for row in rows])
