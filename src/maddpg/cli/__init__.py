"""The command line: `maddpg train`, `maddpg evaluate`, `maddpg messages`, `maddpg envs`, `maddpg check-env`."""

from maddpg.cli.main import main

__all__ = ["main"]
