"""What a run came to, in memory: its networks, and where they play."""

from __future__ import annotations

from dataclasses import dataclass

from maddpg.algorithm.state import Algorithm, TrainState
from maddpg.environments.contract import Environment
from maddpg.evaluation.evaluate import Play
from maddpg.evaluation.stage import Stage
from maddpg.training.build import Parts
from maddpg.training.progress import speed_in_words


@dataclass(frozen=True)
class Trained:
    """What a run came to."""

    parts: Parts
    stage: Stage
    learner: TrainState  # [seed, ...]
    steps: int
    updates: int
    steps_per_second: float  # of all seeds together, without compiling
    finished: bool  # False: stopped on request
    lost_episodes: int = 0  # of environments in Python that failed and were replaced
    signal: int | None = None  # which one stopped it

    @property
    def algorithm(self) -> Algorithm:
        """The static parts."""
        return self.parts.algorithm

    @property
    def environment(self) -> Environment:
        """The environment, where it runs on the device."""
        return self.parts.device_environment()

    @property
    def speed(self) -> str:
        """How fast it learned, in words."""
        return speed_in_words(self.steps_per_second, self.parts.config.training.seeds)

    def play(self) -> Play:
        """Play whole episodes with its actors."""
        return self.stage.play(self.learner.actor)

    def close(self) -> None:
        """End the worker processes in which it plays, if there are any."""
        self.stage.close()
