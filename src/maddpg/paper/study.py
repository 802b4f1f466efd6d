"""What a table of the paper is made of: in which worlds who meets whom, what is counted, and what the paper prints."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from maddpg.config import Config
from maddpg.evaluation.rollout import Episodes
from maddpg.statistics import Interval

REACHED = 0.45
"""How near counts as reached, which the text does not say. It is inferred from opponents and listeners that know nothing: a listener that
goes to the middle of the three landmarks ends within 0.45 of its goal in 31.7% of episodes, by geometry alone, where the paper's DDPG has
32.0 ?; an adversary that stands in the middle of two or four landmarks in 41.3% and 27.1%, where the paper has 39.2 ? and 28.3 ?. A ? is
from memory; docs/paper.md has the geometry, by benchmarks/paper.py."""

LineUp = tuple[str, ...]
"""The kind of each side, in the order of `Study.sides`."""


@dataclass(frozen=True)
class Measure:
    """A column: a number for every episode, and how its mean is written."""

    heading: str
    of: Callable[[Episodes], Any]
    """`Episodes` [..., episode] -> [..., episode]."""
    percent: bool = False
    """Whether it is a share, which is written in percent."""
    digits: int = 1
    signed: bool = False
    """Whether it can be below zero."""
    of_mean: Callable[[np.ndarray], np.ndarray] = np.asarray
    """What is counted of the mean over a pairing's episodes: the mean itself, if nothing else is said."""

    def possible(self, interval: Interval) -> Interval:
        """The same interval without what no mean can be."""
        least = -np.inf if self.signed and not self.percent else -1.0 if self.signed else 0.0
        low, high = np.clip([interval.low, interval.high], least, 1.0 if self.percent else np.inf)
        return Interval(interval.estimate, low, high)

    def text(self, value: float) -> str:
        """A mean, as it is written."""
        return f"{100 * value if self.percent else value:.{self.digits}f}"


@dataclass(frozen=True)
class Printed:
    """A number that the paper prints, in the units in which ours is written."""

    value: float
    verified: bool = False
    """Whether it stands in the main text, where anybody can look it up; all others are remembered from the appendix, and may be wrong."""
    digits: int = 1

    def __str__(self) -> str:
        return f"{self.value:.{self.digits}f}{'' if self.verified else ' ?'}"


def unchanged(config: Config) -> Config:
    """No change."""
    return config


@dataclass(frozen=True)
class Study:
    """A table of the paper."""

    name: str
    """What is typed."""
    title: str
    environment: str
    sides: Mapping[str, str]
    """Team -> what the table calls it, in the order of the columns."""
    kinds: tuple[str, ...]
    """Who takes part, names of `settings.KINDS`. Where two sides play, each of one meets each of the other."""
    measures: tuple[Measure, ...]
    seeds: tuple[int, ...]
    """How many are trained in one program, and in the next. Programs add up, to as many as the paper has, as far as is known."""
    worlds: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"": {}})
    """What a variant of the world is called -> the settings of the world that make it."""
    printed: Mapping[tuple[str, LineUp], Mapping[str, Printed]] = field(default_factory=dict)
    """(variant, line-up) -> heading -> what the paper prints."""
    together: bool = True
    """Whether sides that were trained together are looked at; where two sides play, they also meet strangers."""
    changes: Mapping[str, Callable[[Config], Config]] = field(default_factory=dict)
    """Setting -> what is different here from what it is elsewhere."""
    curves: Mapping[str, str] = field(default_factory=dict)
    """Where one team plays: metric -> what its curve over training is called. The return is always drawn."""
    afresh: Mapping[str, str] = field(default_factory=dict)
    """Team that is frozen after training -> what those are called who then learn against it alone."""

    @property
    def line_ups(self) -> list[LineUp]:
        """Every kind of the first side with every kind of the second."""
        return list(itertools.product(self.kinds, repeat=len(self.sides)))

    @property
    def apart(self) -> bool:
        """Whether strangers meet."""
        return len(self.sides) > 1


def metric(name: str) -> Callable[[Episodes], Any]:
    """The world's metric of that name."""
    return partial(_metric, name)


def within(name: str, radius: float) -> Callable[[Episodes], Any]:
    """Whether the world's metric of that name, a distance, is below `radius`."""
    return partial(_within, name, radius)


# Not closures: other processes are sent a study with its measures.
def _metric(name: str, episodes: Episodes) -> Any:
    return np.asarray(episodes.metrics[name], float)


def _within(name: str, radius: float, episodes: Episodes) -> Any:
    return (_metric(name, episodes) < radius).astype(float)
