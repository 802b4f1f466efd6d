"""Whole episodes on the device, for any mix of players, any number of seeds and episodes in one program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from maddpg.algorithm.state import Algorithm
from maddpg.environments.contract import Environment
from maddpg.evaluation.players import SubPolicy, episode_sub_policies, play_actions
from maddpg.types import AnyArray, PyTree


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Episodes:
    """What episodes came to."""

    returns: AnyArray  # [episode, agent], sums of rewards
    metrics: dict[str, AnyArray]  # [episode] or [episode, agent], aggregated over the episode
    lost: AnyArray | None = None  # how many more were lost to environments in Python that failed, and played again; None on the device


Rollout = Callable[[PyTree, jax.Array, jax.Array], Episodes]


def make_rollout(algorithm: Algorithm, environment: Environment, episodes: int, sub_policy: SubPolicy = "drawn") -> Rollout:
    """A compiled function (actor, players [agent], key) -> `Episodes`, mapped over a leading axis of all three (seeds, line-ups).

    `environment` must not reset by itself: an episode is played to its end once. `sub_policy` says who of an ensemble plays.
    """
    spec = environment.spec

    def line_up(actor: PyTree, players: jax.Array, key: jax.Array) -> Episodes:
        def one_step(carry: tuple, key: jax.Array) -> tuple[tuple, jax.Array]:
            worlds, observation, alive, returns, sums = carry
            act_key, step_key = jax.random.split(key)
            action = play_actions(algorithm, environment, actor, players, observation, worlds, act_key, who)
            worlds, result = jax.vmap(environment.step)(jax.random.split(step_key, episodes), worlds, action)
            returns = returns + jnp.where(alive[:, None], result.reward, 0.0)
            sums = {
                name: _accumulate(environment.aggregates[name], sums[name], value, alive)
                for name, value in jax.vmap(environment.metrics)(worlds).items()
            }
            alive = alive & ~jnp.all(result.terminated | result.truncated, axis=1)
            return (worlds, result.next_observation, alive, returns, sums), alive

        reset_key, play_key, member_key = jax.random.split(key, 3)
        who = episode_sub_policies(algorithm, sub_policy, member_key, episodes)
        worlds, observation = jax.vmap(environment.reset)(jax.random.split(reset_key, episodes))
        nothing = {
            name: jnp.zeros(value.shape, jnp.float32) for name, value in jax.eval_shape(jax.vmap(environment.metrics), worlds).items()
        }
        start = (worlds, observation, jnp.ones(episodes, bool), jnp.zeros((episodes, spec.agent_count)), nothing)
        (_, _, _, returns, sums), alive = jax.lax.scan(one_step, start, jax.random.split(play_key, spec.episode_length))
        lengths = 1.0 + jnp.sum(alive, axis=0)
        metrics: dict[str, AnyArray] = {
            name: value / _like(lengths, value) if environment.aggregates[name] == "mean" else value for name, value in sums.items()
        }
        return Episodes(returns, metrics)

    return jax.jit(jax.vmap(line_up))


def _like(row: jax.Array, value: jax.Array) -> jax.Array:
    """[episode] broadcast to `value` [episode, ...]."""
    return jnp.broadcast_to(row.reshape(-1, *[1] * (value.ndim - 1)), value.shape)


def _accumulate(aggregate: str, total: jax.Array, value: jax.Array, alive: jax.Array) -> jax.Array:
    """One more step of an episode's metric; an episode that has ended stays as it was."""
    value = value.astype(total.dtype)
    return jnp.where(_like(alive, value), value if aggregate == "last" else total + value, total)
