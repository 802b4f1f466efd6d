"""The paper's tables with ours beside them, from results that were written by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maddpg.paper.study import Printed
from maddpg.paper.tables import Grid, grids
from maddpg.statistics import crossed_interval, student_interval
from tests.paper.tiny import FRESH, LISTENER, PUSH, SIZE, put, shelf_in, workshop

REACHED, DISTANCE = (measure.heading for measure in LISTENER.measures)
GOOD, SUCCEEDS = (measure.heading for measure in PUSH.measures)
MADDPG, MIXED = ("MADDPG", "MADDPG"), ("MADDPG", "DDPG")
EVERY = replace(SIZE, most_seeds=None)


@pytest.fixture
def shelf(tmp_path):
    """An empty shelf."""
    return shelf_in(tmp_path)


def row_of(grid: Grid, *beginning: str) -> tuple[str, ...]:
    """What stands in the one row that begins so, behind that."""
    (row,) = [row for row in grid.rows if row[: len(beginning)] == beginning]
    return row[len(beginning) :]


def test_one_team_s_table(shelf):
    """A kind after the other, each as the paper prints it and in every setting."""
    numbers = {("", ("MADDPG",)): {REACHED: Printed(84.0, verified=True), DISTANCE: Printed(0.133, digits=3)}}
    study = replace(LISTENER, printed=numbers)
    put(workshop(shelf, study).together(("MADDPG",)), shelf, {REACHED: [0.25, 0.5], DISTANCE: [0.1, 0.1]})

    (grid,) = grids(study, shelf, SIZE, ["paper", "tuned"])

    assert grid.title == "Communication"
    assert grid.headings == ("agents", "", "seeds", REACHED, DISTANCE)
    assert grid.rows == (
        ("MADDPG", "the paper", "", "84.0", "0.133 ?"),
        ("MADDPG", "paper", "not run yet", "", ""),
        ("MADDPG", "tuned", "2", "37.5 (0.0 to 100.0)", "0.100 (0.100 to 0.100)"),
        ("inferred policies", "paper", "not run yet", "", ""),
        ("inferred policies", "tuned", "not run yet", "", ""),
    )
    assert grid.markdown()[:3] == [
        f"| agents |  | seeds | {REACHED} | {DISTANCE} |",
        "| --- | --- | --- | --- | --- |",
        "| MADDPG | the paper |  | 84.0 | 0.133 ? |",
    ]


def test_a_number_that_the_paper_does_not_print_is_left_out(shelf):
    (grid,) = grids(replace(LISTENER, printed={("", ("MADDPG",)): {DISTANCE: Printed(1.0)}}), shelf, SIZE, ["tuned"])

    assert row_of(grid, "MADDPG", "the paper") == ("", "", "1.0 ?")


def test_each_world_has_a_table_of_its_own(shelf):
    study = replace(LISTENER, worlds={"short": {"episode_length": 5}, "long": {}}, printed={("long", ("MADDPG",)): {REACHED: Printed(1.0)}})
    put(workshop(shelf, study, world="long").together(("MADDPG",)), shelf, {REACHED: [0.25, 0.5], DISTANCE: [0.1, 0.1]})

    short, long = grids(study, shelf, SIZE, ["tuned"])

    assert [grid.title for grid in (short, long)] == ["Communication, short", "Communication, long"]
    assert row_of(short, "MADDPG", "tuned")[0] == "not run yet"
    assert row_of(long, "MADDPG", "tuned")[0] == "2"
    assert len(long.rows) == len(short.rows) + 1


def test_two_teams_table_has_every_line_up_together_and_apart(shelf):
    study = replace(PUSH, together=True)
    work = workshop(shelf, study)
    known = np.array([[900.0, 1.0], [3.0, 900.0]])  # [good agent's seed, adversary's seed]; equal seeds do not count
    put(work.together(MADDPG), shelf, {GOOD: [1.0, 2.0], SUCCEEDS: [0.0, 1.0]})
    put(work.apart(MADDPG), shelf, {GOOD: known.tolist(), SUCCEEDS: (known / 1000).tolist()})
    put(work.apart(MIXED), shelf, {GOOD: [[900.0, 2.0], [3.0, 900.0]], SUCCEEDS: [[0.0, 0.0], [0.0, 0.0]]})

    (grid,) = grids(study, shelf, SIZE, ["tuned"])

    assert grid.headings[:4] == ("good agent", "adversary", "", "seeds")
    assert [row[:3] for row in grid.rows] == [
        (*line_up, f"tuned, {who}")
        for line_up in (MADDPG, MIXED, ("DDPG", "MADDPG"), ("DDPG", "DDPG"))
        for who in ("trained together", "trained apart")
    ]
    assert row_of(grid, *MADDPG, "tuned, trained together") == ("2", "1.50 (0.00 to 7.85)", "50.0 (0.0 to 100.0)")  # 6.35 = 12.71 / 2
    assert row_of(grid, *MADDPG, "tuned, trained apart")[:2] == ("2", "2.00")
    assert row_of(grid, *MIXED, "tuned, trained together") == ("not run yet", "", "")
    assert row_of(grid, *MIXED, "tuned, trained apart")[:2] == ("2", "2.50 (0.00 to 5.54)")


def test_opponents_that_learned_afresh_have_a_row(shelf):
    put(workshop(shelf, FRESH).afresh(("DDPG", "DDPG"), "good"), shelf, {GOOD: [1.0, 1.0], SUCCEEDS: [0.5, 0.5]})

    (grid,) = grids(FRESH, shelf, SIZE, ["tuned"])

    assert row_of(grid, "DDPG", "DDPG", "tuned, a fresh adversary") == ("2", "1.00 (1.00 to 1.00)", "50.0 (50.0 to 50.0)")


def test_seeds_of_all_programs_count_as_one_run_s(shelf):
    study = replace(LISTENER, seeds=(2, 1))
    first, second = [0.0, 0.5], [1.0]
    for seeds, values in ((range(2), first), (range(2, 3), second)):
        put(workshop(shelf, study, seeds=seeds, size=EVERY).together(("MADDPG",)), shelf, {REACHED: values, DISTANCE: values})

        (grid,) = grids(study, shelf, EVERY, ["tuned"])
        if values is first:
            assert row_of(grid, "MADDPG", "tuned") == ("2", "25.0 (0.0 to 100.0)", "0.250 (0.000 to 3.427)")  # as far as it is

    interval = student_interval(np.array([0.0, 0.5, 1.0]))
    assert row_of(grid, "MADDPG", "tuned")[::2] == ("3", f"0.500 (0.000 to {interval.high:.3f})")


def test_seeds_of_different_programs_have_not_met(shelf):
    study = replace(PUSH, seeds=(2, 3))
    tables = {range(2): np.array([[9.0, 1.0], [2.0, 9.0]]), range(2, 5): np.array([[9.0, 3, 4], [5, 9.0, 6], [7, 8, 9.0]])}
    whole = np.full((5, 5), np.nan)
    for seeds, table in tables.items():
        whole[seeds.start : seeds.stop, seeds.start : seeds.stop] = table
        np.fill_diagonal(whole, np.nan)
        for line_up in (MADDPG, MIXED):
            means = {GOOD: table.tolist(), SUCCEEDS: table.tolist()}
            put(workshop(shelf, study, seeds=seeds, size=EVERY).apart(line_up), shelf, means)

    (grid,) = grids(study, shelf, EVERY, ["tuned"])

    for line_up, estimate in ((MADDPG, 36 / 8), (MIXED, 36 / 8)):
        interval = crossed_interval(whole, same_runs=line_up == MADDPG)
        assert interval.estimate == pytest.approx(estimate)
        written = f"{estimate:.2f} ({max(0, interval.low):.2f} to {interval.high:.2f})"
        assert row_of(grid, *line_up, "tuned, trained apart")[:2] == ("5", written)


def test_a_single_seed_has_no_interval(shelf):
    study = replace(LISTENER, seeds=(1,))
    put(workshop(shelf, study, seeds=range(1)).together(("MADDPG",)), shelf, {REACHED: [0.25], DISTANCE: [0.5]})

    (grid,) = grids(study, shelf, SIZE, ["tuned"])

    assert row_of(grid, "MADDPG", "tuned") == ("1", "25.0", "0.500")
