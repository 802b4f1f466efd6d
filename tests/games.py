"""Probe games: environments so small that the right values and actions are known."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from maddpg.environments.contract import Environment, auto_reset
from maddpg.types import AgentSpec, Box, EnvSpec, Space, TimeStep

Reward = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]
"""(clock, observation [agent, 1], action [agent, action]) -> reward [agent]."""


def probe(reward: Reward, *, agents: int = 2, length: int = 1, terminates: bool = True, space: Space = Box((-1.0,), (1.0,))) -> Environment:
    """Each agent sees its own fair coin, -1 or +1, drawn anew at each reset; after `length` steps the episode is over."""
    names = [AgentSpec(f"agent_{index}", "agents", 1, (space,)) for index in range(agents)]
    spec = EnvSpec("probe", tuple(names), agents + 1, length)

    def reset(key):
        coins = jax.random.rademacher(key, (agents, 1), jnp.float32)
        return {"coins": coins, "clock": jnp.int32(0)}, coins

    def global_state(state):
        return jnp.concatenate([state["coins"].ravel(), state["clock"][None].astype(jnp.float32)])

    def step(key, state, action):
        del key
        stepped = {"coins": state["coins"], "clock": state["clock"] + 1}
        over = jnp.broadcast_to(stepped["clock"] >= length, (agents,))
        never = jnp.zeros(agents, bool)
        vector = global_state(stepped)
        return stepped, TimeStep(
            observation=state["coins"],
            next_observation=state["coins"],
            state=vector,
            next_state=vector,
            reward=reward(state["clock"], state["coins"], action),
            terminated=over if terminates else never,
            truncated=never if terminates else over,
        )

    still = jnp.zeros((agents, space.size))
    raw = Environment(spec, reset, step, global_state, lambda state: {}, {}, lambda key, state: still, still)
    return auto_reset(raw)
