"""What is quoted in a message is short and on one line."""

from __future__ import annotations

import pytest

from maddpg.names import brief, one_line, unknown_name

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
