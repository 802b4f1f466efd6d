"""MADDPG: multi-agent actor-critic for mixed cooperative-competitive environments (Lowe et al. 2017), in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maddpg.config import (
    AlgorithmConfig,
    ChannelConfig,
    Config,
    HostConfig,
    RewardDesignConfig,
    TeamConfig,
    TrainingConfig,
    WorldConfig,
    preset,
)

if TYPE_CHECKING:
    from maddpg.model import MADDPG

__all__ = [
    "MADDPG",
    "AlgorithmConfig",
    "ChannelConfig",
    "Config",
    "HostConfig",
    "RewardDesignConfig",
    "TeamConfig",
    "TrainingConfig",
    "WorldConfig",
    "preset",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`MADDPG`, once it is asked for: worker processes import this package too, and need none of it."""
    if name == "MADDPG":
        from maddpg.model import MADDPG

        return MADDPG
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
