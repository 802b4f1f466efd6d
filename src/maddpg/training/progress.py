"""How far a run is, and how fast it goes, for whoever watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["compiling", "warming up", "training"]


@dataclass(frozen=True)
class Progress:
    """What is told while a run goes on."""

    phase: Phase  # what comes next; at the end, what came last
    steps: int  # environment steps done, for each seed
    total: int
    steps_per_second: float  # of all seeds together, while learning; 0 before that
    episode_return: dict[str, float]  # by agent, with exploration, over the last interval, mean over seeds; empty before the first
    seconds_left: float  # at the present speed; 0 before there is one
    seeds: int = 1  # that learn side by side

    @property
    def speed(self) -> str:
        """Steps a second in words; before they are known, what is done instead."""
        return speed_in_words(self.steps_per_second, self.seeds) if self.steps_per_second else self.phase


def speed_in_words(steps_per_second: float, seeds: int) -> str:
    """Steps a second of all seeds together. Steps are counted for each seed, so it says where the two differ."""
    return f"{steps_per_second:,.0f} steps/s" + (f" over {seeds} seeds" if seeds > 1 else "")
