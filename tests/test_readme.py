"""The figures in README and docs are those of the committed results."""

from __future__ import annotations

import pytest

from benchmarks import checkpoints, communication, exported, foreign_environments, readme, reward_design, target_updates

PAGES = {
    "readme": (readme.README, readme.render),
    "checkpoints": (checkpoints.PAGE, checkpoints.render),
    "communication": (communication.PAGE, communication.render),
    "exported": (exported.PAGE, exported.render),
    "foreign_environments": (foreign_environments.PAGE, foreign_environments.render),
    "reward_design": (reward_design.PAGE, reward_design.render),
    "target_updates": (target_updates.PAGE, target_updates.render),
}


@pytest.mark.parametrize("name", PAGES)
def test_tables_are_made_from_the_committed_results(name):
    page, render = PAGES[name]
    text = page.read_text()

    assert render(text) == text, f"run `python -m benchmarks.{name}`, but for README with --tables"


@pytest.mark.parametrize("name", PAGES)
def test_a_figure_that_was_changed_by_hand_is_found(name):
    page, render = PAGES[name]
    text = page.read_text()
    figure = next(line for line in text.split("<!-- end -->")[0].splitlines()[::-1] if line.startswith("| "))

    assert render(text.replace(figure, figure.replace("|", "| 1", 1))) == text
