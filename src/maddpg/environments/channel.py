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
from maddpg.environments.contract import Environment
from maddpg.names import unknown_name
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, PyTree, Simplex, Space, TimeStep

EVERYBODY = "all"


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
    inner, size = environment.spec, config.channel_size
    senders = find_agents(inner, config.channel_senders, "channel sender")
    receivers = find_agents(inner, config.channel_receivers, "channel receiver")
    if senders == receivers and len(senders) == 1:
        raise ValueError(
            f"channel_receivers = {config.channel_receivers!r}: {inner.names[senders[0]]} is the only sender and the only receiver, and "
            f"nobody hears itself; name another receiver or sender (agents: {', '.join(inner.names)})"
        )
    reliable = config.channel_noise == 0 and config.channel_loss == 0
    copies = 1 if reliable else len(receivers)
    spec = extend_spec(inner, config, senders, receivers, copies)
    columns = observation_columns(inner, spec, senders, receivers, size)
    copy_of = np.array([0 if reliable or index not in receivers else receivers.index(index) for index in range(inner.agent_count)])
    first = np.array([inner.agents[index].action_size for index in senders])
    silence = np.zeros((spec.agent_count, spec.action_width), np.float32)
    if config.channel_kind != "continuous":
        silence[list(senders), first] = 1

    def hear(observation: Float[Array, "agent inner"], delivered: Float[Array, "copy sender message"]) -> Float[Array, "agent observation"]:
        mail = delivered.reshape(copies, -1)[copy_of]
        nothing = jnp.zeros((inner.agent_count, 1), observation.dtype)
        return jnp.take_along_axis(jnp.concatenate([observation, mail.astype(observation.dtype), nothing], axis=1), columns, axis=1)

    def say_nothing(action: Float[Array, "agent inner"]) -> Float[Array, "agent action"]:
        return jnp.pad(action, ((0, 0), (0, spec.action_width - inner.action_width))) + silence

    def global_state(state: ChannelState) -> Float[Array, " state"]:
        return jnp.concatenate([environment.global_state(state.inner), state.delivered.ravel()])

    def reset(key: Key[Array, ""]) -> tuple[ChannelState, Float[Array, "agent observation"]]:
        world, observation = environment.reset(key)
        state = ChannelState(world, jnp.zeros((copies, len(senders), size), observation.dtype))
        return state, hear(observation, state.delivered)

    def step(key: Key[Array, ""], state: ChannelState, action: Float[Array, "agent action"]) -> tuple[ChannelState, TimeStep]:
        spoken = action[np.array(senders)[:, None], first[:, None] + np.arange(size)[None]]
        # Noise limits what a channel carries only if nobody can shout it down.
        spoken = jnp.clip(spoken, -1 if config.channel_kind == "continuous" else 0, 1).astype(state.delivered.dtype)
        if reliable:
            inner_key, delivered = key, spoken[None]
        else:
            inner_key, channel_key = jax.random.split(key)
            delivered = transmit(config, channel_key, spoken, copies)
        deed = jnp.where(inner.action_valid, action[:, : inner.action_width], 0)
        world, result = environment.step(inner_key, state.inner, deed)
        state = ChannelState(world, delivered)
        observation, vector = hear(result.next_observation, delivered), global_state(state)
        return state, replace(result, observation=observation, next_observation=observation, state=vector, next_state=vector)

    return replace(
        environment,
        spec=spec,
        reset=reset,
        step=step,
        global_state=global_state,
        metrics=lambda state: environment.metrics(state.inner),
        scripted=lambda key, state: say_nothing(environment.scripted(key, state.inner)),
        still=say_nothing(environment.still),
        secrets=lambda state: environment.secrets(state.inner),
    )


def without_channel(state: PyTree) -> PyTree:
    """The state of the environment that the channel was added to, if there is one."""
    return state.inner if isinstance(state, ChannelState) else state


def find_agents(spec: EnvSpec, names: tuple[str, ...], kind: str) -> tuple[int, ...]:
    """Places on the agent axis, in order, of those whom names of agents or teams, or `all`, mean.

    Raises ValueError, as about a `kind`, for a name that is none of these.
    """
    known = [EVERYBODY, *spec.teams, *spec.names]
    for name in names:
        if name not in known:
            raise ValueError(unknown_name(kind, name, dict.fromkeys(known)))
    return tuple(index for index, agent in enumerate(spec.agents) if not {EVERYBODY, agent.team, agent.name}.isdisjoint(names))


def message_space(config: ChannelConfig) -> Space:
    """The action head of a sender."""
    size = config.channel_size
    if config.channel_kind == "continuous":
        return Box((-1.0,) * size, (1.0,) * size)
    return Categorical(size) if config.channel_kind == "discrete" else Simplex(size)


def extend_spec(inner: EnvSpec, config: ChannelConfig, senders: tuple[int, ...], receivers: tuple[int, ...], copies: int) -> EnvSpec:
    """The specification with the channel's columns in observations, actions and state."""
    size = config.channel_size

    def extend(index: int, agent: AgentSpec) -> AgentSpec:
        heard = sum(sender != index for sender in senders) if index in receivers else 0
        agent = replace(agent, observation_size=agent.observation_size + heard * size)
        if index not in senders:
            return agent
        return replace(agent, action=(*agent.action, message_space(config)), message_size=agent.message_size + size)

    agents = tuple(extend(index, agent) for index, agent in enumerate(inner.agents))
    return replace(inner, agents=agents, state_size=inner.state_size + copies * len(senders) * size)


def observation_columns(inner: EnvSpec, spec: EnvSpec, senders: tuple[int, ...], receivers: tuple[int, ...], size: int) -> np.ndarray:
    """[agent, observation]: which column of (padded inner observation, every sender's message, one zero) stands where.

    Mail follows each agent's own true columns directly, so padding stays at the end.
    """
    mail = inner.observation_width
    zero = mail + len(senders) * size
    table = np.full((spec.agent_count, spec.observation_width), zero)
    for index, agent in enumerate(inner.agents):
        others = [place for place, sender in enumerate(senders) if sender != index] if index in receivers else []
        heard = [mail + place * size + column for place in others for column in range(size)]
        table[index, : agent.observation_size + len(heard)] = [*range(agent.observation_size), *heard]
    return table


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
