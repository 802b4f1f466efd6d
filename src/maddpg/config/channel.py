"""A channel for messages that is added to an environment (docs/communication.md)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from maddpg.config.checks import require, require_choices, require_finite


@dataclass(frozen=True)
class ChannelConfig:
    """Who may say what to whom. Without senders there is no channel."""

    channel_senders: tuple[str, ...] = ()
    """Agents or teams that send a message with every action; `all` is everybody."""
    channel_receivers: tuple[str, ...] = ("all",)
    """Agents or teams that find the others' latest messages in their next observation."""
    channel_kind: Literal["discrete", "simplex", "continuous"] = "discrete"
    """A message is one of `channel_size` symbols, a point of the simplex over them, or so many real numbers in [-1, 1]."""
    channel_size: int = 4
    """Symbols, or real numbers, in a message."""
    channel_noise: float = 0.0
    """Continuous and simplex: standard deviation of Gaussian noise on what is received. Discrete: probability that another symbol, drawn
    uniformly, arrives instead."""
    channel_loss: float = 0.0
    """Probability that a message is lost on its way to one receiver, who then reads zeros."""

    def __post_init__(self) -> None:
        require_choices(self)
        for item in fields(self):
            value = getattr(self, item.name)
            require(bool(self.channel_senders) or value == item.default, item.name, value, "there is no channel; give channel_senders too")
        least = 1 if self.channel_kind == "continuous" else 2
        require(least <= self.channel_size <= 1024, "channel_size", self.channel_size, f"must lie between {least} and 1024")
        require(self.channel_noise >= 0, "channel_noise", self.channel_noise, "must be at least 0")
        require(
            self.channel_kind != "discrete" or self.channel_noise <= 1,
            "channel_noise",
            self.channel_noise,
            "is a probability for discrete messages: it must lie in [0, 1]",
        )
        require(0 <= self.channel_loss <= 1, "channel_loss", self.channel_loss, "must lie in [0, 1]")
        require_finite(self)
        require(
            not self.channel_senders or bool(self.channel_receivers), "channel_receivers", self.channel_receivers, "somebody must listen"
        )
