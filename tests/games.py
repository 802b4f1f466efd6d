"""Probe games: environments so small that the right values and actions are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from maddpg.environments.contract import Environment
from maddpg.types import AgentSpec, Box, EnvSpec, Space, TimeStep

Reward = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]
"""(clock, coin [agent], action [agent, action]) -> reward [agent]."""

UNIT = Box((-1.0,), (1.0,))


def probe(
    reward: Reward,
    *,
    spaces: Sequence[Space] = (UNIT, UNIT),
    teams: str = "",
    length: int = 1,
    terminates: bool | Sequence[bool] = True,
) -> Environment:
    """A game with one agent for each space, on the team that its letter in `teams` names.

    Each sees its own fair coin, -1 or +1, drawn anew at each reset. After `length` steps the episode is over, terminated
    for the agents that `terminates` says and truncated for the others. The state is the coins and the clock.
    """
    count = len(spaces)
    players = zip(teams or "a" * count, spaces, strict=True)
    agents = tuple(AgentSpec(f"agent_{index}", team, 1, (space,)) for index, (team, space) in enumerate(players))
    spec = EnvSpec("probe", agents, count + 1, length)
    terminating = jnp.broadcast_to(jnp.array(terminates), (count,))

    def reset(key):
        coins = jax.random.rademacher(key, (count, 1), jnp.float32)
        return {"coins": coins, "clock": jnp.int32(0)}, coins

    def global_state(state):
        return jnp.concatenate([state["coins"].ravel(), state["clock"][None].astype(jnp.float32)])

    def step(key, state, action):
        del key
        stepped = {"coins": state["coins"], "clock": state["clock"] + 1}
        over = stepped["clock"] >= length
        vector = global_state(stepped)
        return stepped, TimeStep(
            observation=state["coins"],
            next_observation=state["coins"],
            state=vector,
            next_state=vector,
            reward=reward(state["clock"], state["coins"][:, 0], action),
            terminated=over & terminating,
            truncated=over & ~terminating,
        )

    still = jnp.zeros((count, spec.action_width))
    return Environment(spec, reset, step, global_state, lambda state: {}, {}, lambda key, state: still, still)
