"""What those who know nothing could do, beside what was learned: `python -m benchmarks.knowing_nothing`.

By geometry alone: how near an adversary or a listener can be to a goal that it does not know, and what agents that never move have. Beside
the first, how far the adversaries of physical deception are from the goal at the end, from their evaluations while they trained. Nothing is
run; the tables in docs/paper.md are made anew.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks import paper
from benchmarks.tables import fill
from maddpg.paper import FULL, deception
from maddpg.paper.study import REACHED, LineUp
from maddpg.paper.tables import NOT_RUN
from maddpg.statistics import student_interval

DRAWS = 400_000  # a share's standard error is below 0.1 points
LAST = 5
"""Evaluations, 25,000 steps apart and of 100 episodes each, whose mean is taken."""
DISTANCE = "adversary_final_distance"


@dataclass(frozen=True)
class Ignorance:
    """What one who does not know which landmark is the goal can have, in the mean."""

    middle: float  # share within reach, from the middle of all
    squared: float  # squared distance, the least there is: from the middle too
    most: float  # share within reach, from wherever it is largest
    distance: float  # the least there is


@cache
def ignorance(landmarks: int) -> Ignorance:
    """By geometry alone."""
    places = np.random.default_rng(0).uniform(-1, 1, (DRAWS, landmarks, 2))
    middle = np.linalg.norm(places - places.mean(axis=1, keepdims=True), axis=-1)
    numbers = (np.mean(middle < REACHED), np.mean(middle**2), _most_within(places).mean(), _least_distance(places).mean())
    return Ignorance(*map(float, numbers))


def geometry() -> list[str]:
    """How those who know nothing can stand, beside what the paper prints: what its units are inferred from."""
    known = {2: "39.2 ? (both MADDPG)", 3: "32.0 ?, 0.456 ? (DDPG)", 4: "28.3 ? (both MADDPG)"}
    who = {2: "an adversary, two landmarks", 3: "a listener, three", 4: "an adversary, four"}
    rows = [
        "| who does not know the goal | in the middle: % within 0.45 | squared distance | at best: % within 0.45 | distance | the paper |",
        "|---" * 6 + "|",
    ]
    for landmarks, about in who.items():
        has = ignorance(landmarks)
        numbers = (f"{100 * has.middle:.1f}", f"{has.squared:.3f}", f"{100 * has.most:.1f}", f"{has.distance:.3f}")
        rows.append(f"| {about} | {' | '.join(numbers)} | {known[landmarks]} |")
    return rows


def standing() -> list[str]:
    """What agents that never move have in cooperative navigation."""
    generator = np.random.default_rng(0)
    rows = ["| agents that stay where they begin | distance, sum over landmarks | the paper, MADDPG | DDPG |", "|---|---|---|---|"]
    for count, printed in ((3, "1.767 ? | 1.858 ?"), (6, "3.345 ? | 3.350 ?")):
        agents, landmarks = generator.uniform(-1, 1, (2, DRAWS // 10, count, 2))
        distance = np.linalg.norm(agents[:, :, None] - landmarks[:, None], axis=-1).min(axis=1).sum(axis=1)
        rows.append(f"| {count} | {distance.mean():.2f} | {printed} |")
    return rows


def _least_distance(places: np.ndarray) -> np.ndarray:
    """The mean distance of all landmarks from the point from which it is least, by Weiszfeld's steps: [draw, landmark, 2] -> [draw]."""
    point = places.mean(axis=1, keepdims=True)
    for _ in range(30):
        weights = 1 / np.maximum(np.linalg.norm(places - point, axis=-1, keepdims=True), 1e-6)
        point = np.sum(weights * places, axis=1, keepdims=True) / np.sum(weights, axis=1, keepdims=True)
    return np.asarray(np.linalg.norm(places - point, axis=-1).mean(axis=1))


def _most_within(places: np.ndarray) -> np.ndarray:
    """The largest share of landmarks that one point has within reach: [draw, landmark, 2] -> [draw].

    A disc that holds the most can be moved until two of them lie on its rim, or else holds one alone.
    """
    most = np.ones(len(places))
    for first, second in itertools.combinations(range(places.shape[1]), 2):
        middle, half = (places[:, first] + places[:, second]) / 2, (places[:, second] - places[:, first]) / 2
        length = np.linalg.norm(half, axis=1)
        rise = np.sqrt(np.maximum(REACHED**2 - length**2, 0)) / np.maximum(length, 1e-9)
        for side in (1, -1):
            centre = middle + side * rise[:, None] * np.stack([-half[:, 1], half[:, 0]], axis=1)
            held = np.sum(np.linalg.norm(places - centre[:, None], axis=-1) < REACHED + 1e-9, axis=1)
            most = np.where(length < REACHED, np.maximum(most, held), most)
    return most / places.shape[1]


def deceived() -> list[str]:
    """How far adversaries end from the goal, in every line-up, beside the least for those who do not know it."""
    study = deception.STUDY
    columns = [(world, setting) for world in study.worlds for setting in FULL.settings]
    rows = [
        f"| good agents | adversary | {' | '.join(f'{world}, {setting}' for world, setting in columns)} |",
        "|---" * (2 + len(columns)) + "|",
    ]
    for line_up in study.line_ups:
        rows.append(f"| {' | '.join([*line_up, *(_ends(world, setting, line_up) for world, setting in columns)])} |")
    cells = [f"{ignorance(settings['agents']).distance:.3f}" for settings in study.worlds.values() for _ in FULL.settings]
    return [*rows, f"| | one who does not know the goal, at best | {' | '.join(cells)} |"]


def _ends(world: str, setting: str, line_up: LineUp) -> str:
    """Of sides that were trained together, the mean over the last evaluations of all seeds there are."""
    results = paper.together(deception.STUDY, world, setting, line_up)
    ends = [np.mean(result["curves"]["evaluation"][DISTANCE][-LAST:], axis=0) for result in results]
    if not ends:
        return NOT_RUN
    found = student_interval(np.concatenate(ends))
    return f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f})"


def render(text: str) -> str:
    """The page with its tables made anew."""
    return fill(text, {"geometry": geometry(), "standing": standing(), "deceived": deceived()})


if __name__ == "__main__":
    paper.PAGE.write_text(render(paper.PAGE.read_text()))
