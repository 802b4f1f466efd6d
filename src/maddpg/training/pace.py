"""How much work goes into one chunk: long enough to hide the host, short enough for Ctrl-C."""

from __future__ import annotations

from dataclasses import dataclass

CHUNK_SECONDS = 0.5


@dataclass
class Pace:
    """The length of the next chunk of one compiled program, from how long the last ones took."""

    length: int = 1
    """Rounds for the next chunk."""
    timed_rounds: int = 0
    timed_seconds: float = 0.0
    compiled: bool = False

    def record(self, rounds: int, seconds: float) -> None:
        """Learn from a chunk. The first one compiles and says little of the next, so the length grows step by step."""
        if self.compiled:
            self.timed_rounds += rounds
            self.timed_seconds += seconds
        self.compiled = True
        self.length = max(1, min(8 * self.length, int(rounds * CHUNK_SECONDS / max(seconds, 1e-9))))

    @property
    def rounds_per_second(self) -> float:
        """Rounds in a second, without compiling; 0 before the second chunk."""
        return self.timed_rounds / self.timed_seconds if self.timed_seconds else 0.0
