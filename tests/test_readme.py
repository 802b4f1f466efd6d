"""The figures in README and docs are those of the committed results."""

from __future__ import annotations

import pytest

from benchmarks import (
    between_settings,
    checkpoints,
    communication,
    crossplay,
    ensembles,
    exported,
    faults,
    foreign_environments,
    fuzzed,
    how_many_seeds,
    killed,
    knowing_nothing,
    orders,
    paper,
    readme,
    reward_design,
    statistics_beside_rliable,
    target_updates,
    zoo,
)

PAGES = {
    "readme": (readme.README, readme.render),
    "between_settings": (paper.PAGE, between_settings.render),
    "checkpoints": (checkpoints.PAGE, checkpoints.render),
    "communication": (communication.PAGE, communication.render),
    "crossplay": (crossplay.PAGE, crossplay.render),
    "ensembles": (paper.PAGE, ensembles.render),
    "exported": (exported.PAGE, exported.render),
    "faults": (faults.PAGE, faults.render),
    "foreign_environments": (foreign_environments.PAGE, foreign_environments.render),
    "fuzzed": (fuzzed.PAGE, fuzzed.render),
    "how_many_seeds": (how_many_seeds.PAGE, how_many_seeds.render),
    "killed": (killed.PAGE, killed.render),
    "knowing_nothing": (paper.PAGE, knowing_nothing.render),
    "orders": (paper.PAGE, orders.render),
    "paper": (paper.PAGE, paper.render),
    "reward_design": (reward_design.PAGE, reward_design.render),
    "statistics_beside_rliable": (statistics_beside_rliable.PAGE, statistics_beside_rliable.render),
    "target_updates": (target_updates.PAGE, target_updates.render),
    "zoo": (zoo.PAGE, zoo.render),
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
    tables = [block.splitlines()[::-1] for block in text.split("<!-- end -->")[:-1]]
    figures = [next((line for line in lines if line.startswith("| ")), "") for lines in tables]

    # A page may have tables of several programs.
    assert any(render(text.replace(figure, figure.replace("|", "| 1", 1))) == text for figure in figures if figure)
