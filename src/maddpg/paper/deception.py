"""Table 4, physical deception: do good agents reach the goal, and keep the adversary from it by covering all landmarks?"""

from __future__ import annotations

from typing import Any

from maddpg.evaluation.rollout import Episodes
from maddpg.paper.study import REACHED, LineUp, Measure, Printed, Study, metric, within

AGENTS, ADVERSARY, MARGIN = f"good agents within {REACHED}, %", f"adversary within {REACHED}, %", "margin"
COVERED = f"all landmarks covered within {REACHED}, %"


def _margin(episodes: Episodes) -> Any:
    return within("agent_final_distance", REACHED)(episodes) - within("adversary_final_distance", REACHED)(episodes)


MEASURES = (
    Measure(AGENTS, within("agent_final_distance", REACHED), percent=True),
    Measure(ADVERSARY, within("adversary_final_distance", REACHED), percent=True),
    Measure(MARGIN, _margin, percent=True, signed=True),
    Measure(COVERED, within("cover_distance", REACHED), percent=True),
    Measure("good agents within 0.16, %", metric("agent_success"), percent=True),
    Measure("adversary within 0.16, %", metric("adversary_success"), percent=True),
)

# Successes of the good agents and of the adversary, and the margin, for N = 2 and N = 4.
PRINTED: dict[LineUp, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    ("MADDPG", "MADDPG"): ((94.4, 39.2, 55.2), (81.5, 28.3, 53.2)),
    ("MADDPG", "DDPG"): ((92.2, 16.4, 75.8), (69.6, 19.8, 49.4)),
    ("DDPG", "MADDPG"): ((68.9, 59.0, 9.9), (35.7, 32.1, 3.6)),
    ("DDPG", "DDPG"): ((74.7, 38.6, 36.1), (18.4, 35.8, -17.4)),
}
WORLDS = {"N = 2": {"agents": 2}, "N = 4": {"agents": 4}}


def _numbers(world: str, line_up: LineUp, *values: float) -> dict[str, Printed]:
    numbers = {heading: Printed(value) for heading, value in zip((AGENTS, ADVERSARY, MARGIN), values, strict=True)}
    if world == "N = 2" and line_up == ("MADDPG", "MADDPG"):
        return {**numbers, COVERED: Printed(94, verified=True, digits=0)}  # "around 94%", the text says
    if world == "N = 2" and line_up == ("MADDPG", "DDPG"):
        return {**numbers, ADVERSARY: Printed(16.4, verified=True)}
    return numbers


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
)
