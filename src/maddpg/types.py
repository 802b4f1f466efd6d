"""The few types that every part shares: spaces, specifications, time steps and transitions.

Every array that belongs to agents has an agent axis. Sizes that differ between agents are padded to the widest with zeros;
the true sizes stand in `EnvSpec`. Shapes in docstrings leave out leading axes (environments, batch, seeds): those come from `vmap`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import jax
import numpy as np

AnyArray = jax.Array | np.ndarray  # on the device or the host


@dataclass(frozen=True)
class Categorical:
    """One choice among `size`. The environment is given a one-hot vector of that many columns."""

    size: int


@dataclass(frozen=True)
class Simplex:
    """A point of the probability simplex: `size` columns that are not negative and sum to one."""

    size: int


@dataclass(frozen=True)
class Box:
    """A bounded real vector: column c lies in [low[c], high[c]]."""

    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of columns."""
        return len(self.low)


Space = Categorical | Simplex | Box


@dataclass(frozen=True)
class AgentSpec:
    """What one agent sees and does.

    `action` is a product of spaces, laid side by side in one vector: (Categorical(5), Categorical(10)) is a move and a message
    in 15 columns. The last `message_size` columns are what it says to others.
    """

    name: str
    team: str
    observation_size: int
    action: tuple[Space, ...]
    message_size: int = 0

    @property
    def action_size(self) -> int:
        """Number of true columns of this agent's action vector."""
        return sum(space.size for space in self.action)


@dataclass(frozen=True)
class EnvSpec:
    """What an environment is, without its dynamics. Hashable, so that it can be a static argument of a compiled function."""

    name: str
    agents: tuple[AgentSpec, ...]
    state_size: int
    episode_length: int
    mortal: bool = False
    """Whether agents may be absent for a part of an episode: dead, or not there yet."""
    masked: bool = False
    """Whether some choices may be forbidden for a while."""

    @property
    def agent_count(self) -> int:
        """Number of agents."""
        return len(self.agents)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Agents' names, in the order of the agent axis."""
        return tuple(agent.name for agent in self.agents)

    @cached_property
    def teams(self) -> tuple[str, ...]:
        """Names of the teams, in order of first appearance."""
        return tuple(dict.fromkeys(agent.team for agent in self.agents))

    @cached_property
    def observation_width(self) -> int:
        """Columns of a padded observation."""
        return max(agent.observation_size for agent in self.agents)

    @cached_property
    def action_width(self) -> int:
        """Columns of a padded action."""
        return max(agent.action_size for agent in self.agents)

    @cached_property
    def message_columns(self) -> np.ndarray:
        """[agent, action] bool: the columns that are messages."""
        sizes = np.array([[agent.action_size, agent.message_size] for agent in self.agents])
        columns = np.arange(self.action_width)
        return (columns >= (sizes[:, 0] - sizes[:, 1])[:, None]) & (columns < sizes[:, :1])

    @cached_property
    def observation_valid(self) -> np.ndarray:
        """[agent, observation] bool: true columns, not padding."""
        sizes = np.array([agent.observation_size for agent in self.agents])
        return np.arange(self.observation_width) < sizes[:, None]

    @cached_property
    def action_valid(self) -> np.ndarray:
        """[agent, action] bool: true columns, not padding."""
        sizes = np.array([agent.action_size for agent in self.agents])
        return np.arange(self.action_width) < sizes[:, None]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Availability:
    """Who is there to act, and what they may choose. A field is None where the environment has no such thing.

    An absent agent, dead or not there yet, sees zeros, does zeros and earns nothing; its columns in a critic's input are zeros.
    """

    alive: jax.Array | None = None  # [agent] bool: there to act
    action_mask: jax.Array | None = None  # [agent, action] bool: allowed; true in columns that are no choice, and in padding


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TimeStep:
    """What one step of an environment produced.

    `next_observation` is what the step led to, and what a value estimate may look at; `observation` is what to act on next. They
    differ only where an episode ended and a new one began. `terminated` is an end of the world (no value beyond it);
    `truncated` is a time limit (the value goes on). There is no `done`.
    """

    observation: jax.Array  # [agent, observation]
    next_observation: jax.Array  # [agent, observation]
    state: jax.Array  # [state], of `observation`
    next_state: jax.Array  # [state], of `next_observation`
    reward: jax.Array  # [agent]
    terminated: jax.Array  # [agent] bool
    truncated: jax.Array  # [agent] bool


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Transition:
    """One step as the replay keeps it (Lowe et al. 2017, section 4.1), with `discount` = 1 - terminated in [0, 1].

    `state` and `next_state` are None unless the critic looks at the environment's state; `next_action` is None unless a team plays by
    script, `sub_policy` unless policies are ensembles, the availabilities unless agents may be absent or choices forbidden. In
    `next_availability` an agent is alive beyond a time limit, where its value goes on.
    """

    observation: jax.Array  # [agent, observation]
    action: jax.Array  # [agent, action]
    reward: jax.Array  # [agent]
    discount: jax.Array  # [agent]
    next_observation: jax.Array  # [agent, observation]
    state: jax.Array | None = None  # [state]
    next_state: jax.Array | None = None  # [state]
    next_action: jax.Array | None = None  # [agent, action], what scripted play does at the true next state
    sub_policy: jax.Array | None = None  # [agent], the index of the sub-policy that acted
    availability: Availability | None = None  # at `observation`
    next_availability: Availability | None = None  # at `next_observation`


ActionMode = Literal["box", "simplex", "discrete"]  # of a particle world
Dynamics = Literal["mpe2", "openai"]  # of a particle world: positions move with the old velocity, or with the new one
Rewards = Literal["mpe2", "openai"]  # of a particle world: those of the mpe2 package, or of the paper's released environments
Aggregate = Literal["sum", "mean", "last"]  # how a measure of steps becomes one of an episode
PyTree = Any  # a tree whose structure the holder does not look into
