"""What is counted, of episodes that were made up, and how numbers are written."""

from __future__ import annotations

import numpy as np
import pytest

from maddpg.evaluation.rollout import Episodes
from maddpg.paper.registry import STUDIES
from maddpg.paper.study import Measure, Printed
from maddpg.statistics import Interval


def counted(study: str, agents: int = 2, **metrics) -> dict[str, list]:
    """Heading -> number of each episode."""
    values = {name: np.array(value) for name, value in metrics.items()}
    returns = np.zeros((*next(iter(values.values())).shape, agents))
    measures = STUDIES[study].measures
    wanted = {measure.heading: measure for measure in measures}
    return {heading: np.asarray(measure.of(Episodes(returns, values))).tolist() for heading, measure in wanted.items()}


@pytest.mark.parametrize("study", ["communication", "inference"])
def test_communication(study):
    found = counted(study, final_distance=[[0.05, 0.1], [0.19, 0.44]])

    assert found.pop("final distance") == [[0.05, 0.1], [0.19, 0.44]]
    assert found.pop("its square") == pytest.approx(np.array([[0.0025, 0.01], [0.0361, 0.1936]]))
    assert found == {
        "within 0.1, %": [[1, 0], [0, 0]],
        "within 0.2, %": [[1, 1], [1, 0]],
        "within 0.3, %": [[1, 1], [1, 0]],
        "within 0.45, %": [[1, 1], [1, 1]],
    }


def test_navigation_sums_distances_over_as_many_landmarks_as_agents():
    found = counted("navigation", agents=6, distance=[0.5, 0.25], collisions=[3.0, 0.0])

    assert found == {"distance, sum over landmarks": [3.0, 1.5], "collisions an episode": [3.0, 0.0]}


@pytest.mark.parametrize("study", ["predator-prey", "ensembles-predator-prey"])
def test_predator_prey(study):
    assert counted(study, touches=[2.0, 0.0], prey_outside=[0.04, 1.0]) == {
        "touches an episode": [2.0, 0.0],
        "a predator's reward for them": [20.0, 0.0],
        "prey outside the field, % of steps": [0.04, 1.0],
    }


@pytest.mark.parametrize("study", ["deception", "ensembles-deception"])
def test_deception(study):
    ends = {"agent_final_distance": [0.44, 0.1, 0.46], "adversary_final_distance": [0.5, 0.3, 0.2], "cover_distance": [0.4, 0.6, 0.3]}
    found = counted(study, **ends, agent_success=[0.0, 1.0, 0.0], adversary_success=[0.0, 0.0, 1.0])

    assert found == {
        "good agents within 0.45, %": [1, 1, 0],
        "adversary within 0.45, %": [0, 1, 1],
        "margin": [1, 0, -1],
        "all landmarks covered within 0.45, %": [1, 0, 1],
        "good agents within 0.16, %": [0, 1, 0],
        "adversary within 0.16, %": [0, 0, 1],
    }


def test_covert():
    found = counted("covert", bob_correct=[1.0, 0.0], eve_correct=[0.5, 1.0])

    assert found == {"Bob is right, %": [1, 0], "Eve is right, %": [0.5, 1], "margin": [0.5, -1], "Eve, read either way, %": [0.5, 1]}


def test_an_eve_who_is_always_wrong_knows_as_much_as_one_who_is_always_right():
    """There are two words."""
    (either_way,) = (measure for measure in STUDIES["covert"].measures if measure.heading == "Eve, read either way, %")

    assert either_way.of_mean(np.array([0.0, 0.25, 0.5, 0.9])).tolist() == [1, 0.75, 0.5, 0.9]


@pytest.mark.parametrize(
    ("measure", "bounds"),
    [
        (Measure("share", np.asarray, percent=True), [0, 1]),
        (Measure("margin", np.asarray, percent=True, signed=True), [-1, 1]),
        (Measure("distance", np.asarray), [0, 9]),
        (Measure("return", np.asarray, signed=True), [-9, 9]),
    ],
)
def test_an_interval_ends_where_no_mean_can_lie(measure, bounds):
    found = measure.possible(Interval(*np.array([0.5, -9, 9])))

    assert [found.estimate, found.low, found.high] == [0.5, *bounds]
    assert np.isnan(measure.possible(Interval(*np.array([0.5, np.nan, np.nan]))).low)


def test_keep_away():
    found = counted("ensembles-keep-away", agent_success=[1.0], adversary_on_goal=[3.0], collisions=[2.0])

    assert list(found.values()) == [[1], [3], [2]]


def test_how_numbers_are_written():
    assert Measure("share", lambda _: 0, percent=True).text(0.12345) == "12.3"
    assert Measure("distance", lambda _: 0, digits=3).text(0.12345) == "0.123"
    assert str(Printed(11.0)) == "11.0 ?"
    assert str(Printed(0.133, verified=True, digits=3)) == "0.133"


def test_the_margins_that_the_text_tells_are_its_own():
    """52.4% and 25.1%, the only numbers of covert communication outside the appendix."""
    printed = STUDIES["covert"].printed
    written = {line_up: str(numbers["margin"]) for (_, line_up), numbers in printed.items()}

    assert (written["MADDPG", "DDPG"], written["DDPG", "DDPG"]) == ("52.4", "25.1")
    assert written["MADDPG", "MADDPG"].endswith(" ?")
    assert all(str(number).endswith(" ?") for numbers in printed.values() for heading, number in numbers.items() if heading != "margin")
