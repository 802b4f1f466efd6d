"""What a run writes down while it goes on: lines of metrics.jsonl, at fixed numbers of steps however the work is cut."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.state import Hyper
from maddpg.config import TrainingConfig
from maddpg.evaluation.players import as_trained
from maddpg.evaluation.scores import mean_metrics
from maddpg.evaluation.stage import Stage
from maddpg.storage.lines import Lines
from maddpg.training.best import Best
from maddpg.training.loop import Loop
from maddpg.training.noted import Noted
from maddpg.training.run_state import RunState, Totals
from maddpg.training.saved import networks
from maddpg.types import AnyArray, PyTree


@dataclass
class Journal:
    """Writes a training line for each seed every `log_interval` steps and an evaluation line every `evaluation_interval`.

    Both intervals are rounded down to whole rounds. The end of a run, early or not, is always written.
    """

    loop: Loop
    hyper: Hyper
    stage: Stage
    lines: Lines
    best: Best
    surviving: Callable[[str], AbstractContextManager[None]]
    """Goes on where what it names cannot be written."""
    logged: int = 0
    """Rounds done when the last training line was written."""
    updated: int = 0
    """Updates done then."""
    evaluated: int = 0
    """Rounds done when the last evaluation line was written."""
    episode_return: dict[str, float] = field(default_factory=dict)
    """By agent, of the last training lines, mean over seeds; what is shown while the run goes on."""

    @property
    def training(self) -> TrainingConfig:
        """How much is trained, and how often a line is due."""
        return self.loop.training

    def rounds_until_due(self, rounds: int) -> int:
        """Rounds from here to the next line of either kind."""
        return min(every - rounds % every for every in (self._log_every, self._evaluate_every) if every)

    def write(self, run: RunState, rounds: int, last: bool = False) -> RunState:
        """What is due after so many rounds, or at the end, unless it stands there already. Totals that were written start from zero.

        Lines that cannot be written now wait in `lines`.
        """
        if (rounds % self._log_every == 0 or last) and rounds > self.logged:
            infers = self.loop.algorithm.config.inference and rounds > self.training.warmup_rounds
            models = self.loop.compare_models(self.hyper, run) if infers else {}
            updates = int(run.learner.updates[0])
            self._training_lines(jax.device_get(run.totals), jax.device_get(models), rounds, updates)
            run = replace(run, totals=jax.tree.map(jnp.zeros_like, run.totals))
            self.logged, self.updated = rounds, updates
        if self._evaluate_every and (rounds % self._evaluate_every == 0 or last) and rounds > self.evaluated:
            returns = self._evaluation_lines(run.learner.actor, rounds)
            self.evaluated = rounds
            with self.surviving("the best networks"):
                self.best.offer(rounds * self.training.round_steps, returns, networks(run.learner))
        with self.surviving("metrics"):
            self.lines.flush()
        return run

    def snapshot(self) -> tuple[dict[str, Any], PyTree]:
        """What `read_noted` reads, and the best networks.

        Raises:
            OSError: lines still wait that cannot be written.
        """
        best, kept = self.best.snapshot()
        names = ("logged", "evaluated", "updated", "episode_return")
        return {**{name: getattr(self, name) for name in names}, "bytes": self.lines.sync(), "best": best}, kept

    def restore(self, noted: Noted, kept: PyTree) -> tuple[str, ...]:
        """Go on from a snapshot: later lines are taken away, since they come again. A line for the user where some are missing."""
        self.logged, self.evaluated, self.updated = noted.logged, noted.evaluated, noted.updated
        self.episode_return = dict(noted.episode_return)
        whole = self.lines.cut(noted.bytes)
        self.best.restore(noted, kept)
        return () if whole else (f"{self.lines.path} was longer when the checkpoint was written: lines are missing in it",)

    @property
    def _log_every(self) -> int:
        return max(1, self.training.log_interval // self.training.round_steps)

    @property
    def _evaluate_every(self) -> int:
        """Zero: never."""
        interval = self.training.evaluation_interval
        return max(1, interval // self.training.round_steps) if interval else 0

    def _training_lines(self, totals: Totals, models: dict[str, AnyArray], rounds: int, updates: int) -> None:
        """The sums on the device become means over what they were summed over; `models` are [seed, learner, other]."""
        training, returns = self.training, []
        updates_since = updates - self.updated
        steps = (rounds - self.logged) * training.round_steps
        for row, seed in enumerate(self.training.all_seeds):
            episodes = int(totals.episodes[row])
            line: dict[str, Any] = {
                "kind": "training",
                "seed": seed,
                "steps": rounds * training.round_steps,
                "updates": updates,
                "episodes": episodes,
                "reward": self._by_agent(totals.reward[row] / steps),
            }
            if totals.lost[row]:
                line["lost_steps"] = int(totals.lost[row])
            if totals.designed_reward is not None:
                line["designed_reward"] = self._by_agent(totals.designed_reward[row] / steps)
            if episodes:
                returns.append(totals.episode_return[row] / episodes)
                line["return"] = self._by_agent(returns[-1])
            if updates_since:
                line |= {name: self._by_learner(total[row] / updates_since) for name, total in totals.updates.items()}
                line |= {name: self._by_pair(values[row]) for name, values in models.items()}
            self.lines.add(line)
        if returns:
            self.episode_return = self._by_agent(np.mean(returns, axis=0))

    def _evaluation_lines(self, actor: PyTree, rounds: int) -> list[float]:
        """Greedy episodes of every seed; its return, mean over the agents that learn."""
        episodes = self.stage.watch(actor)(as_trained(self.loop.algorithm), self.training.evaluation_episodes)
        for row, seed in enumerate(self.training.all_seeds):
            line = {
                "kind": "evaluation",
                "seed": seed,
                "steps": rounds * self.training.round_steps,
                "return": self._by_agent(episodes.returns[row].mean(axis=0)),
                "metrics": mean_metrics(self._names, {name: values[row] for name, values in episodes.metrics.items()}),
            }
            if episodes.lost is not None and episodes.lost[row]:
                line["lost_episodes"] = int(episodes.lost[row])
            self.lines.add(line)
        learners = list(self.loop.algorithm.players.learners)
        return [float(each[:, learners].mean()) for each in episodes.returns]

    def _by_agent(self, values: AnyArray) -> dict[str, float]:
        return {name: float(value) for name, value in zip(self._names, values, strict=True)}

    def _by_learner(self, values: AnyArray) -> dict[str, float]:
        learners = self.loop.algorithm.players.learners
        return {self._names[agent]: float(value) for agent, value in zip(learners, values, strict=True)}

    def _by_pair(self, values: AnyArray) -> dict[str, dict[str, float]]:
        """Who infers -> whose policy -> the number, where there is one."""
        algorithm = self.loop.algorithm
        rows = zip(algorithm.players.learners, algorithm.others, values, strict=True)
        return {
            self._names[agent]: {self._names[other]: float(value) for other, value in zip(others, row, strict=True) if np.isfinite(value)}
            for agent, others, row in rows
        }

    @property
    def _names(self) -> tuple[str, ...]:
        return self.loop.algorithm.spec.names
