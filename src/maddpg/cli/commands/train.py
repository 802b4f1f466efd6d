"""maddpg train."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import jax
import tyro
from rich.console import Console

from maddpg.cli.progress import training_progress
from maddpg.config import (
    AlgorithmConfig,
    ChannelConfig,
    Config,
    HostConfig,
    Preset,
    RewardDesignConfig,
    TeamConfig,
    TrainingConfig,
    WorldConfig,
)
from maddpg.environments import mpe2
from maddpg.environments.channel import without_channel
from maddpg.environments.contract import Environment
from maddpg.environments.host import BadEnvironment
from maddpg.environments.registry import is_particle_world, read_environment, resolve
from maddpg.environments.vector import EnvironmentFailed
from maddpg.evaluation.evaluate import evaluate
from maddpg.evaluation.players import as_trained
from maddpg.particles import make_scenario
from maddpg.report.curves import draw_curves
from maddpg.report.episode import draw_episodes, record
from maddpg.report.tables import evaluation_table
from maddpg.settings import merge_teams, read_arguments
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import write_bytes, write_json
from maddpg.storage.run_folder import RunFolder, make_run_folder
from maddpg.training.build import build
from maddpg.training.health import NotFinite
from maddpg.training.plan import plan
from maddpg.training.run import Trained, train

FINAL_EPISODES = 1_000
PICTURED_EPISODES = 4


@dataclass(frozen=True)
class Train:
    """Train a team, evaluate it, and save it. Flags win over the file, the file over the preset."""

    environment: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="ENV")]]
    """What to train in: one of our own worlds, such as simple_spread (`maddpg envs` lists them), mpe2:NAME, pettingzoo:NAME,
    gymnasium:ID, jaxmarl:NAME, or an environment of one's own as package.module:factory (docs/environments.md)."""
    arguments: tuple[str, ...] = ()
    """What an environment of others or of one's own is made with, as NAME=VALUE: `N=3 continuous_actions=true`."""
    preset: Preset = "tuned"
    """tuned: what we measured to learn best; paper: the learning settings of the paper's released code, whose worlds come with
    --dynamics openai --rewards openai --action-mode simplex."""
    config: Path | None = None
    """A TOML file with tables [world], [algorithm], [training], [reward_design] and [channel], whose fields are the flags below, and
    a table [teams.NAME] for each team that differs."""
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
        try:
            with training_progress(console) as tell:
                trained = train(parts, folder, tell)
        except (NotFinite, BadEnvironment, EnvironmentFailed) as error:
            console.print(f"maddpg: {error}{_where_saved(error, folder)}", highlight=False, markup=False, soft_wrap=True)
            return 1
        if not trained.finished:
            console.print(
                f"stopped after {trained.steps:_} of {config.training.steps:_} steps; evaluating what there is",
                highlight=False,
                markup=False,
            )
        evaluation = evaluate(
            parts.spec,
            trained.play(),
            config.training.all_seeds,
            FINAL_EPISODES if isinstance(parts.environment, Environment) else config.training.evaluation_episodes,
            as_trained(trained.algorithm),
            config.world.action_mode,
            scripted=trained.stage.scripted,
        )
        trained.close()
        write_json(folder.evaluation, evaluation.to_dict())
        draw_curves(folder.metrics, evaluation, folder.curves)
        if is_particle_world(config):
            _draw_episodes(trained, folder)
        Console().print(evaluation_table(evaluation))
        console.print(
            f"{_lost(trained)}"
            f"{trained.steps:_} steps and {trained.updates:_} updates of every agent, {trained.steps_per_second:,.0f} steps/s\n"
            f"saved in {folder.path}: {', '.join(sorted(path.name for path in folder.path.iterdir()))}\n"
            f"next: {sys.argv[0]} evaluate {folder.path}{f' --env mpe2:{config.environment}' if mpe2.has(config) else ''}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        return 0 if trained.finished else 130


def _where_saved(error: Exception, folder: RunFolder) -> str:
    """Where the last good state is, and the environment's own traceback, if it has one."""
    if isinstance(error, NotFinite):
        return ""
    told = f"; what was learned before is saved in {folder.path}" if folder.parameters.is_file() else ""
    if isinstance(error, EnvironmentFailed) and error.traceback:
        write_bytes(folder.environment_error, error.traceback.encode())
        told += f"; the environment's traceback is in {folder.environment_error}"
    return told


def _lost(trained: Trained) -> str:
    """A line about environments that failed, if any did."""
    return f"{trained.lost_episodes} episodes were lost to environments that failed and were replaced\n" if trained.lost_episodes else ""


def _draw_episodes(trained: Trained, folder: RunFolder) -> None:
    """The picture of the first seed at work, where there is something to see."""
    config = trained.parts.config
    scenario = make_scenario(config.environment, **config.world.given())
    if scenario.bodies.moves.any():
        first_seed = jax.tree.map(lambda leaf: leaf[0], trained.learner.actor)
        worlds = record(trained.algorithm, trained.environment, first_seed, jax.random.key(0), PICTURED_EPISODES)
        draw_episodes(scenario, without_channel(worlds), folder.episodes)
