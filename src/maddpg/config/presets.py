"""Everything that decides a run, and the two presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from maddpg.config.algorithm import AlgorithmConfig
from maddpg.config.channel import ChannelConfig
from maddpg.config.checks import require
from maddpg.config.host import HostConfig
from maddpg.config.reward_design import RewardDesignConfig
from maddpg.config.teams import TeamConfig
from maddpg.config.training import TrainingConfig
from maddpg.config.world import WorldConfig

LONGEST_NAME = 200
"""Characters of an environment's name."""


@dataclass(frozen=True)
class Config:
    """Everything that decides a run."""

    environment: str
    """Name of the environment: simple_spread, mpe2:simple_tag_v3, pettingzoo:sisl.multiwalker_v9, jaxmarl:NAME, gymnasium:ID, or
    package.module:factory, which is honoured only where somebody types it."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What an environment that is not a particle world of ours is made with, by name: numbers, words, true or false, lists of them."""
    world: WorldConfig = field(default_factory=WorldConfig)
    algorithm: AlgorithmConfig = field(default_factory=AlgorithmConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    reward_design: RewardDesignConfig = field(default_factory=RewardDesignConfig)
    channel: ChannelConfig = field(default_factory=ChannelConfig)
    host: HostConfig = field(default_factory=HostConfig)
    teams: Mapping[str, TeamConfig] = field(default_factory=dict)
    """By the team's name; a team that is not named is as the other tables say."""

    def __post_init__(self) -> None:
        plain = self.environment.isprintable() and len(self.environment) <= LONGEST_NAME
        require(plain, "environment", self.environment, f"must be a name of at most {LONGEST_NAME} characters that can be printed")


Preset = Literal["tuned", "paper"]


def preset(name: str, environment: str) -> Config:
    """The settings called `name`: `tuned`, what we measured to learn best, or `paper`, the released code's (docs/deviations.md)."""
    config = Config(environment)
    if name == "tuned":
        return config
    if name == "paper":
        return replace(
            config,
            algorithm=AlgorithmConfig(
                twin_critics=False,
                estimator="soft",
                minibatch="per_agent",
                gamma=0.95,
                tau=0.01,
                target_initialisation="independent",
                actor_rate=1e-2,
                critic_rate=1e-2,
                gradient_clip=0.5,
                clip_by="tensor",
                logit_regulariser=1e-3,
                noise=0.2,  # on box actions, which the released particle tasks do not have
            ),
            training=TrainingConfig(updates=1, warmup_steps=25_600, warmup_policy="policy"),
        )
    raise ValueError(f"preset {name!r}: it must be tuned or paper")
