"""The command line: `maddpg train`, `maddpg evaluate`, `maddpg envs`."""

from maddpg.cli.main import main

__all__ = ["main"]
