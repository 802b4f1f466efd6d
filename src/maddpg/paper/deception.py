"""Table 4, physical deception: do good agents reach the goal, and keep the adversary from it by covering all landmarks?"""

from __future__ import annotations

from typing import Any

import numpy as np

from maddpg.evaluation.rollout import Episodes
from maddpg.paper.study import LineUp, Measure, Printed, Study, metric

AGENTS, ADVERSARY, MARGIN = "good agents succeed, %", "adversary succeeds, %", "margin"


def _margin(episodes: Episodes) -> Any:
    return metric("agent_success")(episodes) - metric("adversary_success")(episodes)


def _all_covered(episodes: Episodes) -> Any:
    return (np.asarray(episodes.metrics["landmarks_covered"]) > 1 - 1e-6).astype(float)


MEASURES = (
    Measure(AGENTS, metric("agent_success"), percent=True),
    Measure(ADVERSARY, metric("adversary_success"), percent=True),
    Measure(MARGIN, _margin, percent=True),
    Measure("all landmarks covered, %", _all_covered, percent=True),
)

# Good agents, adversary: N = 2 and N = 4, successes of both. One number stands in the text, "around 94%" and the rest are remembered.
PRINTED: dict[LineUp, tuple[tuple[float, float], tuple[float, float]]] = {
    ("MADDPG", "MADDPG"): ((94.4, 39.2), (81.5, 28.3)),
    ("MADDPG", "DDPG"): ((92.2, 16.4), (69.6, 19.8)),
    ("DDPG", "MADDPG"): ((68.9, 59.0), (35.7, 32.1)),
    ("DDPG", "DDPG"): ((74.7, 38.6), (18.4, 35.8)),
}
VERIFIED = {("N = 2", ("MADDPG", "MADDPG"), AGENTS), ("N = 2", ("MADDPG", "DDPG"), ADVERSARY)}
WORLDS = {"N = 2": {"agents": 2}, "N = 4": {"agents": 4}}


def _numbers(world: str, line_up: LineUp, agents: float, adversary: float) -> dict[str, Printed]:
    values = {AGENTS: agents, ADVERSARY: adversary, MARGIN: agents - adversary}
    return {heading: Printed(value, (world, line_up, heading) in VERIFIED) for heading, value in values.items()}


STUDY = Study(
    name="deception",
    title="Physical deception (simple_adversary)",
    environment="simple_adversary",
    sides={"good": "good agents", "adversary": "adversary"},
    kinds=("MADDPG", "DDPG"),
    measures=MEASURES,
    seeds=(5, 5),
    worlds=WORLDS,
    printed={
        (world, line_up): _numbers(world, line_up, *numbers[row])
        for line_up, numbers in PRINTED.items()
        for row, world in enumerate(WORLDS)
    },
    curves={"agent_success": "good agents succeed", "adversary_success": "adversary succeeds"},
)
