"""An environment of one's own that a saved run was trained on: its code runs only where its name is typed again."""

from __future__ import annotations

from maddpg.config import Config
from maddpg.environments.foreign import is_factory
from maddpg.environments.registry import Typed, read_environment


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
    if env != config.environment:
        raise ValueError(f"--env {env!r}: this run was trained on {config.environment}; give that, or leave it out")
    return read_environment(env)
