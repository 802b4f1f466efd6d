"""A JaxMARL environment under our contract: the true last observation, and time limits apart from ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from maddpg.environments.contract import Environment
from maddpg.environments.jaxmarl.families import NEVER, Family, family_of
from maddpg.environments.jaxmarl.names import PREFIX, construct, leniently
from maddpg.environments.jaxmarl.spaces import ActionCodec, ObservationCodec, describe_action, describe_observation
from maddpg.environments.teams import team_of
from maddpg.names import brief
from maddpg.types import AgentSpec, Availability, Categorical, EnvSpec, PyTree, TimeStep


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class JaxMarlState:
    """JaxMARL's own state, which holds no random key, who has been terminated in this episode, and the time."""

    inner: PyTree
    dead: jax.Array  # [agent] bool
    clock: jax.Array  # steps since the reset


def make(name: str, /, **arguments: Any) -> Environment:
    """A JaxMARL environment by its registered name, with or without `jaxmarl:` before it, and the arguments of its class.

    Raises as `construct` and `from_jaxmarl` do.
    """
    plain = name.removeprefix(PREFIX)
    return from_jaxmarl(construct(plain, arguments), f"{PREFIX}{plain}")


def from_jaxmarl(raw: Any, name: str) -> Environment:
    """The environment that one of JaxMARL's is, its own or yours.

    Episodes last `max_steps` steps, and not one more as in some of JaxMARL's. At the last one all who still play are truncated,
    unless the game ends with it. Who is done sooner is terminated, and stays so: from the next step on it sees zeros, does nothing
    and earns nothing, although SMAX goes on paying its dead. The global state is JaxMARL's `world_state`, empty where it has none.

    Raises:
        ValueError: an environment that does not keep JaxMARL's interface, a space that is not supported, or a length that is no number of
            steps.
    """
    adapter = leniently(examine)(raw, name)
    return Environment(
        spec=adapter.spec,
        reset=leniently(adapter.reset),
        step=leniently(adapter.step),
        global_state=leniently(adapter.global_state),
        metrics=lambda state: adapter.family.metrics(adapter.game, state.inner),
        aggregates=adapter.family.aggregates,
        scripted=None,
        still=adapter.still,
        availability=leniently(adapter.availability),
    )


@dataclass(frozen=True)
class Adapter:
    """What is known of an environment before it is played, and the functions of the contract by it."""

    game: Any  # JaxMARL's environment, without its own time limit where that can be had
    family: Family
    spec: EnvSpec
    hands: tuple[ActionCodec, ...]
    eyes: tuple[ObservationCodec, ...]
    lasting: PyTree  # shapes of JaxMARL's state after a step

    @property
    def still(self) -> Float[Array, "agent action"]:
        """Nobody does anything."""
        return _rows([jnp.asarray(hand.still) for hand in self.hands], self.spec.action_width)

    def reset(self, key: Key[Array, ""]) -> tuple[JaxMarlState, Float[Array, "agent observation"]]:
        """As in the contract."""
        observations, inner = self.game.reset(key)
        return JaxMarlState(self.settle(inner), jnp.zeros(self.spec.agent_count, bool), jnp.int32(0)), self.observe(observations)

    def step(self, key: Key[Array, ""], state: JaxMarlState, action: Float[Array, "agent action"]) -> tuple[JaxMarlState, TimeStep]:
        """As in the contract; by `step_env`, since JaxMARL's `step` resets and forgets what it led to."""
        rows = jnp.where(state.dead[:, None], self.still, action)
        actions = {agent: hand.decode(row) for agent, hand, row in zip(self.spec.names, self.hands, rows, strict=True)}
        observations, inner, rewards, dones, _ = self.game.step_env(key, state.inner, actions)
        clock = state.clock + 1
        over = clock >= self.spec.episode_length
        done = jnp.stack([dones[agent] | dones["__all__"] for agent in self.spec.names])
        terminated = state.dead | (done if self.family.dones == "game" else done & ~over)
        seen = jnp.where(state.dead[:, None], 0, self.observe(observations))
        reward = jnp.stack([jnp.asarray(rewards[agent], jnp.float32) for agent in self.spec.names])
        state_after = JaxMarlState(self.settle(inner), terminated, clock)
        vector = self.global_state(state_after)
        return state_after, TimeStep(
            observation=jnp.where(terminated[:, None], 0, seen),
            next_observation=seen,
            state=vector,
            next_state=vector,
            reward=jnp.where(state.dead, 0, reward),
            terminated=terminated,
            truncated=over & ~terminated,
        )

    def observe(self, observations: dict[str, Any]) -> Float[Array, "agent observation"]:
        """JaxMARL's observations as padded rows."""
        rows = [eye.encode(observations[agent]) for agent, eye in zip(self.spec.names, self.eyes, strict=True)]
        return _rows(rows, self.spec.observation_width)

    def settle(self, inner: PyTree) -> PyTree:
        """JaxMARL's state in the types that a step gives it; some resets give others, which no loop can carry."""
        return jax.tree.map(lambda leaf, like: jnp.asarray(leaf, like.dtype), inner, self.lasting)

    def global_state(self, state: JaxMarlState) -> Float[Array, " state"]:
        """As in the contract."""
        return world_state(self.game, self.family, state.inner)

    def availability(self, state: JaxMarlState) -> Availability:
        """As in the contract."""
        alive = ~state.dead if self.spec.mortal else None
        if not self.spec.masked:
            return Availability(alive)
        allowed = getattr(self.game, str(self.family.masks))(state.inner)
        return Availability(alive, jnp.stack([_allowed(allowed[agent], self.spec.action_width) for agent in self.spec.names]))


def examine(raw: Any, name: str) -> Adapter:
    """Sizes, spaces and types of an environment, found by tracing one reset and one step of it. Raises as `from_jaxmarl` does."""
    family = family_of(raw)
    length = _require_length(family.length(raw), name)
    agents, game = list(raw.agents), family.untimed(raw)
    first, inner = jax.eval_shape(game.reset, jax.random.key(0))
    if not isinstance(first, dict) or not first.keys() >= {*agents}:
        raise ValueError(f"{name} gives no observations by agents' names ({agents}), as JaxMARL's environments should; it cannot be used")
    eyes = [describe_observation(game.observation_space(agent), first[agent], agent) for agent in agents]
    hands = [describe_action(game.action_space(agent), agent, family.still(raw)) for agent in agents]
    actions = {agent: hand.decode(jnp.asarray(hand.still)) for agent, hand in zip(agents, hands, strict=True)}
    spec = EnvSpec(
        name,
        tuple(AgentSpec(agent, team_of(agent), eye.size, (hand.space,)) for agent, eye, hand in zip(agents, eyes, hands, strict=True)),
        state_size=jax.eval_shape(partial(world_state, game, family), inner).size,
        episode_length=length,
        mortal=family.mortal(raw),
        masked=family.masks is not None and all(isinstance(hand.space, Categorical) for hand in hands),
    )
    lasting = jax.eval_shape(game.step_env, jax.random.key(0), inner, actions)[1]
    return Adapter(game, family, spec, tuple(hands), tuple(eyes), lasting)


def _require_length(length: Any, name: str) -> int:
    """The length of an episode, if it is one; JaxMARL itself would count up to a word, or never end."""
    if isinstance(length, bool) or not isinstance(length, int | np.integer) or not 1 <= length <= NEVER:
        raise ValueError(f"{name} has episodes of {brief(length)} steps: give it a whole number of steps from 1 to {NEVER:_}")
    return int(length)


def world_state(game: Any, family: Family, inner: PyTree) -> Float[Array, " state"]:
    """What JaxMARL tells of its state in a flat vector, empty if nothing."""
    return jnp.zeros(0) if family.world_state is None else getattr(game, family.world_state)(inner).astype(jnp.float32)


def _rows(vectors: list[jax.Array], width: int) -> Float[Array, "agent column"]:
    """Vectors on an agent axis, padded with zeros."""
    return jnp.stack([jnp.pad(vector, (0, width - vector.size)) for vector in vectors])


def _allowed(choices: jax.Array, width: int) -> Bool[Array, " column"]:
    """One agent's mask. Where a game that is over allows nothing, all is: a softmax over nothing is not a number."""
    allowed = choices.astype(bool)
    return jnp.pad(allowed | ~jnp.any(allowed), (0, width - allowed.size), constant_values=True)
