"""When a run is written down so that it can go on (docs/runs.md)."""

from __future__ import annotations

from dataclasses import dataclass

from maddpg.config.checks import LARGEST_COUNT, require


@dataclass(frozen=True)
class CheckpointConfig:
    """When a run is written down so that it can go on. Nothing that it learns depends on this."""

    checkpoint_minutes: float | None = 5.0
    """Minutes between two checkpoints; by steps alone if left out."""
    checkpoint_steps: int | None = None
    """Environment steps between two checkpoints, rounded down to whole rounds; by minutes alone if left out."""
    checkpoints_kept: int = 2
    """How many of the newest stay. They share the replay's files, so that another one takes little."""
    checkpoint_replay: bool = True
    """Whether the replay is written too. Without it a resumed run fills it again before it learns, and is not the run that was stopped."""

    def __post_init__(self) -> None:
        minutes, steps = self.checkpoint_minutes, self.checkpoint_steps
        require(minutes is None or 0 < minutes <= 1e6, "checkpoint_minutes", minutes, "must be above 0 and at most a million, or left out")
        require(steps is None or 1 <= steps <= LARGEST_COUNT, "checkpoint_steps", steps, "must be at least 1, or left out")
        require(1 <= self.checkpoints_kept <= 1000, "checkpoints_kept", self.checkpoints_kept, "must lie between 1 and 1000")
