"""What goes wrong in environments and can be survived, and the error where it cannot."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from maddpg.environments.host import describe_value

IN_A_ROW = 3  # failures without one good step between them: there is no use in trying again
KEPT = 100  # faults whose words are kept; all are counted

FaultKind = Literal["exception", "died", "hung"]


@dataclass(frozen=True)
class Fault:
    """Something that went wrong and was survived: an environment's exception, or a worker process that died or did not answer."""

    kind: FaultKind
    environments: tuple[int, ...]  # those that were replaced
    step: int  # of all environments together, from 1; what goes wrong in a reset counts to the step before
    message: str  # one line
    traceback: str  # the environment's own, empty where there is none


@dataclass(frozen=True)
class Faults:
    """All faults so far."""

    latest: tuple[Fault, ...] = ()  # the last 100
    count: int = 0  # of all
    lost_episodes: int = 0  # cut off by a fault; each lost the one step that has no transition


@dataclass(frozen=True)
class Report:
    """What a worker answers: what it survived, and the error that it could not."""

    faults: tuple[Fault, ...] = ()
    error: Exception | None = None  # BadEnvironment or EnvironmentFailed


class EnvironmentFailed(RuntimeError):
    """An environment failed too often to go on, in one line; `traceback` is the environment's own, for a file."""

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


def record(faults: Faults, new: Iterable[Fault], lost_episodes: int) -> Faults:
    """The faults with `new` ones, and so many more lost episodes."""
    new = tuple(new)
    return Faults((*faults.latest, *new)[-KEPT:], faults.count + len(new), faults.lost_episodes + lost_episodes)


def describe_exception(error: BaseException) -> tuple[str, str]:
    """An exception in one line, and its whole traceback."""
    return f"{type(error).__name__}: {describe_value(error)}", "".join(traceback.format_exception(error))
