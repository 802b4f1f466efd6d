"""maddpg envs."""

from __future__ import annotations

from dataclasses import dataclass

from maddpg.environments.registry import describe_environments
from maddpg.report.tables import environment_lines


@dataclass(frozen=True)
class Environments:
    """List the environments that there are, their agents and their spaces."""

    def run(self) -> int:
        """Print the list; the exit code."""
        for line in environment_lines(describe_environments()):
            print(line)
        return 0
