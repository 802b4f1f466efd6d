"""A channel for messages, added to any environment: named senders and receivers, heard one step later, with noise or loss if asked.

A sender's message is the last part of its action, a receiver's mail the last part of its observation. The environment inside
notices nothing: it is given the actions without messages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from maddpg.config.channel import ChannelConfig
from maddpg.environments.channel_columns import lay_out
from maddpg.environments.contract import Environment
from maddpg.types import Availability, PyTree, TimeStep


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ChannelState:
    """The environment inside, and the messages that agents find in their observation now: what arrived, not what was sent."""

    inner: PyTree
    delivered: jax.Array  # [receiver, sender, message]; one row for all receivers where they hear the same (no noise, no loss)


def with_channel(environment: Environment, config: ChannelConfig) -> Environment:
    """The same environment with a channel for messages; unchanged if nobody sends.

    Senders get one more action head after their true columns. Receivers get, after their true columns, what reached them from each
    sender but themselves, in the order of agents: what was sent with the action of step t stands in `next_observation` of that step.
    After a reset it is zeros. Noise and loss are drawn anew for each receiver and sender. The global state is the inner one
    and what was delivered, so it determines every observation.

    Args:
        environment: one that does not reset by itself.
        config: who, what, and how reliably.

    Raises:
        ValueError: a name that is no agent or team, or a channel that nobody would hear.
    """
    if not config.channel_senders:
        return environment
    inner, columns = environment.spec, lay_out(environment.spec, config)
    spec, copies, senders = columns.spec, columns.copies, len(columns.senders)
    silence = np.zeros((spec.agent_count, spec.action_width), np.float32)
    if config.channel_kind != "continuous":
        silence[columns.senders, columns.first] = 1

    def hear(observation: Float[Array, "agent inner"], delivered: Float[Array, "copy sender message"]) -> Float[Array, "agent observation"]:
        heard: jax.Array = columns.hear(observation, delivered.astype(observation.dtype), jnp)
        return heard

    def say_nothing(action: Float[Array, "agent inner"]) -> Float[Array, "agent action"]:
        return jnp.pad(action, ((0, 0), (0, spec.action_width - inner.action_width))) + silence

    def global_state(state: ChannelState) -> Float[Array, " state"]:
        return jnp.concatenate([environment.global_state(state.inner), state.delivered.ravel()])

    def reset(key: Key[Array, ""]) -> tuple[ChannelState, Float[Array, "agent observation"]]:
        world, observation = environment.reset(key)
        state = ChannelState(world, jnp.zeros((copies, senders, config.channel_size), observation.dtype))
        return state, hear(observation, state.delivered)

    def step(key: Key[Array, ""], state: ChannelState, action: Float[Array, "agent action"]) -> tuple[ChannelState, TimeStep]:
        spoken = columns.messages(action)
        # Noise limits what a channel carries only if nobody can shout it down.
        spoken = jnp.clip(spoken, -1 if config.channel_kind == "continuous" else 0, 1).astype(state.delivered.dtype)
        if columns.reliable:
            inner_key, delivered = key, spoken[None]
        else:
            inner_key, channel_key = jax.random.split(key)
            delivered = transmit(config, channel_key, spoken, copies)
        deed = jnp.where(inner.action_valid, action[:, : inner.action_width], 0)
        world, result = environment.step(inner_key, state.inner, deed)
        state = ChannelState(world, delivered)
        observation, vector = hear(result.next_observation, delivered), global_state(state)
        return state, replace(result, observation=observation, next_observation=observation, state=vector, next_state=vector)

    def availability(state: ChannelState) -> Availability:
        there = environment.availability(state.inner)
        if there.action_mask is None:
            return there
        return replace(there, action_mask=columns.widen_mask(there.action_mask, jnp))

    script = environment.scripted
    return replace(
        environment,
        spec=spec,
        reset=reset,
        step=step,
        global_state=global_state,
        metrics=lambda state: environment.metrics(state.inner),
        scripted=None if script is None else lambda key, state: say_nothing(script(key, state.inner)),
        still=say_nothing(environment.still),
        secrets=lambda state: environment.secrets(state.inner),
        availability=availability,
    )


def without_channel(state: PyTree) -> PyTree:
    """The state of the environment that the channel was added to, if there is one."""
    return state.inner if isinstance(state, ChannelState) else state


def transmit(
    config: ChannelConfig, key: Key[Array, ""], spoken: Float[Array, "sender message"], receivers: int
) -> Float[Array, "receiver sender message"]:
    """What reaches each of `receivers` receivers, with noise and loss independent for each receiver and sender."""
    noise_key, symbol_key, loss_key = jax.random.split(key, 3)
    pairs, size = (receivers, len(spoken)), config.channel_size
    arriving = jnp.broadcast_to(spoken[None], (*pairs, size))
    if config.channel_kind == "discrete":
        # Turned by 1 to size - 1 places, a symbol becomes each of the others with equal probability, and silence stays silence.
        places = jax.random.randint(symbol_key, pairs, 1, size)
        turn = jnp.where(jax.random.bernoulli(noise_key, config.channel_noise, pairs), places, 0)
        arriving = jnp.take_along_axis(arriving, jnp.mod(jnp.arange(size)[None, None] - turn[:, :, None], size), axis=2)
    else:
        arriving = arriving + config.channel_noise * jax.random.normal(noise_key, arriving.shape, arriving.dtype)
    lost = jax.random.bernoulli(loss_key, config.channel_loss, pairs)
    return jnp.where(lost[:, :, None], 0, arriving)
