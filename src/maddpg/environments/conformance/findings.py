"""What is found in an environment, and the list that it is written into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from maddpg.types import EnvSpec

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""An error: training would be wrong or impossible. A warning: it would go on, and perhaps not where one thinks. A note: good to know."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found, the first time that it was."""

    severity: Severity
    agent: str | None  # None: the environment as a whole
    step: int | None  # of the episode, 0: the reset; None: at no moment of play
    what: str  # what came, in one line
    remedy: str  # what to do, in one line
    times: int = 1


class Findings:
    """All that is found, each kind once for an agent: what has the same remedy is of one kind."""

    def __init__(self) -> None:
        self._found: dict[tuple[Severity, str | None, str], Finding] = {}

    def add(self, severity: Severity, what: str, remedy: str, agent: object = None, step: int | None = None) -> None:
        """Write one down, or count it where it is there already."""
        who = None if agent is None else str(agent)
        key = (severity, who, remedy)
        known = self._found.get(key)
        one_line = " ".join(what.split())
        self._found[key] = Finding(severity, who, step, one_line, remedy) if known is None else replace(known, times=known.times + 1)

    def refuse(self, error: ValueError, agent: object = None, step: int | None = None) -> None:
        """Write down as an error what a part of the adapter refuses; its words end with the remedy, after a semicolon."""
        what, _, remedy = str(error).rpartition("; ")
        self.add("error", what.removeprefix(f"{agent}: ") or remedy, remedy if what else "mend that", agent, step)

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(finding.severity == "error" for finding in self._found.values())

    def ordered(self) -> tuple[Finding, ...]:
        """Errors first, then warnings, then notes; each in the order in which they were found."""
        return tuple(sorted(self._found.values(), key=lambda finding: SEVERITIES.index(finding.severity)))


@dataclass(frozen=True)
class Measures:
    """What random play measured."""

    steps: int
    episode_lengths: tuple[int, ...]
    mean_returns: Mapping[str, float]  # by agent
    mean_absolute_rewards: Mapping[str, float]  # by agent, of a step
    steps_per_second: float | None  # in one process; None where nothing was stepped
    reset_seconds: float | None


@dataclass(frozen=True)
class Conformance:
    """What became of a check."""

    environment: str
    spec: EnvSpec | None  # None where it cannot be trained in
    findings: tuple[Finding, ...]
    measures: Measures

    def count(self, severity: Severity) -> int:
        """How many findings are so severe."""
        return sum(finding.severity == severity for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain tables for JSON."""
        agents = None if self.spec is None else [asdict(agent) for agent in self.spec.agents]
        counts = {f"{severity}s": self.count(severity) for severity in SEVERITIES}
        return {
            "environment": self.environment,
            **counts,
            "agents": agents,
            "findings": [asdict(finding) for finding in self.findings],
            "measures": asdict(self.measures),
        }
