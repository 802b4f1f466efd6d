"""The commands: each is its arguments, and what it does with them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import jax
import tyro
from rich.console import Console

from maddpg.algorithm.state import assemble, init
from maddpg.cli.progress import counting, training_progress
from maddpg.config import AlgorithmConfig, Config, Preset, TrainingConfig, WorldConfig
from maddpg.environments import mpe2
from maddpg.environments.registry import describe_environments, make_environment, resolve
from maddpg.evaluation.evaluate import Play, device_play, evaluate
from maddpg.evaluation.players import Player, choose_players, everybody
from maddpg.evaluation.rollout import make_rollout
from maddpg.particles import make_scenario
from maddpg.report.curves import draw_curves
from maddpg.report.episode import draw_episodes, record
from maddpg.report.tables import environment_lines, evaluation_table
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import without_nan, write_json
from maddpg.storage.parameters import load_parameters
from maddpg.storage.run_folder import RunFolder, make_run_folder
from maddpg.training.health import NotFinite
from maddpg.training.run import plan, train
from maddpg.types import PyTree

FINAL_EPISODES = 1_000
PICTURED_EPISODES = 4


@dataclass(frozen=True)
class Train:
    """Train a team, evaluate it, and save it. Flags win over the file, the file over the preset."""

    environment: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="ENV")]]
    """What to train in, such as simple_spread; `maddpg envs` lists all."""
    preset: Preset = "tuned"
    """tuned: what we measured to learn best; paper: the learning settings of the paper's released code, whose worlds come with
    --dynamics openai --rewards openai --action-mode simplex."""
    config: Path | None = None
    """A TOML file with tables [world], [algorithm] and [training], whose fields are the flags below."""
    out: Path | None = None
    """The run's folder, new or empty. Left out: runs/<environment>-<n>."""
    world: WorldConfig = field(default_factory=WorldConfig)
    algorithm: AlgorithmConfig = field(default_factory=AlgorithmConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def run(self) -> int:
        """Train, evaluate, print, save; the exit code."""
        enable_compilation_cache()
        config = resolve(Config(self.environment, self.world, self.algorithm, self.training))
        console = Console(stderr=True)
        planned = plan(config)  # refuses what would not fit, before there is a folder
        folder = make_run_folder(self.out, config.environment)
        console.print(f"{config.environment}: {planned}", highlight=False, markup=False, soft_wrap=True)
        try:
            with training_progress(console) as tell:
                trained = train(config, folder, tell)
        except NotFinite as error:
            console.print(f"maddpg: {error}", highlight=False, markup=False, soft_wrap=True)
            return 1
        if not trained.finished:
            console.print(
                f"stopped after {trained.steps:_} of {config.training.steps:_} steps; evaluating what there is",
                highlight=False,
                markup=False,
            )
        seeds = config.training.all_seeds
        spec = trained.environment.spec
        assert config.world.action_mode is not None  # `resolve` fills it in
        evaluation = evaluate(spec, trained.play(), seeds, FINAL_EPISODES, everybody(spec, Player.LEARNED), config.world.action_mode)
        write_json(folder.evaluation, evaluation.to_dict())
        draw_curves(folder.metrics, evaluation, folder.curves)
        scenario = make_scenario(config.environment, **config.world.given())
        if scenario.bodies.moves.any():
            first_seed = jax.tree.map(lambda leaf: leaf[0], trained.learner.actor)
            worlds = record(trained.algorithm, trained.environment, first_seed, jax.random.key(0), PICTURED_EPISODES)
            draw_episodes(scenario, worlds, folder.episodes)
        Console().print(evaluation_table(evaluation))
        console.print(
            f"{trained.steps:_} steps and {trained.updates:_} updates of every agent, {trained.steps_per_second:,.0f} steps/s\n"
            f"saved in {folder.path}: {', '.join(sorted(path.name for path in folder.path.iterdir()))}\n"
            f"next: {sys.argv[0]} evaluate {folder.path}{f' --env mpe2:{config.environment}' if mpe2.has(config) else ''}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        return 0 if trained.finished else 130


@dataclass(frozen=True)
class Evaluate:
    """Play the trained agents of a run, greedily, beside random, still and scripted play."""

    run_folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]
    """The folder of a run."""
    episodes: int = FINAL_EPISODES
    """Episodes for each seed."""
    env: str | None = None
    """Where to play: left out, the run's own world on the device; mpe2:NAME, the same world in the real mpe2 package."""
    play: tuple[str, ...] = ()
    """Who plays a team or an agent instead of the trained actor: NAME=random, still or scripted, such as `--play good=scripted`."""
    json: bool = False
    """Print one JSON object and nothing else on standard output."""

    def run(self) -> int:
        """Play, print; the exit code."""
        if self.episodes < 1:
            raise ValueError(f"--episodes {self.episodes}: it must be at least 1")
        enable_compilation_cache()
        folder = RunFolder(self.run_folder)
        config = folder.read_config()
        environment = make_environment(config)
        players = choose_players(environment.spec, _pairs(self.play))
        algorithm = assemble(config.algorithm, environment.spec)
        actor = _load_actor(folder, config)
        seeds = config.training.all_seeds
        console = Console(stderr=True)
        assert config.world.action_mode is not None
        play: Play
        if self.env is None:
            play = device_play(make_rollout(algorithm, environment, config.training.evaluation_episodes), actor)
            evaluation = evaluate(environment.spec, play, seeds, self.episodes, players, config.world.action_mode)
        else:
            from maddpg.evaluation.reference import reference_play

            _require_same_world(self.env, config)
            with counting(console, f"episodes in {self.env}", self.episodes * (len(seeds) + 3)) as tell:
                play = reference_play(config, algorithm, environment, actor, tell)
                evaluation = evaluate(environment.spec, play, seeds, self.episodes, players, config.world.action_mode, self.env)
        if self.json:
            print(json.dumps(without_nan(evaluation.to_dict()), allow_nan=False))
        else:
            Console().print(evaluation_table(evaluation))
        return 0


@dataclass(frozen=True)
class Environments:
    """List the environments that there are, their agents and their spaces."""

    def run(self) -> int:
        """Print the list; the exit code."""
        for line in environment_lines(describe_environments()):
            print(line)
        return 0


def _pairs(words: tuple[str, ...]) -> dict[str, str]:
    """NAME=PLAYER words as a table."""
    for word in words:
        if word.count("=") != 1:
            raise ValueError(f"--play {word!r}: it must be NAME=PLAYER, such as good=scripted")
    return dict(word.split("=") for word in words)


def _require_same_world(env: str, config: Config) -> None:
    """Raise `ValueError` unless `env` is mpe2's version of the world that the run was trained in."""
    place, _, name = env.partition(":")
    if place != "mpe2":
        raise ValueError(f"--env {env!r}: it must be mpe2:NAME, here mpe2:{config.environment}; or leave it out")
    if resolve(Config(name)).environment != config.environment:
        raise ValueError(f"--env {env!r}: this run was trained in {config.environment}; give mpe2:{config.environment}")


def _load_actor(folder: RunFolder, config: Config) -> PyTree:
    """The actors of all seeds, [seed, agent, ...]."""
    algorithm = assemble(config.algorithm, make_environment(config).spec)
    keys = jax.random.split(jax.random.key(0), config.training.seeds)
    like = jax.eval_shape(jax.vmap(lambda key: init(algorithm, key).actor), keys)
    if not folder.parameters.is_file():
        raise ValueError(f"{folder.path} holds no {folder.parameters.name}: its training has not ended yet")
    return load_parameters(folder.parameters, {"actor": like})["actor"]
