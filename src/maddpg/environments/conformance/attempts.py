"""Calls into code of others, whose exceptions and silence are findings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from maddpg.environments.conformance.findings import Findings
from maddpg.environments.conformance.patience import Hung, Patience, in_time
from maddpg.environments.mistakes import describe_mistake

Result = TypeVar("Result")


class Stuck(Exception):
    """The check cannot go on here; why is written down."""


@dataclass(frozen=True)
class Attempt:
    """Calls functions of the environment's. What goes wrong is written down, and `Stuck` raised in its place."""

    findings: Findings
    patience: Patience

    def __call__(self, deed: str, function: Callable[[], Result], step: int | None = None) -> Result:
        """What a function gives. `step` is that of the episode; without one, or at the reset, it has the time to begin something."""
        try:
            with in_time(self.patience.step if step else self.patience.start):
                return function()
        except (Exception, SystemExit, Hung) as error:
            write_down(self.findings, deed, error, step)
            raise Stuck from error


def write_down(findings: Findings, deed: str, error: BaseException, step: int | None = None) -> None:
    """What went wrong as a finding, with its place."""
    if isinstance(error, Hung):
        remedy = "mend it; in training its worker is replaced again and again. If it is only slow, give a larger --step-timeout"
        findings.add("error", f"{deed} {error}", remedy, step=step)
        return
    what = f"{deed} raised {describe_mistake(error)}"
    findings.add("error", what, "mend it; training ends where this happens again and again", step=step)
