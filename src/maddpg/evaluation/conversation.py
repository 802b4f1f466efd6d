"""Whole episodes in which messages go as sent, are cut, or are shuffled between episodes: what a team loses without what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from maddpg.environments.contract import Environment
from maddpg.names import unknown_name
from maddpg.types import AnyArray, EnvSpec, PyTree

Act = Callable[[PyTree, jax.Array, jax.Array], jax.Array]
"""(states of the environments, observation [batch, agent, observation], key) -> action [batch, agent, action]."""

INTERVENTIONS = ("as sent", "cut", "shuffled")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Conversation:
    """The same episodes, with each of `INTERVENTIONS`; what was said, and what might have been said, where messages went as sent."""

    returns: AnyArray  # [intervention, episode, agent], sums of rewards
    spoken: AnyArray  # [episode, agent, action], from `last_heard`
    secrets: dict[str, AnyArray]  # [episode]


def choose_senders(spec: EnvSpec, senders: Sequence[str] | None = None) -> np.ndarray:
    """[agent] bool: those that `senders` names, or everyone who sends.

    Raises ValueError where nobody sends, or for the name of an agent that sends nothing.
    """
    speakers = [agent.name for agent in spec.agents if agent.message_size]
    if not speakers:
        raise ValueError(f"nobody sends messages in {spec.name}: add a channel (--channel-senders all), or choose a world with messages")
    for name in senders or ():
        if name not in speakers:
            raise ValueError(unknown_name("sender", name, speakers))
    return np.array([name in (senders or speakers) for name in spec.names])


def converse(
    environment: Environment, act: Act, episodes: int, key: Key[Array, ""], tampered: np.ndarray | Bool[Array, " agent"]
) -> Conversation:
    """Play the same `episodes` to their end three times: messages as sent, cut, and shuffled. Pure, so it can be compiled and mapped.

    Args:
        environment: one that does not reset by itself.
        act: the team.
        episodes: how many, side by side.
        key: for everything; the three have the same starts and the same noise.
        tampered: [agent], whose messages are cut and shuffled.
    """
    columns = jnp.asarray(environment.spec.message_columns) & jnp.asarray(tampered)[:, None]

    def play(intervention: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, dict[str, jax.Array]]:
        def one_step(carry: tuple, key: jax.Array) -> tuple[tuple, tuple[jax.Array, jax.Array]]:
            worlds, observation, alive, returns = carry
            act_key, shuffle_key, step_key = jax.random.split(key, 3)
            action = act(worlds, observation, act_key)
            versions = jnp.stack([action, jnp.zeros_like(action), shuffle(shuffle_key, action, alive)])
            heard = jnp.where(columns[None], versions[intervention], action)
            worlds, result = jax.vmap(environment.step)(jax.random.split(step_key, episodes), worlds, heard)
            returns = returns + jnp.where(alive[:, None], result.reward, 0)
            still_alive = alive & ~jnp.all(result.terminated | result.truncated, axis=1)
            return (worlds, result.next_observation, still_alive, returns), (action, alive)

        reset_key, play_key = jax.random.split(key)
        worlds, observation = jax.vmap(environment.reset)(jax.random.split(reset_key, episodes))
        secrets = jax.vmap(environment.secrets)(worlds)
        start = (worlds, observation, jnp.ones(episodes, bool), jnp.zeros((episodes, environment.spec.agent_count)))
        keys = jax.random.split(play_key, environment.spec.episode_length)
        (_, _, _, returns), (action, alive) = jax.lax.scan(one_step, start, keys)
        return returns, action, jnp.sum(alive, axis=0), secrets

    every = jnp.arange(len(INTERVENTIONS))
    returns, action, length, secrets = jax.vmap(play, in_axes=(0, None))(every, key)
    return Conversation(returns, last_heard(action[0], length[0]), jax.tree.map(lambda leaf: leaf[0], secrets))


def last_heard(action: Float[Array, "step episode agent action"], length: Int[Array, " episode"]) -> Float[Array, "episode agent action"]:
    """The actions with which the last messages were sent that could be heard before the end: those of the last step but one.

    `length` is the steps until the end; what stands in `action` after it means nothing.
    """
    return action[jnp.maximum(length - 2, 0), jnp.arange(len(length))]


def join(parts: Sequence[Conversation], episodes: int) -> Conversation:
    """Several conversations as one, of the first so many episodes."""
    returns, spoken, secrets = zip(*((part.returns, part.spoken, part.secrets) for part in parts), strict=True)
    return Conversation(
        np.concatenate(returns, axis=1)[:, :episodes],
        np.concatenate(spoken)[:episodes],
        jax.tree.map(lambda *values: np.concatenate(values)[:episodes], *secrets),
    )


def shuffle(
    key: Key[Array, ""], action: Float[Array, "episode agent action"], alive: Bool[Array, " episode"]
) -> Float[Array, "episode agent action"]:
    """Every agent's actions in another order of the episodes that still go on, an order of its own for each agent."""
    places = jnp.arange(len(alive))

    def one_agent(key: jax.Array, action: jax.Array) -> jax.Array:
        # Those that go on come first, in random order; each of them takes the one of its own rank.
        order = jnp.argsort(jnp.where(alive, jax.random.uniform(key, alive.shape), 2))
        return action[jnp.where(alive, order[jnp.cumsum(alive) - 1], places)]

    return jax.vmap(one_agent, in_axes=(0, 1), out_axes=1)(jax.random.split(key, action.shape[1]), action)
