"""A game whose episodes end at different times, one agent before the other, and go on paying afterwards; and its plain loop."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.acting import act_greedily
from maddpg.algorithm.state import Algorithm, assemble, init
from maddpg.config import AlgorithmConfig
from maddpg.environments.contract import Environment
from maddpg.evaluation.players import Player
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, TimeStep

LIMIT = 6
SPEC = EnvSpec(
    "ending",
    (AgentSpec("steers", "left", 2, (Box((-1.0,), (1.0,)),)), AgentSpec("chooses", "right", 2, (Categorical(3),))),
    state_size=2,
    episode_length=LIMIT,
)


def _observe(state):
    return jnp.broadcast_to(jnp.stack([state["start"], state["clock"] / LIMIT]), (2, 2))


def _reset(key):
    state = {"start": jax.random.uniform(key), "clock": jnp.int32(0)}
    return state, _observe(state)


def _step(key, state, action):
    del key
    state = {"start": state["start"], "clock": state["clock"] + 1}
    clock = state["clock"].astype(jnp.float32)
    chosen = jnp.argmax(action[1]).astype(jnp.float32)
    length = 1 + (8 * state["start"]).astype(jnp.int32)  # 1 to 8, but no more than 6 are played
    observation = _observe(state)
    return state, TimeStep(
        observation=observation,
        next_observation=observation,
        state=observation[0],
        next_state=observation[0],
        reward=jnp.stack([action[0, 0] + clock, 10 * chosen + clock * state["start"]]),
        terminated=jnp.stack([jnp.bool_(True), state["clock"] >= length]),  # the first agent is out after a step: not the end
        truncated=jnp.stack([jnp.bool_(False), state["clock"] >= LIMIT]),
    )


def _metrics(state):
    clock = state["clock"].astype(jnp.float32)
    each = jnp.stack([clock, state["start"] * clock])
    return {"start": state["start"], "sum": clock, "mean": clock, "last": clock, "sums": each, "means": each, "lasts": each}


def _scripted(key, state):
    del key
    steering = jnp.pad(-state["start"][None], (0, 2))
    return jnp.stack([steering, jax.nn.one_hot(state["clock"] % 3, 3)])


GAME = Environment(
    spec=SPEC,
    reset=_reset,
    step=_step,
    global_state=lambda state: _observe(state)[0],
    metrics=_metrics,
    aggregates={"start": "last", "sum": "sum", "mean": "mean", "last": "last", "sums": "sum", "means": "mean", "lasts": "last"},
    scripted=_scripted,
    still=jnp.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
)
ALGORITHM: Algorithm = assemble(AlgorithmConfig(actor_layers=(8,), critic_layers=(4,)), SPEC)
ACTORS = jax.vmap(lambda key: init(ALGORITHM, key).actor)(jax.random.split(jax.random.key(0), 2))
"""Of two seeds."""


class Played(NamedTuple):
    """An episode, step by step."""

    returns: np.ndarray  # [agent]
    clocks: list[int]  # after each step


@jax.jit
def _play_step(actor, state, players):
    """One step: whoever plays an agent acts for it."""
    choices = {
        Player.LEARNED: act_greedily(ALGORITHM, actor, _observe(state)[None])[0],
        Player.STILL: GAME.still,
        Player.SCRIPTED: _scripted(jax.random.key(0), state),
    }
    action = sum(jnp.where((players == player)[:, None], choice, 0.0) for player, choice in choices.items())
    return _step(jax.random.key(0), state, action)


def play_plainly(start: float, actor, players) -> Played:
    """One episode from `start`, one step after another, as far as it goes."""
    state = {"start": jnp.float32(start), "clock": jnp.int32(0)}
    returns, clocks = np.zeros(2), []
    while True:
        state, result = _play_step(actor, state, np.asarray(players))
        returns += np.asarray(result.reward)
        clocks.append(int(state["clock"]))
        if np.all(result.terminated | result.truncated):
            return Played(returns, clocks)
