"""MADDPG: multi-agent actor-critic for mixed cooperative-competitive environments (Lowe et al. 2017), in JAX."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maddpg.config import (
        AlgorithmConfig,
        ChannelConfig,
        CheckpointConfig,
        Config,
        HostConfig,
        RewardDesignConfig,
        TeamConfig,
        TrainingConfig,
        WorldConfig,
        preset,
    )
    from maddpg.model import MADDPG
    from maddpg.policy import load_policy

__all__ = [
    "MADDPG",
    "AlgorithmConfig",
    "ChannelConfig",
    "CheckpointConfig",
    "Config",
    "HostConfig",
    "RewardDesignConfig",
    "TeamConfig",
    "TrainingConfig",
    "WorldConfig",
    "load_policy",
    "preset",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """A public name, once it is asked for: worker processes and exported actors import this package too, and need no JAX."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = {"MADDPG": "maddpg.model", "load_policy": "maddpg.policy"}.get(name, "maddpg.config")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
