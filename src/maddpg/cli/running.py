"""Training to the end and what comes after it: what `maddpg train` and `maddpg resume` have in common."""

from __future__ import annotations

import jax
from rich.console import Console

from maddpg.cli.progress import training_progress
from maddpg.cli.saying import program
from maddpg.cli.trusted import trusting
from maddpg.config import CheckpointConfig
from maddpg.environments import mpe2
from maddpg.environments.channel import without_channel
from maddpg.environments.contract import Environment
from maddpg.environments.host import BadEnvironment
from maddpg.environments.registry import is_particle_world
from maddpg.environments.vector import EnvironmentFailed
from maddpg.evaluation.evaluate import evaluate
from maddpg.evaluation.players import as_trained
from maddpg.particles import make_scenario
from maddpg.report.card import write_card
from maddpg.report.curves import draw_curves
from maddpg.report.episode import draw_episodes, record
from maddpg.report.tables import evaluation_table, lost_line
from maddpg.storage.files import write_bytes, write_json
from maddpg.storage.lock import only_one
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import Parts
from maddpg.training.health import NotFinite
from maddpg.training.run import NotSaved, train
from maddpg.training.trained import Trained

FINAL_EPISODES = 1_000
PICTURED_EPISODES = 4


def run_to_the_end(parts: Parts, folder: RunFolder, checkpoints: CheckpointConfig, console: Console, resume: bool = False) -> int:
    """Train, evaluate, print, save; the exit code."""

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    config = parts.config
    try:
        with only_one(folder.path), training_progress(console) as tell:
            trained = train(parts, folder, tell, checkpoints=checkpoints, say=say, resume=resume)
    except (NotFinite, BadEnvironment, EnvironmentFailed, NotSaved) as error:
        say(f"maddpg: {error}{_where_saved(error, folder)}")
        return 1
    if not trained.finished:
        trained.close()
        write_card(folder, config, parts.spec, trained.steps)
        say(
            f"stopped after {trained.steps:_} of {config.training.steps:_} steps; saved in {folder.path}\n"
            f"next: {program()} resume {folder.path}{trusting(config)}, or {program()} evaluate {folder.path}{trusting(config)}"
        )
        return 128 + (trained.signal or 2)
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
    write_card(folder, config, parts.spec, trained.steps, evaluation)
    draw_curves(folder.metrics, evaluation, folder.curves)
    if is_particle_world(config):
        _draw_episodes(trained, folder)
    Console().print(evaluation_table(evaluation))
    names = sorted(path.name for path in folder.path.iterdir() if not path.name.startswith("."))
    say(
        f"{_lost(trained)}{lost_line(evaluation)}"
        f"{trained.steps:_} steps and {trained.updates:_} updates of every agent, {trained.speed}\n"
        f"saved in {folder.path}: {', '.join(names)}\n"
        f"next: {program()} evaluate {folder.path}{f' --env mpe2:{config.environment}' if mpe2.has(config) else trusting(config)}"
    )
    return 0


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
    lost = trained.lost_episodes
    return f"{lost} episodes of training were lost to environments that failed and were replaced\n" if lost else ""


def _draw_episodes(trained: Trained, folder: RunFolder) -> None:
    """The picture of the first seed at work, where there is something to see."""
    config = trained.parts.config
    scenario = make_scenario(config.environment, **config.world.given())
    if scenario.bodies.moves.any():
        first_seed = jax.tree.map(lambda leaf: leaf[0], trained.learner.actor)
        worlds = record(trained.algorithm, trained.environment, first_seed, jax.random.key(0), PICTURED_EPISODES)
        draw_episodes(scenario, without_channel(worlds), folder.episodes)
