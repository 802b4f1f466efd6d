"""maddpg train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from maddpg.cli.running import run_to_the_end
from maddpg.config import (
    AlgorithmConfig,
    ChannelConfig,
    CheckpointConfig,
    Config,
    HostConfig,
    Preset,
    RewardDesignConfig,
    TeamConfig,
    TrainingConfig,
    WorldConfig,
)
from maddpg.environments.registry import read_environment, resolve
from maddpg.settings import merge_teams, read_arguments
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.run_folder import make_run_folder
from maddpg.training.build import build
from maddpg.training.plan import plan


@dataclass(frozen=True)
class Train:
    """Train a team, evaluate it, and save it. Flags win over the file, the file over the preset."""

    environment: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="ENV")]]
    """What to train in: one of our own worlds, such as simple_spread (`maddpg envs` lists them), mpe2:NAME, pettingzoo:NAME,
    gymnasium:ID, jaxmarl:NAME, or an environment of one's own as package.module:factory (docs/environments.md). With a run's configuration
    it may be left out, unless it is one's own."""
    arguments: tuple[str, ...] = ()
    """What an environment of others or of one's own is made with, as NAME=VALUE: `N=3 continuous_actions=true`."""
    preset: Preset = "tuned"
    """tuned: what we measured to learn best; paper: the learning settings of the paper's released code, whose worlds come with
    --dynamics openai --rewards openai --action-mode simplex."""
    config: Path | None = None
    """A TOML file with tables [world], [algorithm], [training], [reward_design], [channel] and [host], whose fields are the flags below,
    with [arguments], and with [teams.NAME] for each team that differs. When checkpoints are written only flags say. Or a run (its
    folder, its config.json, or zoo:NAME), to train it again."""
    out: Path | None = None
    """The run's folder, new or empty. Left out: runs/<environment>-<n>."""
    world: WorldConfig = field(default_factory=WorldConfig)
    algorithm: AlgorithmConfig = field(default_factory=AlgorithmConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    reward_design: RewardDesignConfig = field(default_factory=RewardDesignConfig)
    channel: ChannelConfig = field(default_factory=ChannelConfig)
    host: HostConfig = field(default_factory=HostConfig)
    team: tuple[str, ...] = ()
    """What is special about a team, as TEAM.SETTING=VALUE: `adversary.player=scripted good.critic_view=own`. Settings are those of a table
    [teams.TEAM]: agents, player, run, critic_view, critic_sees, and numbers of the algorithm such as gamma or actor_rate."""
    checkpoints: CheckpointConfig = field(default_factory=CheckpointConfig)
    file_teams: tyro.conf.Suppress[Mapping[str, TeamConfig]] = field(default_factory=dict)
    file_arguments: tyro.conf.Suppress[Mapping[str, Any]] = field(default_factory=dict)

    def run(self) -> int:
        """Train, evaluate, print, save; the exit code."""
        enable_compilation_cache()
        teams = merge_teams(self.file_teams, self.team)
        arguments = {**self.file_arguments, **read_arguments(self.arguments)}
        tables = (self.world, self.algorithm, self.training, self.reward_design, self.channel, self.host)
        config = resolve(Config(self.environment, arguments, *tables, teams=teams))
        console = Console(stderr=True)
        parts = build(config, read_environment(self.environment))
        planned = plan(parts)  # refuses what would not fit, before there is a folder
        folder = make_run_folder(self.out, config.environment)
        console.print(f"{config.environment}: {planned}", highlight=False, markup=False, soft_wrap=True)
        return run_to_the_end(parts, folder, self.checkpoints, console)
