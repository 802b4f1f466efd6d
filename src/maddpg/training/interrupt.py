"""Stopping on Ctrl-C between chunks of work, with what there is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Whether somebody asked to stop."""

    signal: int | None = None
    """Which one it was."""

    @property
    def asked(self) -> bool:
        """Whether somebody did."""
        return self.signal is not None


@contextmanager
def stop_on_interrupt() -> Iterator[Stop]:
    """Within it, a first Ctrl-C (or SIGTERM) is only noted; a second Ctrl-C interrupts at once."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread may handle signals
        return

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.asked:
            raise KeyboardInterrupt
        stop.signal = number

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
