"""The command line: `maddpg train` and the other commands."""

from maddpg.cli.main import main

__all__ = ["main"]
