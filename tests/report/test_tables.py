"""Tables that fit a terminal without losing a number."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from maddpg.evaluation.scores import AgentScore, Evaluation, SeedScore
from maddpg.report.tables import environment_lines, evaluation_table, lost_line, space_text
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, Simplex

SCORES = {
    "adversary_0": AgentScore(-1234.567, 12.345, -2345.678, -3456.789, 4567.891),
    "agent_0": AgentScore(1.0, float("nan"), 2.0, 3.0, 2.0),
}
EVALUATION = Evaluation(
    "simple_push", 1_000, "box", {"adversary_0": "learned", "agent_0": "scripted"}, [SeedScore(3, SCORES, {}), SeedScore(4, SCORES, {})]
)


def rendered(width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(evaluation_table(EVALUATION))
    return out.getvalue()


def test_a_row_for_each_agent_of_each_seed():
    rows = [line.split() for line in rendered(120).splitlines() if line.strip()[:1].isdigit()]

    first = ["adversary_0", "-1234.57", "±", "12.35", "-2345.68", "-3456.79", "4567.89", "0.16"]
    second = ["agent_0", "(scripted)", "1.00", "±", "nan", "2.00", "3.00", "2.00", "-"]
    assert rows == [["3", *first], ["3", *second], ["4", *first], ["4", *second]]


def test_lost_episodes_are_told_where_there_are_any():
    assert lost_line(EVALUATION) == ""
    told = lost_line(replace(EVALUATION, lost_episodes=3))
    assert told == "3 episodes of this evaluation were lost to environments that failed; others were played instead\n"


def test_the_title_says_what_was_played():
    assert "simple_push: return of an episode, 1,000 greedy episodes, box actions" in rendered(120)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_nothing_is_cut_in_a_narrow_terminal(width):
    text = rendered(width)

    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    if width >= 80:
        for whole in ("adversary_0", "agent_0", "-1234.57", "12.35", "-2345.68", "-3456.79", "4567.89", "0.16", "normalised"):
            assert whole in text


def test_environments_in_columns():
    one = AgentSpec("a", "t", 4, (Box((0.0,) * 5, (1.0,) * 5),))
    other = AgentSpec("b", "t", 12, (Categorical(5), Simplex(10)))
    lines = environment_lines(
        [
            (EnvSpec("tiny", (one,), 1, 25), "one alone", ("box",)),
            (EnvSpec("larger", (one, other, one), 1, 25), "three", ("box", "discrete")),
        ]
    )

    assert [line.split()[0] for line in lines] == ["environment", "tiny", "larger"]
    starts = {line.index(word) for line, word in zip(lines, ("what it is", "one alone", "three"), strict=True)}
    assert len(starts) == 1
    assert "2 x (4 -> Box(5)), 1 x (12 -> Categorical(5) x Simplex(10))" in lines[2]


def test_spaces_in_short():
    assert space_text((Categorical(5), Categorical(10))) == "Categorical(5) x Categorical(10)"
    assert space_text((Box((0.0, 0.0), (1.0, 1.0)),)) == "Box(2)"
