"""How a study's runs are set: the paper's way and ours, and what MADDPG, DDPG and the others are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from maddpg.config import Config, TeamConfig, WorldConfig, preset
from maddpg.environments.registry import resolve
from maddpg.paper.study import LineUp, Study, unchanged

KINDS: Mapping[str, Mapping[str, Any]] = {
    "MADDPG": {},
    "DDPG": {"critic_view": "own"},
    "inferred policies": {"inference": True},
    "ensemble of 2": {"ensemble_size": 2},
    "ensemble of 3": {"ensemble_size": 3},
}
"""Settings of the algorithm that make each kind."""

SETTINGS = ("paper", "tuned")
"""The paper's: the released code's hyper-parameters, dynamics, rewards and soft actions. Ours: the default preset in mpe2's worlds."""

EPISODE = 25  # steps


@dataclass(frozen=True)
class Size:
    """How much is trained and played."""

    steps: int
    """Environment steps for each seed."""
    episodes: int
    """Greedy episodes of every pairing of seeds."""
    most_seeds: int | None = None
    """Seeds of a single program, where not all that a study has are trained."""
    settings: tuple[str, ...] = SETTINGS


FULL = Size(25_000 * EPISODE, 1_000)
QUICK = Size(150_000, 200, 2, ("tuned",))
"""Shows the shape of a table in minutes. The paper's own setting learns nothing in so few steps, and is left out."""


def programs(study: Study, size: Size) -> list[range]:
    """The seeds of each program that a study's runs are split into."""
    counts = study.seeds if size.most_seeds is None else (min(study.seeds[0], size.most_seeds),)
    ends = list(itertools.accumulate(counts))
    return [range(end - count, end) for end, count in zip(ends, counts, strict=True)]


def run_config(study: Study, world: str, setting: str, line_up: LineUp, size: Size, seeds: range) -> Config:
    """The resolved configuration of a run in which these sides learn together.

    Args:
        study: whose run it is.
        world: one of the study's worlds.
        setting: one of `SETTINGS`.
        line_up: the kind of each side.
        size: how much is trained.
        seeds: one of the study's `programs`.
    """
    base = preset(setting, study.environment)
    variant = dict(study.worlds[world])
    if setting == "paper":
        variant |= {"action_mode": "simplex", "dynamics": "openai", "rewards": "openai"}
    training = replace(base.training, steps=size.steps, seed=seeds.start, seeds=len(seeds), evaluation_interval=EPISODE * 1_000)
    algorithm, teams = base.algorithm, {}
    if len(set(line_up)) == 1:
        algorithm = replace(algorithm, **KINDS[line_up[0]])
    else:
        teams = {team: TeamConfig(**KINDS[kind]) for team, kind in zip(study.sides, line_up, strict=True) if KINDS[kind]}
    config = replace(base, world=WorldConfig(**variant), algorithm=algorithm, training=training, teams=teams)
    return resolve(study.changes.get(setting, unchanged)(config))


def run_name(study: Study, world: str, setting: str, line_up: LineUp) -> str:
    """What the run is called: runs that several studies need have one name."""
    kinds = line_up[:1] if len(set(line_up)) == 1 else line_up
    words = " ".join(("paper", study.environment, world, setting, *kinds)).lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")
