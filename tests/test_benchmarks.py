"""What benchmarks make of their results."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import between_settings, crossplay, knowing_nothing, orders, paper
from benchmarks.ensembles import gains
from benchmarks.target_updates import LAST, beside, measures, paired
from maddpg.config import preset
from maddpg.paper import deception, plan, predator_prey
from maddpg.paper.settings import FULL, Size, programs, run_config
from maddpg.training.shelf import Shelf
from tests.paper.tiny import FRESH, PUSH, put, shelf_in, workshop


@pytest.mark.parametrize(
    ("benchmark", "kind"),
    [
        ("communication", "run"),
        ("costs", "world"),
        ("between_settings", "table"),
        ("crossplay", "run"),
        ("foreign_environments", "task"),
        ("inference", "variant"),
        ("mpe2_scores", "world"),
        ("paper", "table"),
        ("reward_design", "run"),
        ("target_updates", "world"),
        ("zoo", "world"),
    ],
)
def test_a_name_that_is_unknown_ends_in_one_line_before_anything_is_run(monkeypatch, capsys, benchmark, kind):
    monkeypatch.setattr("sys.argv", [benchmark, "nosuch"])

    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"benchmarks.{benchmark}").main()

    assert ended.value.code == 2
    assert f"unknown {kind} 'nosuch'. Known: " in capsys.readouterr().err.splitlines()[-1]


def test_consistency_is_measured_between_seeds_and_within_runs():
    """Two seeds that stay at 0 and at 2, but for one fall of 3 in the second."""
    flat, falling = [0.0] * LAST, [2.0] * (LAST - 1) + [-1.0]
    numbers = measures({"curves": {"0": [9.0, *flat], "1": [9.0, *falling]}})

    final = (np.mean(flat), np.mean(falling))
    assert numbers["return"][0] == pytest.approx(np.mean(final))
    assert numbers["spread between seeds"][0] == pytest.approx(np.std(final, ddof=1))
    assert numbers["largest drop"][0] == pytest.approx(1.5)
    assert numbers["wavering within a run"][0] == pytest.approx(np.std(np.diff(falling), ddof=1) / np.sqrt(2) / 2)


def test_steady_learning_is_no_wavering():
    rising = [float(step) for step in range(LAST)]

    assert measures({"curves": {"0": rising, "1": rising}})["wavering within a run"][0] == pytest.approx(0)


def met(single: float, ensemble: float) -> dict:
    """Five seeds, skills of standard deviation 1: the first side gets its kind's worth and its skill; equal seeds have not met."""
    skill = np.array([-1.27, -0.63, 0.0, 0.63, 1.27])
    tables = {}
    for first, worth in (("single", single), ("ensemble", ensemble)):
        for second in ("single", "ensemble"):
            tables[first, second] = skill[:, None] + np.full((5, 5), worth)
            np.fill_diagonal(tables[first, second], np.nan)
    return tables


def test_the_gain_by_an_ensemble_is_a_difference_of_the_same_seeds():
    """A skill of standard deviation 1 in both kinds: a mean of five seeds has 0.45, a difference 0.63, so an interval of 2.9 (8 degrees).

    It is a little wider, since a seed that is left out leaves one who met all others.
    """
    gain = gains(met(single=1, ensemble=5))

    assert gain[0, "single"].estimate == gain[0, "ensemble"].estimate == pytest.approx(4)
    assert gain[0, "single"].high - gain[0, "single"].low == pytest.approx(2.9, abs=0.5)
    assert gain[1, "single"].estimate == gain[1, "ensemble"].estimate == pytest.approx(0)  # its kind does not matter to the others


def test_what_the_first_side_loses_is_the_gain_of_the_second():
    tables = met(single=0, ensemble=0)
    for first in ("single", "ensemble"):
        tables[first, "ensemble"] = tables[first, "ensemble"] - 3

    gain = gains(tables)
    assert gain[1, "single"].estimate == gain[1, "ensemble"].estimate == pytest.approx(3)
    assert gain[0, "single"].estimate == pytest.approx(0)


@pytest.mark.parametrize("table", list(between_settings.TABLES))
def test_variants_between_two_settings_are_runs_of_their_own_and_differ_in_what_they_say(table):
    comparison = between_settings.TABLES[table]
    pieces = {name: comparison.piece(name)[0] for name in comparison.variants}

    assert len({piece.name for piece in pieces.values()}) == len(pieces)
    for name, variant in comparison.variants.items():
        (config,) = pieces[name].configs
        untouched = preset(variant.setting, config.environment)
        assert config.algorithm == replace(untouched.algorithm, **variant.algorithm)
        assert variant.world.items() <= config.world.given().items()
        assert config.training.steps == variant.size.steps
        assert all(getattr(config.training, key) == value for key, value in variant.training.items())


def test_a_setting_at_full_length_is_the_one_in_the_paper_s_table():
    for setting in ("tuned", "paper"):
        piece, shelf = between_settings.TABLES["deception"].piece(f"{setting} long")
        assert shelf is paper.SHELF
        assert any(piece.same(other) for other in plan([deception.STUDY], paper.SHELF, FULL, [setting]).pieces)


def test_what_the_paper_s_tables_cost_counts_each_run_with_the_first_that_needs_it(tmp_path, monkeypatch):
    shelf, size = shelf_in(tmp_path), Size(30_000, 5, settings=("tuned",))
    first, second = replace(FRESH, seeds=(2, 2)), replace(PUSH, seeds=(2, 2))
    monkeypatch.setattr(paper, "STUDIES", {"fresh": first, "push": second})
    monkeypatch.setattr(paper, "SHELF", shelf)
    monkeypatch.setattr(paper, "FULL", size)
    for line_up in (("MADDPG", "MADDPG"), ("DDPG", "DDPG")):
        put(workshop(shelf, second, size=size).together(line_up), shelf, {})
    put(workshop(shelf, first, size=size).afresh(("DDPG", "DDPG"), "good"), shelf, {})

    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in paper.costs()[2:]]

    assert rows == [["fresh", "tuned", "2 of 4", "2", "3"], ["push", "tuned", "1 of 2", "2", "2"]]


@pytest.mark.parametrize("run", list(crossplay.IN_THE_PAPER))
def test_half_of_the_crossed_runs_are_those_of_the_paper_s_table(run):
    study, sides = predator_prey.STUDY, crossplay.IN_THE_PAPER[run]

    assert crossplay.config(run, FULL) == run_config(study, crossplay.WORLD, "tuned", sides, FULL, *programs(study, FULL))


def test_the_crossed_runs_are_ten_different_ones():
    assert len({crossplay.name_of(run) for run in crossplay.RUNS}) == 10
    assert len({repr(crossplay.config(run, FULL)) for run in crossplay.RUNS}) == 10


@pytest.mark.parametrize("run", list(crossplay.RUNS))
def test_every_team_is_attacked_by_the_same_algorithm(run):
    response = crossplay.Attack(run, "good", FULL).config

    assert (response.algorithm.critic_view, response.algorithm.twin_critics, response.algorithm.gamma) == ("all", True, 0.95)
    assert list(response.teams) == ["good"]
    assert response.teams["good"].player == "frozen"


def test_what_is_lost_to_an_attack_is_found_wherever_the_runs_lie(monkeypatch, tmp_path):
    """And whatever the digests of their settings are: a setting that is new would change them all."""
    attack = crossplay.Attack("DDPG", "good", FULL)
    before = attack.decided_by
    path = attack.config.teams["good"].run

    monkeypatch.setattr(crossplay, "SHELF", Shelf(tmp_path, tmp_path / "elsewhere"))

    assert attack.config.teams["good"].run != path
    assert attack.decided_by == before
    assert before[0] == crossplay.config("DDPG", FULL)


def test_the_geometry_of_those_who_know_nothing_is_what_closed_forms_say():
    """Two points of a unit square are within s of each other with probability pi s^2 - 8/3 s^3 + s^4/2."""
    found = {row[0]: row[1:] for row in ([cell.strip() for cell in line.split("|")[1:-1]] for line in knowing_nothing.geometry()[2:])}
    side = 0.45  # half the way between two landmarks in a square of side 2
    near = 100 * (np.pi * side**2 - 8 / 3 * side**3 + side**4 / 2)  # both are within reach

    pair = found["an adversary, two landmarks"]
    assert float(pair[0]) == pytest.approx(near, abs=0.4)
    assert float(pair[2]) == pytest.approx(near + (100 - near) / 2, abs=0.4)  # or one of the two
    assert float(pair[3]) == pytest.approx(0.5214, abs=0.003)  # half the mean distance of two points
    assert float(found["a listener, three"][1]) == pytest.approx(4 / 9, abs=0.003)


def test_one_who_does_not_know_the_goal_can_have_as_many_landmarks_within_reach_as_a_grid_of_points_finds():
    places = np.random.default_rng(0).uniform(-1, 1, (12, 4, 2))
    axis = np.linspace(-1, 1, 201)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 1, 2)
    found = [np.sum(np.linalg.norm(points - each, axis=-1) < knowing_nothing.REACHED, axis=1).max() / 4 for each in places]

    assert set(found) >= {0.5, 0.75}
    np.testing.assert_allclose(knowing_nothing._most_within(places), found)


def test_the_least_mean_distance_of_landmarks_is_that_of_the_best_point_of_a_grid():
    places = np.random.default_rng(0).uniform(-1, 1, (12, 4, 2))
    axis = np.linspace(-1, 1, 201)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 1, 2)
    found = [np.linalg.norm(points - each, axis=-1).mean(axis=1).min() for each in places]

    np.testing.assert_allclose(knowing_nothing._least_distance(places), found, atol=3e-3)


def test_settings_are_compared_seed_by_seed():
    """Seeds differ by more than settings do, in the same way: only pairs show the difference."""
    first, second = (
        {"curves": {str(seed): [10.0 * seed * factor + more] * LAST for seed in range(8)}} for factor, more in ((1, 0), (2, 3))
    )
    found = paired(second, first)

    assert found["return"][0] == pytest.approx(35 + 3)
    assert found["spread"] == pytest.approx((2, 2, 2))
    assert paired(first, first)["return"] == (0, 0, 0)


def test_soft_targets_are_compared_with_hard_ones_of_their_age():
    others = beside("simple_spread")

    assert others["soft, tau 0.182"] == "hard, every 10 updates"
    assert others["hard, every 500 updates"] == others["hard, every 2 updates"] == "hard, every 2 updates"
    assert beside("simple_speaker_listener+")["hard, every 100 episodes"] == "hard, every 50 updates"


def test_maddpg_does_better_where_its_own_side_has_more_and_where_the_other_side_has_less(monkeypatch):
    """A margin that good agents with MADDPG raise by 20 points and an adversary with MADDPG lowers by 10, whoever else plays."""

    def together(study, world, setting, line_up):
        margin = 0.5 + 0.2 * (line_up[0] == "MADDPG") - 0.1 * (line_up[1] == "MADDPG")
        return [] if setting == "tuned" else [{"means": {deception.MARGIN: [margin - 0.01, margin, margin + 0.01]}}]

    monkeypatch.setattr(orders.paper, "together", together)
    good, adversary = (one for one in orders.questions() if one.study.name == "deception" and one.world == "N = 2")

    assert good.answer("paper").startswith("20.0 (100%, p = 0.0")
    assert adversary.answer("paper").startswith("10.0 (100%, p = 0.0")
    assert good.answer("tuned") == "not run yet"
    assert (good.printed(), adversary.printed()) == ("42.5 ?", "23.4 ?")  # 55.2 - 9.9 and 75.8 - 36.1; 75.8 - 55.2 and 36.1 - 9.9
