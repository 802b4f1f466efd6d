"""What many steps of random play show: the scale of rewards and observations, and how episodes end."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from maddpg.config import AlgorithmConfig
from maddpg.environments.conformance.findings import Findings, Measures

LARGE = 100.0
"""A reward or an observation beyond it is said: networks start out as if all were of the size of one."""

LONG = 10
"""An episode of more times the steps that the default discount sees ahead is said; one of the particle worlds has 4 times as many."""


@dataclass
class Experience:
    """What one agent saw and earned."""

    rewards: list[list[float]] = field(default_factory=list)  # [episode][step in which it acted]
    lowest: np.ndarray | None = None  # [column], of all observations
    highest: np.ndarray | None = None
    observations: int = 0

    def begin(self) -> None:
        """An episode begins."""
        self.rewards.append([])

    def learn(self, observation: np.ndarray | None, reward: float | None) -> None:
        """Take in an observation [column], or none, and a reward, or none."""
        if reward is not None:
            self.rewards[-1].append(reward)
        if observation is not None:
            self.observations += 1
            self.lowest = observation if self.lowest is None else np.minimum(self.lowest, observation)
            self.highest = observation if self.highest is None else np.maximum(self.highest, observation)


@dataclass(frozen=True)
class Ending:
    """How an episode ended."""

    length: int
    over: bool  # by itself
    all_terminated: bool  # everyone at its last step, and nobody truncated or sooner


def check_rewards(findings: Findings, experiences: Mapping[Hashable, Experience]) -> None:
    """Rewards are neither huge nor all zero."""
    earned = {
        agent: np.array([reward for episode in experience.rewards for reward in episode]) for agent, experience in experiences.items()
    }
    earned = {agent: rewards for agent, rewards in earned.items() if rewards.size}
    for agent, rewards in earned.items():
        if (largest := float(np.abs(rewards).max())) > LARGE:
            findings.add(
                "warning",
                f"rewards reach {largest:,.0f} in size, {np.abs(rewards).mean():,.3g} on average over steps",
                "divide them in the environment, to a size of about 1: gradients are clipped, and values this large are learned slowly",
                agent,
            )
    silent = [agent for agent, rewards in earned.items() if not rewards.any()]
    if earned and len(silent) == len(earned):
        findings.add(
            "warning",
            f"all rewards were 0 in {sum(rewards.size for rewards in earned.values()):,} decisions at random",
            "see whether random play can earn anything: give an earlier reward, or more --episodes to this check",
        )
    else:
        for agent in silent:
            findings.add("note", "all its rewards were 0 in random play", "see that it can earn something", agent)


def check_observations(findings: Findings, experiences: Mapping[Hashable, Experience]) -> None:
    """Observations are not huge, and change."""
    for agent, experience in experiences.items():
        if experience.lowest is None or experience.highest is None or experience.observations < 2:
            continue
        size = np.maximum(np.abs(experience.lowest), np.abs(experience.highest))
        if (largest := float(size.max())) > LARGE:
            what = f"observations reach {largest:,.0f} in size, in column {int(size.argmax())}"
            findings.add("note", what, "divide such columns to a size of about 1, as networks expect", agent)
        constant = np.flatnonzero(experience.lowest == experience.highest)
        if constant.size:
            first = ", ".join(map(str, constant[:5])) + (", ..." if constant.size > 5 else "")
            what = f"{constant.size} of {size.size} columns of the observation never changed: {first}"
            findings.add("note", what, "leave out what never changes; harmless if it changes with better play", agent)


def check_endings(findings: Findings, endings: Sequence[Ending], declared: int | None, limit: int) -> None:
    """Episodes end, and those that end by the clock say so.

    Args:
        findings: where to write.
        endings: of all episodes that were played.
        declared: steps after which the environment says that it ends; None where it says nothing.
        limit: steps after which play was broken off.
    """
    over = [ending for ending in endings if ending.over]
    if len(over) < len(endings):
        words = f"an episode was not over after {limit:,} steps"
        if declared is None or declared <= limit:
            remedy = "end episodes, with truncation if by time, or train with --time-limit; training cuts them off there"
            findings.add("warning", words, remedy, step=limit)
        else:
            findings.add("note", f"{words} of random play; the environment declares {declared:,}", "see that it does end there")
    if declared is not None and any(ending.length > declared for ending in over):
        longest = max(ending.length for ending in over)
        what = f"an episode took {longest:,} steps, and the environment declares at most {declared:,}"
        findings.add("note", what, "mend the number that it declares (max_cycles or the like), which training believes", step=longest)
    lengths = {ending.length for ending in over}
    if len(over) > 1 and len(lengths) == 1 and lengths != {1} and all(ending.all_terminated for ending in over):
        (length,) = lengths
        findings.add(
            "warning",
            f"all {len(over)} episodes terminated for everyone at step {length}: that looks like a time limit",
            "report truncation, not termination, when time is up: otherwise values are taken as 0 there",
            step=length,
        )


def check_discount(findings: Findings, endings: Sequence[Ending], declared: int | None) -> None:
    """The default discount, which nobody chose for this environment, sees far enough; arguments are as in `check_endings`."""
    gamma = AlgorithmConfig().gamma
    sight = 1 / (1 - gamma)
    longest = max([declared or 0, *(ending.length for ending in endings)])
    if longest > LONG * sight:
        findings.add(
            "note",
            f"an episode may take {longest:,} steps, and the default discount, {gamma:g}, sees about {sight:.0f} ahead",
            "train with --gamma 0.95 to 0.99, which see 20 to 100 ahead; fine as it is if what an action does shows within a few steps",
        )


def measure(
    experiences: Mapping[Hashable, Experience], endings: Sequence[Ending], steps_per_second: float | None, reset_seconds: float | None
) -> Measures:
    """The numbers of random play."""
    returns, sizes = {}, {}
    for agent, experience in experiences.items():
        rewards = [reward for episode in experience.rewards for reward in episode]
        if rewards:
            returns[str(agent)] = float(np.mean([sum(episode) for episode in experience.rewards]))
            sizes[str(agent)] = float(np.mean(np.abs(rewards)))
    lengths = tuple(ending.length for ending in endings)
    return Measures(sum(lengths), lengths, returns, sizes, steps_per_second, reset_seconds)
