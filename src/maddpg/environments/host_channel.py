"""The channel for messages over environments in Python: the same columns and the same rules as `maddpg.environments.channel`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from maddpg.config import ChannelConfig
from maddpg.environments.channel_columns import Columns, lay_out
from maddpg.environments.host import HostEnvironment, HostFactory, HostStep, HostWorld
from maddpg.types import EnvSpec


def with_host_channel(world: HostWorld, config: ChannelConfig) -> HostWorld:
    """The same environment with a channel; unchanged if nobody sends. Raises as `with_channel`."""
    if not config.channel_senders:
        return world
    columns = lay_out(world.spec, config)
    spec = columns.spec
    if not world.spec.state_size:
        spec = replace(spec, state_size=0)  # it was not asked for
    return HostWorld(spec, partial(_open, world.factory, spec, config, columns))


def _open(factory: HostFactory, spec: EnvSpec, config: ChannelConfig, columns: Columns) -> HostEnvironment:
    return Talking(factory(), spec, config, columns)


class Talking:
    """An environment whose agents also send messages, found in the receivers' next observation. The absent say and hear nothing."""

    def __init__(self, inner: HostEnvironment, spec: EnvSpec, config: ChannelConfig, columns: Columns) -> None:
        self._inner, self._spec, self._config, self._columns = inner, spec, config, columns
        self._generator = np.random.default_rng()
        self._alive = np.zeros(spec.agent_count, bool)

    @property
    def spec(self) -> EnvSpec:
        """The environment's, with the channel's columns in observations, actions and state."""
        return self._spec

    @property
    def inner(self) -> HostEnvironment:
        """The environment without the channel."""
        return self._inner

    def reset(self, seed: int | None) -> HostStep:
        """Begin an episode; nobody has said anything yet."""
        self._generator = np.random.default_rng(seed)
        columns = self._columns
        return self._tell(self._inner.reset(seed), np.zeros((columns.copies, len(columns.senders), columns.size)))

    def step(self, action: np.ndarray) -> HostStep:
        """One step; what is said now is heard at its end."""
        inner = self._inner.spec
        spoken = np.where(self._alive[self._columns.senders, None], self._columns.messages(action), 0.0)
        spoken = np.clip(spoken, -1 if self._config.channel_kind == "continuous" else 0, 1)
        stepped = self._inner.step(np.where(inner.action_valid, action[:, : inner.action_width], 0))
        return self._tell(stepped, self._transmit(spoken))

    def pack(self, observations: Mapping[str, Any], infos: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Observations by agent as arrays: [agent, observation], who has one, and what is allowed.

        A receiver's is the tuple of the environment's own and its mail, the messages of the others in order, one after another.

        Raises:
            ValueError: one that does not fit.
        """
        inner, spec = self._inner.spec, self._spec
        own, mail = dict(observations), np.zeros((spec.agent_count, spec.observation_width), np.float32)
        for row, agent, without in zip(mail, spec.agents, inner.agents, strict=True):
            size = agent.observation_size - without.observation_size
            if not size or agent.name not in own:
                continue
            pair = own[agent.name]
            if not isinstance(pair, tuple) or len(pair) != 2 or np.shape(pair[1]) != (size,):
                raise ValueError(
                    f"{agent.name} hears messages: its observation must be a tuple, the environment's own and {size} numbers of mail"
                )
            own[agent.name], row[without.observation_size : agent.observation_size] = pair
        observation, there, allowed = self._inner.pack(own, infos)  # type: ignore[attr-defined]  # only foreign ones are talked to by name
        mail[:, : inner.observation_width] += observation
        return mail, there, self._columns.widen_mask(allowed)

    def unpack(self, action: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
        """Actions [agent, action] of those who are named: the environment's own, and of a sender the tuple of it and its message."""
        inner, columns = self._inner.spec, self._columns
        own: dict[str, Any] = self._inner.unpack(np.where(inner.action_valid, action[:, : inner.action_width], 0), names)  # type: ignore[attr-defined]
        said = {self._spec.names[sender]: message for sender, message in zip(columns.senders, columns.messages(action), strict=True)}
        return {name: (value, said[name]) if name in said else value for name, value in own.items()}

    def close(self) -> None:
        """Close the environment."""
        self._inner.close()

    def _tell(self, stepped: HostStep, delivered: np.ndarray) -> HostStep:
        """The step with the mail in it."""
        self._alive, spec = stepped.alive, self._spec
        told = stepped.alive | stepped.terminated | stepped.truncated
        observation = np.where(told[:, None], self._columns.hear(stepped.observation, delivered), 0.0)
        mask = self._columns.widen_mask(stepped.action_mask)
        state = np.concatenate([stepped.state, delivered.ravel()]) if spec.state_size else stepped.state
        return replace(stepped, observation=observation.astype(np.float32), action_mask=mask, state=state.astype(np.float32))

    def _transmit(self, spoken: np.ndarray) -> np.ndarray:
        """[copy, sender, message]: what reaches each receiver, with noise and loss drawn for each of them and each sender."""
        config, draw = self._config, self._generator
        arriving = np.broadcast_to(spoken, (self._columns.copies, *spoken.shape)).copy()
        pairs, size = arriving.shape[:2], config.channel_size
        if config.channel_kind == "discrete":
            # As in `transmit`: turned by 1 to size - 1 places, a symbol becomes each of the others with equal probability.
            turn = np.where(draw.random(pairs) < config.channel_noise, draw.integers(1, size, pairs), 0)
            arriving = np.take_along_axis(arriving, (np.arange(size) - turn[..., None]) % size, axis=2)
        else:
            arriving += config.channel_noise * draw.standard_normal(arriving.shape)
        return np.where(draw.random(pairs)[..., None] < config.channel_loss, 0.0, arriving)
