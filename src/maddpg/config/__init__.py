"""Every choice that decides a run, as frozen dataclasses, and the two presets.

A table each for the particle world's variant, the algorithm, the amount of training, the design of rewards, a channel, environments in
Python, and each team. A field's docstring is its help text on the command line. A value out of range raises `ValueError` with the value,
the rule and the fix.
"""

from maddpg.config.algorithm import AlgorithmConfig
from maddpg.config.channel import ChannelConfig
from maddpg.config.checkpoints import CheckpointConfig
from maddpg.config.host import HostConfig
from maddpg.config.presets import Config, Preset, preset
from maddpg.config.reward_design import RewardDesignConfig
from maddpg.config.teams import TeamConfig
from maddpg.config.training import TrainingConfig
from maddpg.config.world import WorldConfig

__all__ = [
    "AlgorithmConfig",
    "ChannelConfig",
    "CheckpointConfig",
    "Config",
    "HostConfig",
    "Preset",
    "RewardDesignConfig",
    "TeamConfig",
    "TrainingConfig",
    "WorldConfig",
    "preset",
]
