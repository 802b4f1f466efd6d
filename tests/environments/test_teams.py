"""Which team an agent's name says that it is on."""

from __future__ import annotations

import pytest

from maddpg.environments.teams import team_of


@pytest.mark.parametrize(
    ("name", "team"),
    [
        ("adversary_0", "adversary"),
        ("red_team_12", "red_team"),
        ("eve", "eve"),
        ("type0_1", "type0"),
        ("leadadversary_0", "leadadversary"),
        ("7", "agent"),
        ("_7", "_7"),
        ("x_", "x_"),
    ],
)
def test_the_team_stands_before_the_number(name, team):
    assert team_of(name) == team
