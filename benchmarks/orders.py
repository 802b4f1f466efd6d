"""Whether MADDPG does better than DDPG, on either side, from the paper's tables: `python -m benchmarks.orders`.

Every table in which MADDPG and DDPG play, both settings, sides that were trained together. Nothing is run: `python -m benchmarks.paper`
makes the results. The table goes into docs/paper.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks import paper
from benchmarks.tables import fill
from maddpg.paper import FULL, STUDIES, communication, covert, deception, navigation, predator_prey
from maddpg.paper.study import LineUp, Measure, Study
from maddpg.paper.tables import NOT_RUN
from maddpg.statistics import improvement_p_value, probability_of_improvement

MADDPG, DDPG = "MADDPG", "DDPG"
MEASURED = (
    ("communication", communication.NEAR, 1),
    ("navigation", navigation.DISTANCE, -1),
    ("navigation", navigation.COLLISIONS, -1),
    ("predator-prey", predator_prey.TOUCHES, 1),
    ("deception", deception.MARGIN, 1),
    ("covert", covert.MARGIN, 1),
)
"""Study, by what, and whether its first side would have more or less of it; a second side wants the contrary."""


@dataclass(frozen=True)
class Question:
    """Does one side of a world do better with MADDPG than with DDPG?"""

    study: Study
    world: str
    side: int
    measure: Measure
    sign: int

    def pairs(self) -> Iterator[tuple[LineUp, LineUp]]:
        """The same line-up with MADDPG and with DDPG on this side, for every kind of the other side."""
        for line_up in self.study.line_ups:
            if line_up[self.side] == MADDPG:
                yield line_up, (*line_up[: self.side], DDPG, *line_up[self.side + 1 :])

    def gain(self, value: Callable[[LineUp], float]) -> float:
        """What MADDPG is better by, mean over the kinds of the other side; above 0 where it is."""
        return self.sign * float(np.mean([value(mine) - value(theirs) for mine, theirs in self.pairs()]))

    def printed(self) -> str:
        """The same in the paper's numbers, where it prints all that it takes."""
        printed = self.study.printed
        found = {line_up: printed.get((self.world, line_up), {}).get(self.measure.heading) for pair in self.pairs() for line_up in pair}
        numbers = {line_up: number for line_up, number in found.items() if number}
        if len(numbers) < len(found):
            return ""
        digits = max(number.digits for number in numbers.values())
        sure = all(number.verified for number in numbers.values())
        return f"{self.gain(lambda line_up: numbers[line_up].value):.{digits}f}{'' if sure else ' ?'}"

    def answer(self, setting: str) -> str:
        """The gain, in how many pairs of seeds MADDPG is better, and how likely that would be between equals."""
        seeds = {line_up: self._seeds(setting, line_up) for pair in self.pairs() for line_up in pair}
        if not all(len(values) for values in seeds.values()):
            return NOT_RUN
        mine, theirs = zip(*((self.sign * seeds[line_up], self.sign * seeds[other]) for line_up, other in self.pairs()), strict=True)
        better = float(probability_of_improvement(mine, theirs))
        gain = self.measure.text(self.gain(lambda line_up: float(np.mean(seeds[line_up]))))
        return f"{gain} ({100 * better:.0f}%, p = {improvement_p_value(mine, theirs):.2g})"

    def _seeds(self, setting: str, line_up: LineUp) -> np.ndarray:
        results = paper.together(self.study, self.world, setting, line_up)
        return np.array([value for result in results for value in result["means"][self.measure.heading]])


def questions() -> Iterator[Question]:
    """All of them."""
    for name, heading, sign in MEASURED:
        study = STUDIES[name]
        (measure,) = (measure for measure in study.measures if measure.heading == heading)
        for world in study.worlds:
            for side in range(len(study.sides)):
                yield Question(study, world, side, measure, sign if side == 0 else -sign)


def table() -> list[str]:
    """A row for each question, with the paper's answer and ours in each setting."""
    headings = ["world, by what", "MADDPG on the side of", "the paper", *FULL.settings]
    rows = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for question in questions():
        study = question.study
        where = ", ".join(part for part in (study.environment, question.world, question.measure.heading) if part)
        answers = [question.answer(setting) for setting in FULL.settings]
        rows.append(f"| {' | '.join([where, list(study.sides.values())[question.side], question.printed(), *answers])} |")
    return rows


def render(text: str) -> str:
    """The page with its table made anew."""
    return fill(text, {"orders": table()})


if __name__ == "__main__":
    paper.PAGE.write_text(render(paper.PAGE.read_text()))
