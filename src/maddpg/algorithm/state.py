"""What MADDPG is made of: its static parts, its traced numbers, and the state that learning changes."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Key

from maddpg.algorithm.actions import ActionLayout, action_layout, output_valid
from maddpg.algorithm.networks import Network, mlp
from maddpg.algorithm.optimisers import optimiser
from maddpg.algorithm.views import CriticView, critic_view
from maddpg.config import AlgorithmConfig
from maddpg.types import EnvSpec, PyTree


@dataclass(frozen=True)
class Algorithm:
    """The static parts of one run's MADDPG, put together once by `assemble`."""

    config: AlgorithmConfig
    spec: EnvSpec
    layout: ActionLayout
    view: CriticView
    actor: Network
    critic: Network
    optimiser: optax.GradientTransformation


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Hyper:
    """The numbers that may vary without another compilation, one for each agent: every field is [agent]."""

    actor_rate: jax.Array
    critic_rate: jax.Array
    gamma: jax.Array
    tau: jax.Array
    target_interval: jax.Array
    logit_regulariser: jax.Array
    noise: jax.Array
    noise_final: jax.Array
    noise_steps: jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """All that learning changes. Leaves of an actor are [agent, ...], of a critic [agent, critic, ...] (one critic, or twins)."""

    actor: PyTree
    critic: PyTree
    target_actor: PyTree
    target_critic: PyTree
    actor_optimiser: PyTree
    critic_optimiser: PyTree
    updates: jax.Array  # int32, learning steps taken


def assemble(config: AlgorithmConfig, spec: EnvSpec, actor: Network | None = None, critic: Network | None = None) -> Algorithm:
    """Put the parts together; a network of one's own replaces the perceptron (docs/changing.md)."""
    return Algorithm(
        config=config,
        spec=spec,
        layout=action_layout(config, spec),
        view=critic_view(config, spec),
        actor=actor or mlp(config.actor_layers),
        critic=critic or mlp(config.critic_layers),
        optimiser=optimiser(config),
    )


def hyper(config: AlgorithmConfig, spec: EnvSpec) -> Hyper:
    """The configuration's numbers, the same for every agent."""
    noise_final = config.noise if config.noise_final is None else config.noise_final

    def each(number: float) -> jax.Array:
        return jnp.full(spec.agent_count, number, jnp.float32)

    return Hyper(
        actor_rate=each(config.actor_rate),
        critic_rate=each(config.critic_rate),
        gamma=each(config.gamma),
        tau=each(config.tau),
        target_interval=jnp.full(spec.agent_count, config.target_interval, jnp.int32),
        logit_regulariser=each(config.logit_regulariser),
        noise=each(config.noise),
        noise_final=each(noise_final),
        noise_steps=each(config.noise_steps),
    )


def init(algorithm: Algorithm, key: Key[Array, ""]) -> TrainState:
    """Fresh networks for every agent, targets that are copies or have weights of their own, and empty optimisers."""
    spec, config = algorithm.spec, algorithm.config
    actor_key, critic_key, target_actor_key, target_critic_key = jax.random.split(key, 4)

    def actors(key: jax.Array) -> PyTree:
        # fold_in, not split: the n-th agent's weights do not depend on how many agents there are.
        keys = jax.vmap(lambda agent: jax.random.fold_in(key, agent))(jnp.arange(spec.agent_count))
        return jax.vmap(algorithm.actor.init)(keys, jnp.asarray(spec.observation_valid), output_valid(algorithm.layout))

    def critics(key: jax.Array) -> PyTree:
        def one(agent: jax.Array, valid: jax.Array) -> PyTree:
            keys = jax.random.split(jax.random.fold_in(key, agent), 2 if config.twin_critics else 1)
            return jax.vmap(lambda key: algorithm.critic.init(key, valid, jnp.ones(1, bool)))(keys)

        return jax.vmap(one)(jnp.arange(spec.agent_count), algorithm.view.input_valid)

    actor, critic = actors(actor_key), critics(critic_key)
    copies = config.target_initialisation == "copy"
    return TrainState(
        actor=actor,
        critic=critic,
        # Copied, not shared: the whole state is donated to the compiled loop, and a buffer can be donated once only.
        target_actor=jax.tree.map(jnp.copy, actor) if copies else actors(target_actor_key),
        target_critic=jax.tree.map(jnp.copy, critic) if copies else critics(target_critic_key),
        actor_optimiser=jax.vmap(algorithm.optimiser.init)(actor),
        critic_optimiser=jax.vmap(jax.vmap(algorithm.optimiser.init))(critic),
        updates=jnp.int32(0),
    )
