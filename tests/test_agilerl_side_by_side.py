"""The comparison with AgileRL: what its table says, and what it refuses to compare."""

from __future__ import annotations

import pytest

from benchmarks.agilerl_side_by_side import PAGE, render, require_alike, table
from benchmarks.agilerl_sides import Ours, round_of

ABOUT = {"processes": 2, "parameters": {"actor": 9861, "critic": 8705}, "episode_length": 25}


def turns(*rates: float) -> list[dict]:
    """Turns of two seconds at these steps a second."""
    return [{"seconds": 2.0, "steps": 2 * rate, "updates": rate} for rate in rates]


def row(**sides: list[dict]) -> dict:
    """A row of the results."""
    about = {"default": {"threads": 16}, "one": {"threads": 1}}
    return {"rows": [{"environments": 4, "steps_per_update": 96, "about": about, "repetitions": sides}]}


def test_the_table_gives_ratios_of_medians_and_the_range_of_ratios_of_turns():
    result = row(ours=turns(400, 500, 900), many=turns(1000, 1000, 3000), default=turns(100, 200, 100), one=turns(50, 50, 5000))

    cells = "4 | 96 | 100 (torch threads: 16) | 500 | 5.0 (2.5 to 9.0) | 1,000 | 10.0 (5.0 to 30.0)"
    assert table(result)[2:] == [f"| {cells} |"]


def test_agilerl_counts_with_whichever_threads_are_faster():
    result = row(ours=turns(400), many=turns(1000), default=turns(100), one=turns(200))

    assert "| 200 (torch threads: 1) | 400 | 2.0 (2.0 to 2.0) |" in table(result)[2]


@pytest.mark.parametrize("name", ABOUT)
def test_unlike_sides_are_not_compared(name):
    require_alike(ABOUT, {**ABOUT, "threads": 1})

    with pytest.raises(RuntimeError, match=f"{name} differ"):
        require_alike(ABOUT, {**ABOUT, name: 24})


@pytest.mark.parametrize(("environments", "steps_per_update", "expected"), [(4, 4, (1, 1)), (4, 96, (24, 1)), (96, 4, (1, 24))])
def test_a_round_has_the_updates_that_its_steps_ask_for(environments, steps_per_update, expected):
    assert round_of(environments, steps_per_update) == expected


def test_our_side_updates_as_often_as_it_says():
    side = Ours(6, 2, 2)
    try:
        turn = side.run(4)
    finally:
        side.close()

    assert side.about == ABOUT
    assert (turn.steps, turn.updates) == (12, 6)
    assert turn.seconds > 0


def test_the_page_has_the_committed_results():
    text = PAGE.read_text()

    assert render(text) == text, "run `python -m benchmarks.agilerl_side_by_side --tables`"
    before, rest = text.split("<!-- agilerl -->\n")
    assert render(f"{before}<!-- agilerl -->\n| 9.9 |\n{rest}") == text
