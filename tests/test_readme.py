"""README's figures are those of the committed results."""

from __future__ import annotations

from benchmarks.readme import README, render


def test_tables_are_made_from_the_committed_results():
    text = README.read_text()

    assert render(text) == text, "run `python -m benchmarks.readme`"


def test_a_figure_that_was_changed_by_hand_is_found():
    text = README.read_text()
    figure = next(line for line in text.splitlines() if line.startswith("| simple | "))

    assert render(text.replace(figure, figure.replace("|", "| 1", 1))) == text
