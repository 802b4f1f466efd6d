"""Tables and the heat map of a cross-play."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from maddpg.evaluation.meetings import Meetings
from maddpg.evaluation.standings import standings
from maddpg.report.heat_map import draw_heat_map
from maddpg.report.standings import exploitation_table, interval_text, standings_tables
from maddpg.statistics import Interval
from maddpg.training.exploiting import Exploitation


def found(runs: int = 2, sides: tuple[str, ...] = ("hunters", "prey")):
    returns = np.arange(runs**2, dtype=np.float32).reshape(runs, runs, 1, 1) * np.ones((1, 1, 4, len(sides)), np.float32)
    about = tuple((f"run {number}", (0,)) for number in range(runs))
    return standings(Meetings("game", about, ("hunters", "prey"), sides, returns), draws=20)


def rendered(table) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(table)
    return out.getvalue()


def test_an_interval_without_bounds_is_its_estimate():
    interval = Interval(np.array([1.234, 5.678]), np.array([1.0, np.nan]), np.array([2.0, np.nan]))

    assert interval_text(interval, 0) == "1.23 (1.00 to 2.00)"
    assert interval_text(interval, 1, digits=0) == "6"


def test_a_matrix_for_each_side_and_what_runs_come_to():
    tables = dict(standings_tables(found()))

    hunters, _, runs, ratings = tables.values()
    assert next(iter(tables)) == "game: return of hunters; hunters from the row's run, prey from the column's"
    text = rendered(hunters)
    assert "1 run 0" in text
    assert "one seed says nothing about others" in " ".join(text.split())
    assert [line.split()[-2:] for line in text.splitlines() if "run" in line] == [["0.00", "1.00"], ["2.00", "3.00"]]
    assert "prey beside other runs" in rendered(runs)
    assert "Nash weight" in rendered(ratings)


def test_one_team_has_no_ratings():
    assert len(list(standings_tables(found(sides=("all",))))) == 2


def test_a_frozen_team_s_losses():
    seed = Interval(np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.array([2.0, 3.0]))
    mean, worst = (Interval(np.array(1.5), np.array(1.5 - half), np.array(1.5 + half)) for half in (1, 0.25))
    text = rendered(exploitation_table("game", Exploitation("prey", (3, 4), (2, 1), 100, seed, seed, seed, worst, mean)))

    rows = [line.split() for line in text.splitlines() if line.strip()[:2] in ("3 ", "4 ", "me")]
    assert rows[0][:3] == ["3", "2", "1.00"]
    assert " ".join(rows[2]) == "mean 1.50 1.50 (1.25 to 1.75) 1.50 (0.50 to 2.50)"


@pytest.mark.parametrize("sides", [("hunters", "prey"), ("all",)])
def test_the_heat_map_has_a_panel_for_each_side(sides, tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    drawn = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda figure, *given, **options: (drawn.append(figure), save(figure, *given, **options)))

    draw_heat_map(found(3, sides), tmp_path / "heat_map.png")

    assert (tmp_path / "heat_map.png").read_bytes().startswith(b"\x89PNG")
    panels = [axes for axes in drawn[0].axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == [f"return of {side}" for side in sides]
    assert [text.get_text() for text in panels[0].texts] == [f"{value}.0" for value in range(9)]
    assert (panels[0].get_ylabel(), panels[0].get_xlabel()) == ("hunters of", "prey of")
