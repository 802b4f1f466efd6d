"""What is quoted in a message is short and on one line, and says what to type instead."""

from __future__ import annotations

import pytest

from maddpg.names import brief, one_line, or_your_own, unknown_name

DEEP: list = []
for _ in range(2_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.5, "0.5"),
        ((64, 0), "(64, 0)"),
        ("a\nb", r"'a\nb'"),
        ([0] * 3000, "[0, 0, 0, 0, 0, 0, ...]"),
        (DEEP, "[[[[[...]]]]]"),
        ("x" * 150, repr("x" * 150)),
    ],
)
def test_a_value_is_shown_as_it_is_typed(value, shown):
    assert brief(value) == shown


def test_long_values_are_cut():
    assert len(brief("x" * 10_000)) <= 200
    assert len(brief(10**4000)) <= 200
    assert len(unknown_name("setting", "x" * 10_000, ["a", "b"])) < 300


def test_what_others_say_is_cut_and_has_no_control_characters():
    assert one_line(ValueError("it's\n\x1b[2J \ud800")) == r"it's\n\x1b[2J \ud800"
    assert one_line("x" * 1000) == "x" * 297 + "..."


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("plank", "such as plank:Plank"),
        ("gymnasum:Pendulum-v1", "such as plank:Plank"),
        ("a:b:c", "such as plank:Plank"),
        ("", "such as plank:Plank"),
        ("plank:Plank()", "here plank:Plank"),
        ("./plank:Plank", "here plank:Plank"),
        ("mine.plank.Plank", "here mine.plank:Plank"),
        ("plank.py:Plank", "here plank:Plank"),
        ("examples/plank.py:Plank", "here examples.plank:Plank"),
        ("examples/plank.py", "here examples.plank:NAME, where NAME is what makes it in that file"),
        ("/my/worlds/plank.py:Plank", "here plank:Plank, from the folder /my/worlds"),
        ("../plank.py:Plank", "here plank:Plank, from the folder .."),
        ("a\nb/plank.py:Plank", r"here plank:Plank, from the folder a\nb"),
    ],
)
def test_the_name_of_ones_own_environment_is_guessed_from_what_came_near_it(word, said):
    assert or_your_own(word) == f"or your own as package.module:factory, {said}"
