"""Many runs crossed: who stands where, and whose returns are whose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maddpg.evaluation import meetings
from maddpg.evaluation.meetings import Entrant, choose_places, meet, yardstick
from maddpg.evaluation.players import Player, everybody
from maddpg.evaluation.rollout import Episodes
from maddpg.types import AgentSpec, Box, EnvSpec


def spec(*teams: str) -> EnvSpec:
    """Agents a, b, ... on these teams."""
    agents = tuple(AgentSpec("abcdef"[row], team, 2, (Box((-1.0,), (1.0,)),)) for row, team in enumerate(teams))
    return EnvSpec("game", agents, state_size=2, episode_length=3)


TAG, SPREAD = spec("hunters", "hunters", "prey"), spec("all", "all", "all")


def masks(places) -> list[list[bool]]:
    return [mask.tolist() for mask in places.rows]


def test_of_two_teams_the_first_comes_from_the_row():
    places = choose_places(TAG)

    assert masks(places) == [[True, True, False]]
    assert places.roles == tuple(places.sides) == ("hunters", "prey")
    assert places.sides["prey"].tolist() == [False, False, True]


def test_rows_may_be_chosen():
    assert masks(choose_places(TAG, ["prey"])) == [[False, False, True]]
    places = choose_places(TAG, ["a"])
    assert (masks(places), places.roles) == ([[True, False, False]], ("a", "prey, b"))
    assert masks(choose_places(spec("x", "y", "z"), ["x", "c"])) == [[True, False, True]]


def test_in_one_team_each_agent_comes_from_the_row_in_turn():
    places = choose_places(SPREAD)

    assert masks(places) == np.eye(3, dtype=bool).tolist()
    assert {name: mask.tolist() for name, mask in places.sides.items()} == {"all": [True] * 3}
    assert masks(choose_places(SPREAD, ["b"])) == [[False, True, False]]


@pytest.mark.parametrize(
    ("where", "rows", "line"),
    [
        (spec("one"), (), "game has one agent, and nobody whom it could meet; `maddpg compare` compares its runs"),
        (spec("x", "y", "z"), (), "game has 3 teams: say with --rows who comes from the row's run, of x, y, z; the others come from"),
        (TAG, ("pray",), "unknown team or agent 'pray'; did you mean 'prey'? Known: hunters, prey, a, b, c"),
        (TAG, ("prey", "hunters"), "--rows prey hunters: these are all agents of game, and nobody is left for the columns; name fewer"),
    ],
)
def test_places_that_make_no_sense_are_refused(where, rows, line):
    with pytest.raises(ValueError, match=r"^") as raised:
        choose_places(where, rows)
    assert str(raised.value).startswith(line)


def entrant(name: str, *values: float, agents: int = 3) -> Entrant:
    """An actor is a number for each agent: the value of its seed, plus a tenth for each agent before it."""
    actors = np.array([[[value + agent / 10] for agent in range(agents)] for value in values])
    return Entrant(name, tuple(range(len(values))), actors, np.zeros(agents, np.int32))


def play(actors, players) -> Episodes:
    """Two episodes: everybody's number, ten times as much in the second; of random players 100."""
    values = np.where(np.asarray(players) == Player.RANDOM, 100.0, np.asarray(actors)[..., 0])
    return Episodes(np.stack([values, 10 * values], axis=1), {})


def test_every_policy_meets_every_other():
    found = meet("game", choose_places(TAG), [entrant("x", 1, 2), entrant("y", 5)], 1, play, 2)

    assert found.returns.shape == (3, 3, 2, 2)
    assert found.owner.tolist() == [0, 0, 1]
    assert found.policies == [{"run": "x", "seed": 0}, {"run": "x", "seed": 1}, {"run": "y", "seed": 0}]
    for row, hunters in enumerate((1, 2, 5)):
        for column, prey in enumerate((1, 2, 5)):
            np.testing.assert_allclose(found.returns[row, column, 0], [hunters + 0.05, prey + 0.2], rtol=1e-5)
    np.testing.assert_allclose(found.returns[:, :, 1], 10 * found.returns[:, :, 0], rtol=1e-5)


def test_in_one_team_the_return_is_the_team_s_mean_over_all_places():
    found = meet("game", choose_places(SPREAD), [entrant("x", 0), entrant("y", 3)], 1, play, 2)

    np.testing.assert_allclose(found.returns[..., 0, 0], [[0.1, 2.1], [1.1, 3.1]], rtol=1e-5)  # a guest of x with two hosts of y: 2


def test_a_yardstick_needs_no_networks():
    someone = entrant("x", 1)
    guest = yardstick("random", everybody(TAG, Player.RANDOM), someone)
    found = meet("game", choose_places(TAG), [someone, guest], 1, play, 2)

    np.testing.assert_allclose(found.returns[0, 1, 0], [1.05, 100])


def test_one_policy_alone_and_too_many_are_refused(monkeypatch):
    places = choose_places(TAG)
    with pytest.raises(ValueError, match=r"^there is one run of one seed, and nobody whom it could meet; give another run"):
        meet("game", places, [entrant("x", 1)], 1, play, 2)
    monkeypatch.setattr(meetings, "LARGEST", 4 * 4 * 3 * 1_000)
    with pytest.raises(ValueError, match=r"^4 pairings of 2_000 episodes take 0.0 GiB: give fewer .*; 1_000 episodes would fit"):
        meet("game", places, [entrant("x", 1, 2)], 1, play, 2_000)


def test_entrants_keep_who_played_for_them():
    random = replace(entrant("x", 1), players=np.array([0, 0, Player.RANDOM], np.int32))
    found = meet("game", choose_places(TAG), [random, entrant("y", 2)], 1, play, 2)

    assert found.returns[:, 0, 0, 1].tolist() == [100, 100]  # x's prey was played at random when x was trained
