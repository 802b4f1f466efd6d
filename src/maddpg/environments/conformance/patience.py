"""Calls into an environment that do not return: an alarm ends them.

The alarm reaches whatever runs Python code or waits in it. Compiled code that never comes back can only be ended with its process: then
the place of the call stands on standard error, and the exit code is 1.
"""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

START_SECONDS = 300.0  # as long as a worker has to make environments and reset them
GRACE_SECONDS = 5.0  # between the alarm and the end of the process
AGAIN_SECONDS = 1.0  # until the alarm rings once more, for code that catches everything
STANDARD_ERROR = 2  # its descriptor, which stays where it is when sys.stderr is replaced


@dataclass(frozen=True)
class Patience:
    """Seconds that a call may take; None: for ever."""

    step: float | None = None
    start: float | None = None  # making and resetting, and all else that is no step


FOR_EVER = Patience()


def patience(step_timeout: float | None) -> Patience:
    """As much as training has: so many seconds for a step, `START_SECONDS` for all else, or as many if that is more."""
    return FOR_EVER if step_timeout is None else Patience(step_timeout, max(step_timeout, START_SECONDS))


class Hung(BaseException):
    """A call has not returned in time. No `Exception`, so that the environment does not catch it by chance."""

    def __init__(self, seconds: float, place: str) -> None:
        super().__init__(f"did not return within {seconds:g} s ({place})")


@contextmanager
def in_time(seconds: float | None) -> Iterator[None]:
    """Raise `Hung` where what is inside takes longer. It must run in the main thread, unless there is no limit, and not inside itself."""
    if seconds is None:
        yield
        return

    def ring(_: int, frame: FrameType | None) -> None:
        assert frame is not None, "Python code is running"
        raise Hung(seconds, f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}")

    before = signal.signal(signal.SIGALRM, ring)
    faulthandler.dump_traceback_later(seconds + GRACE_SECONDS, exit=True, file=STANDARD_ERROR)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
