"""A game that is won by talking: a guide sees a secret, a walker must name it, and only a message can tell."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from maddpg.environments.contract import Environment
from maddpg.types import AgentSpec, Categorical, EnvSpec, TimeStep


def secret_game(options: int, length: int = 2) -> Environment:
    """From the second step on both are paid 1 where the walker names the secret, one of `options`, all equally likely.

    The guide (1 + options columns: noise, then the secret) does one of two things without effect; the walker (1 column of noise) names
    an option. Noise comes from the keys of reset and step. The state is the secret, the noise and the clock.
    """
    agents = (
        AgentSpec("guide", "tellers", 1 + options, (Categorical(2),)),
        AgentSpec("walker", "doers", 1, (Categorical(options),)),
    )
    spec = EnvSpec("secret_game", agents, options + 3, length)

    def observe(state):
        rows = jnp.zeros((2, 1 + options)).at[:, 0].set(state["noise"])
        return rows.at[0, 1:].set(jax.nn.one_hot(state["secret"], options))

    def reset(key):
        secret_key, noise_key = jax.random.split(key)
        secret = jax.random.randint(secret_key, (), 0, options)
        state = {"secret": secret, "noise": jax.random.normal(noise_key, 2), "clock": jnp.int32(0)}
        return state, observe(state)

    def global_state(state):
        return jnp.concatenate([jax.nn.one_hot(state["secret"], options), state["noise"], state["clock"][None].astype(jnp.float32)])

    def step(key, state, action):
        named = jnp.argmax(action[1, :options]) == state["secret"]
        reward = jnp.full(2, named & (state["clock"] > 0), jnp.float32)
        state = state | {"noise": jax.random.normal(key, 2), "clock": state["clock"] + 1}
        observation, vector = observe(state), global_state(state)
        truncated = jnp.full(2, state["clock"] >= length)
        return state, TimeStep(observation, observation, vector, vector, reward, jnp.zeros(2, bool), truncated)

    still = jnp.zeros((2, spec.action_width)).at[:, 0].set(1)

    def scripted(key, state):
        del key
        named = jax.nn.one_hot(state["secret"], options)
        return still.at[1, :options].set(named)

    return Environment(
        spec=spec,
        reset=reset,
        step=step,
        global_state=global_state,
        metrics=lambda state: {"clock": state["clock"]},
        aggregates={"clock": "last"},
        scripted=scripted,
        still=still,
        secrets=lambda state: {"secret": state["secret"]},
    )
