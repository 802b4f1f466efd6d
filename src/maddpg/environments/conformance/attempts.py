"""Calls into code of others, whose exceptions are findings."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from maddpg.environments.conformance.findings import Findings
from maddpg.environments.host import describe_value

Result = TypeVar("Result")


class Stuck(Exception):
    """The check cannot go on here; why is written down."""


def attempt(findings: Findings, deed: str, function: Callable[[], Result], step: int | None = None) -> Result:
    """What a function of the environment's gives; an exception is written down, and `Stuck` raised in its place."""
    try:
        return function()
    except Exception as error:
        write_down(findings, deed, error, step)
        raise Stuck from error


def write_down(findings: Findings, deed: str, error: Exception, step: int | None = None) -> None:
    """An exception as a finding, with its place."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{deed} raised {type(error).__name__}: {describe_value(error)} ({Path(place.filename).name}, line {place.lineno})"
    findings.add("error", what, "mend it; training ends where this happens again and again", step=step)
