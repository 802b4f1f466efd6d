"""Where a channel's messages stand in actions, observations and the state: what the channels on the device and in Python share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from maddpg.config import ChannelConfig
from maddpg.names import unknown_name
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, Simplex, Space

EVERYBODY = "all"


@dataclass(frozen=True, eq=False)
class Columns:
    """The places of messages. Where an array library is asked for, it is that of the arrays given: numpy or jax.numpy."""

    inner: EnvSpec  # without the channel
    spec: EnvSpec  # with it
    senders: np.ndarray  # [sender] int, on the agent axis
    first: np.ndarray  # [sender] int, the first column of their message in their action
    heard: np.ndarray  # [agent, observation] int, as `observation_columns` gives it
    copy_of: np.ndarray  # [agent] int, which copy of the mail is the agent's
    copies: int  # of the mail: one, or one for each receiver where noise or loss make them differ
    reliable: bool  # whether everything arrives as it was sent
    size: int  # columns of a message

    def messages(self, action: Any) -> Any:
        """[sender, message] of actions [agent, action]."""
        return action[self.senders[:, None], self.first[:, None] + np.arange(self.size)[None]]

    def hear(self, observation: Any, delivered: Any, library: Any = np) -> Any:
        """[agent, observation] from those without the channel and the mail, [copy, sender, message]."""
        mail = delivered.reshape(self.copies, -1)[self.copy_of]
        nothing = library.zeros((len(observation), 1), observation.dtype)
        return library.take_along_axis(library.concatenate([observation, mail, nothing], axis=1), self.heard, axis=1)

    def widen_mask(self, mask: Any, library: Any = np) -> Any:
        """[agent, action] bool from that without the channel: every message is allowed."""
        more = ((0, 0), (0, self.spec.action_width - self.inner.action_width))
        return library.pad(mask, more, constant_values=True) | ~np.pad(self.inner.action_valid, more)


def lay_out(inner: EnvSpec, config: ChannelConfig) -> Columns:
    """Where the messages of a channel stand.

    Raises:
        ValueError: a name that is no agent or team, or a channel that nobody would hear.
    """
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
    return Columns(
        inner=inner,
        spec=spec,
        senders=np.array(senders),
        first=np.array([inner.agents[index].action_size for index in senders]),
        heard=observation_columns(inner, spec, senders, receivers, config.channel_size),
        copy_of=np.array([0 if reliable or index not in receivers else receivers.index(index) for index in range(inner.agent_count)]),
        copies=copies,
        reliable=reliable,
        size=config.channel_size,
    )


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
