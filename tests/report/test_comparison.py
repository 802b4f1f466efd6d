"""The table and the picture of a comparison."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from maddpg.evaluation.comparison import Contender, compare
from maddpg.report.comparison import algorithm_lines, comparison_table, comparison_title, draw_comparison


def contender(name: str, *values: float, **differs: float) -> Contender:
    scores = np.array(values)
    return Contender(name, (name,), differs, [scores], [np.stack([0 * scores, scores], axis=1)])


def compared(*contenders: Contender, normalised: bool = True):
    return compare("all agents", "return", normalised, ["game"], contenders, [np.array([10, 20])])


def rendered(table) -> str:
    out = io.StringIO()
    Console(file=out, width=150).print(table)
    return out.getvalue()


def test_a_row_for_each_algorithm():
    comparison = compared(contender("x", 0.1, 0.3), contender("y", 0.5, 0.7, gamma=0.9))
    text = rendered(comparison_table(comparison))

    rows = [line.split() for line in text.splitlines() if line.strip()[:2] in ("1 ", "2 ")]
    assert [row[:-1] for row in rows] == [
        ["1", "2", "0.20", "0.20", "0.80", "0.10", "-"],
        ["2", "2", "0.60", "0.60", "0.40", "0.30", "1.00"],
    ]
    assert float(rows[1][-1]) == pytest.approx(1 / 3, abs=0.02)  # two of six deals are as one-sided
    assert "(0.10 to 0.30)" in text
    warning = "with 95% bootstrap intervals over seeds: of 2 seeds they are far too short; look at p, and train 5 or more"
    assert warning in " ".join(text.split())
    assert comparison_title(comparison) == "game: return of all agents, 0 is random play and 1 scripted play"
    assert list(algorithm_lines(comparison)) == ["1 x", "2 y: gamma = 0.9"]


def test_one_seed_each_has_no_intervals_and_says_so():
    text = rendered(comparison_table(compared(contender("x", 0.1), contender("y", 0.5), normalised=False)))

    assert " to " not in text.replace("train 5", "")
    assert "nobody knows how much seeds differ" in text
    assert "gap to 1" not in text


def test_many_differences_are_cut_short():
    many = contender("y", 1.0, **{f"setting_{number}": number for number in range(11)})

    assert list(algorithm_lines(compared(contender("x", 0.0), many)))[1].endswith("setting_7 = 7, and 3 more")


def test_five_seeds_have_intervals_without_a_warning():
    five = compared(contender("x", *np.linspace(0, 1, 5)), contender("y", *np.linspace(0, 1, 5)))

    assert "too short" not in rendered(comparison_table(five))


def test_a_picture_with_means_profiles_and_curves(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    drawn = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda figure, *given, **options: (drawn.append(figure), save(figure, *given, **options)))

    draw_comparison([compared(contender("x", 0.1, 0.3), contender("y", 0.5, 0.7)), compared(contender("z", 0.1))], tmp_path / "all.png")

    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    titles = [axes.get_title() for axes in drawn[0].axes]
    assert titles == ["IQM of all agents", "share of runs above", "game, IQM while training"] * 2
    assert [line.get_ydata().tolist() for line in drawn[0].axes[2].lines] == [[0, 0.2], [0, 0.6]]
