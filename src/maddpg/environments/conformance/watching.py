"""Random play of an environment in Python as PettingZoo has it, watched at every reset and step."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maddpg.environments.conformance.anatomy import Mover, Subject
from maddpg.environments.conformance.attempts import Attempt, Stuck
from maddpg.environments.conformance.habits import Experience
from maddpg.environments.conformance.inspection import (
    inspect_agents,
    inspect_ends,
    inspect_mask,
    inspect_observations,
    inspect_rewards,
    unpack,
)
from maddpg.environments.conformance.luck import Luck
from maddpg.environments.foreign.parallel import RESET, STEP
from maddpg.environments.foreign.reading import Rows
from maddpg.spaces.masks import first_options

Frame = dict[Hashable, tuple[int, float]]
"""What an agent was told at a moment: a digest of its observation, and its reward."""


@dataclass
class Clock:
    """Seconds spent in one of the environment's functions."""

    calls: int = 0
    seconds: float = 0.0

    def time(self, function: Callable[[], Any]) -> Any:
        """Call it, and remember how long it took."""
        began = time.perf_counter()
        result = function()
        self.seconds += time.perf_counter() - began
        self.calls += 1
        return result


@dataclass
class Episode:
    """What is known of the episode that is being played."""

    alive: list[Hashable] = field(default_factory=list)  # act next, in the order of the subjects
    masks: dict[Hashable, np.ndarray] = field(default_factory=dict)  # [action] bool, of those among them who have one
    terminated: set[Hashable] = field(default_factory=set)
    frames: list[Frame] = field(default_factory=list)
    step: int = 0
    all_terminated: bool = False  # everyone was terminated by the last step, and nobody sooner


class Watch:
    """An environment at random play. Actions depend on nothing but the seed of the reset and what was told since."""

    def __init__(self, environment: Any, subjects: Sequence[Subject], mover: Mover | None, attempt: Attempt) -> None:
        self.environment = environment
        self.findings = attempt.findings
        self.experiences = {subject.key: Experience() for subject in subjects}
        self.resets, self.steps, self.luck = Clock(), Clock(), Luck()
        self.episode = Episode()
        self._subjects = subjects
        self._mover = mover
        self._attempt = attempt
        self._masked: bool | None = None  # whether there were masks at the first reset
        self._had_mask: set[Hashable] = set()
        self._generator = np.random.default_rng(0)

    def reset(self, seed: int) -> None:
        """Begin an episode; raises `Stuck` where none begins."""
        self._generator = np.random.default_rng(seed)
        self.episode = Episode()
        result = self._call("reset", self.resets, lambda: self.environment.reset(seed=seed))
        observations, infos = unpack(self.findings, result, RESET, 0)
        there = inspect_agents(self.findings, self._subjects, self._agents(), 0)
        if not there:
            self.findings.add("error", "nobody stands in agents after a reset", "put those there who begin the episode", step=0)
            raise Stuck
        for experience in self.experiences.values():
            experience.begin()
        self._tell(observations, infos, {}, there, frozenset(), frozenset())

    def step(self) -> None:
        """Step with random actions of all who are alive; raises `Stuck` where it cannot go on."""
        episode = self.episode
        episode.step += 1
        acted = set(episode.alive)
        actions = {
            subject.key: subject.act(self._generator, episode.masks.get(subject.key)) for subject in self._subjects if subject.key in acted
        }
        result = self._call("step", self.steps, lambda: self.environment.step(actions))
        observations, rewards, terminations, truncations, infos = unpack(self.findings, result, STEP, episode.step)
        there = inspect_agents(self.findings, self._subjects, self._agents(), episode.step)
        terminated, truncated = inspect_ends(self.findings, self._subjects, terminations, truncations, acted, episode.step)
        ended = terminated | truncated
        if self._mover is not None:
            ended -= there  # in a game in turns one stays until the own turn comes, as in training
        self._compare_agents(acted, there, ended)
        earned = inspect_rewards(self.findings, self._subjects, rewards, acted, episode.step)
        episode.all_terminated = not (there - ended) and acted == set(self.experiences) and acted <= terminated - truncated
        episode.terminated |= acted & ended & terminated
        left = acted - (there - ended)
        self._tell(observations, infos, earned, there - ended, left - (truncated - terminated), left)

    def _call(self, deed: str, clock: Clock, function: Callable[[], Any]) -> Any:
        """Call the environment, and remember how long it took and where its luck came from."""
        return self._attempt(deed, lambda: self.luck.call(lambda: clock.time(function)), self.episode.step)

    def _agents(self) -> list[Hashable]:
        agents: list[Hashable] = self._attempt("reading agents", lambda: list(self.environment.agents), self.episode.step)
        return agents

    def _compare_agents(self, acted: set[Hashable], there: set[Hashable], ended: set[Hashable]) -> None:
        """Who ends leaves, who leaves has ended, and who was terminated stays away."""
        step = self.episode.step
        for agent in acted & there & ended:
            self.findings.add("warning", "has ended and stands in agents", "take it out in that step; it counts as ended", agent, step)
        for agent in acted - there - ended:
            remedy = "set its termination in that step, or truncation if time was up"
            self.findings.add("error", "left agents without an end", remedy, agent, step)
        for agent in (there - ended) & self.episode.terminated:
            remedy = "let it live on without an end, or stay away until the reset: its value after that end was taken as 0"
            self.findings.add("error", "was terminated in this episode and is back in agents", remedy, agent, step)

    def _tell(
        self,
        observations: Rows,
        infos: Rows,
        earned: dict[Hashable, float],
        alive: set[Hashable],
        spared: Iterable[Hashable],
        left: Iterable[Hashable],
    ) -> None:
        """Read what they see who are alive or have just left, and what the alive may do next."""
        episode, findings = self.episode, self.findings
        told = inspect_observations(findings, self._subjects, observations, alive | set(left), set(spared), episode.step)
        for agent, experience in self.experiences.items():
            experience.learn(told.get(agent), earned.get(agent))
        episode.frames.append({agent: (hash(row.tobytes()), earned.get(agent, 0.0)) for agent, row in told.items()})
        episode.alive = [subject.key for subject in self._subjects if subject.key in alive]
        mover = self._attempt("reading agent_selection", self._mover, episode.step) if self._mover is not None and alive else None
        if mover is not None and mover not in alive:
            findings.add("error", f"agent_selection is {mover!r}, which cannot act", "select one of agents", step=episode.step)
            raise Stuck
        episode.masks = {}
        for subject in self._subjects:
            if subject.key not in alive:
                continue
            if mover is not None and subject.key != mover:
                if subject.player is not None:
                    episode.masks[subject.key] = first_options(subject.player.action)
                continue
            had_one = subject.key in self._had_mask
            mask = inspect_mask(findings, subject, observations, infos, self._masked, had_one, episode.step)
            if mask is not None:
                episode.masks[subject.key] = mask
                self._had_mask.add(subject.key)
        if self._masked is None:
            declared = any(subject.player is not None and subject.player.observation.masked for subject in self._subjects)
            self._masked = mover is not None or declared or bool(episode.masks)
