"""A saved run, and an environment of one's own that it was trained on, whose code runs only where its name is typed again."""

from __future__ import annotations

from pathlib import Path

from maddpg.cli.saying import program
from maddpg.config import Config
from maddpg.environments.foreign import is_factory
from maddpg.environments.registry import Typed, full_name, is_particle_world, read_environment
from maddpg.particles import SCENARIOS
from maddpg.storage.run_folder import RunFolder
from maddpg.storage.zoo import find_run


def read_run(path: Path) -> tuple[RunFolder, Config]:
    """A run and its configuration.

    Raises:
        ValueError: it is no run, or was trained in a world of ours that this program does not have.
    """
    folder = find_run(path)
    config = folder.read_config()
    if is_particle_world(config) and config.environment not in SCENARIOS:
        raise ValueError(
            f"{path} was trained in {config.environment!r}, which this program does not know; if a script of yours registers it, "
            f"type python SCRIPT in the place of {program()}"
        )
    return folder, config


def trusting(config: Config) -> str:
    """What is typed beside a run's folder for its environment's code to be run; nothing where that is no code of one's own."""
    return f" --env {config.environment}" if is_factory(config.environment) else ""


def read_trusted(env: str | None, config: Config) -> Typed | None:
    """What was typed as --env, which must be what the run was trained on.

    Raises:
        ValueError: it is another environment, or cannot be imported.
    """
    if env is None:
        return None
    if full_name(env) != config.environment:
        raise ValueError(f"--env {env!r}: this run was trained on {config.environment}; give that, or leave it out")
    return read_environment(env)
