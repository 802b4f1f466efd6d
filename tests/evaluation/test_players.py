"""Who plays, by team or by agent."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.acting import act_greedily
from maddpg.algorithm.state import assemble, init
from maddpg.config import AlgorithmConfig
from maddpg.evaluation.players import Player, choose_players, chosen_actions, everybody, play_actions, still_actions
from maddpg.types import AgentSpec, Availability, Box, Categorical, EnvSpec, Simplex
from tests.evaluation.game import ACTORS, ALGORITHM, GAME

SPEC = EnvSpec(
    "crowd", tuple(AgentSpec(name, team, 1, (Categorical(2),)) for name, team in (("a", "red"), ("b", "blue"), ("c", "red"))), 1, 5
)
CROWD = assemble(AlgorithmConfig(), SPEC)
LEARNED, RANDOM, STILL, SCRIPTED = Player


def test_everybody_plays_alike():
    players = everybody(SPEC, SCRIPTED)

    assert players.tolist() == [SCRIPTED] * 3
    assert players.dtype == np.int32


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({}, [LEARNED, LEARNED, LEARNED]),
        ({"red": "scripted"}, [SCRIPTED, LEARNED, SCRIPTED]),
        ({"b": "still"}, [LEARNED, STILL, LEARNED]),
        ({"red": "random", "blue": "still"}, [RANDOM, STILL, RANDOM]),
        ({"red": "random", "c": "learned"}, [RANDOM, LEARNED, LEARNED]),  # a team, but for one of it
    ],
)
def test_teams_and_agents_are_chosen_by_name(choices, expected):
    assert choose_players(CROWD, choices).tolist() == expected


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"rde": "still"}, r"unknown team or agent 'rde'; did you mean 'red'\? Known: red, blue, a, b, c"),
        ({"red": "Still"}, r"unknown player 'Still'; did you mean 'still'\? Known: learned, random, still, scripted"),
        ({"red": ""}, "unknown player ''. Known: learned, random, still, scripted"),
    ],
)
def test_unknown_names_are_refused(choices, message):
    with pytest.raises(ValueError, match=message):
        choose_players(CROWD, choices)


def test_each_agent_does_what_its_player_does():
    actor = jax.tree.map(lambda leaf: leaf[0], ACTORS)
    worlds, observation = jax.vmap(GAME.reset)(jax.random.split(jax.random.key(1), 5))

    @jax.jit
    def act(players):
        return play_actions(ALGORITHM, GAME, actor, players, observation, worlds, jax.random.key(2))

    def play(*players):
        return act(jnp.array(players, jnp.int32))

    learned = jax.jit(partial(act_greedily, ALGORITHM))(actor, observation)
    scripted = np.zeros((5, 2, 3), np.float32)
    scripted[:, 0, 0] = -worlds["start"]
    scripted[:, 1, 0] = 1  # the clock stands at 0
    still = jnp.broadcast_to(GAME.still, (5, 2, 3))
    by_player = {LEARNED: learned, STILL: still, SCRIPTED: scripted}
    for first in by_player:
        for second in by_player:
            action = play(first, second)
            np.testing.assert_allclose(action[:, 0], by_player[first][:, 0], rtol=1e-6)
            np.testing.assert_allclose(action[:, 1], by_player[second][:, 1], rtol=1e-6)
    action = play(RANDOM, STILL)
    assert len(np.unique(action[:, 0, 0])) == 5
    np.testing.assert_array_equal(action[:, 1], still[:, 1])


def test_who_stands_still_takes_the_first_choice_that_is_allowed():
    agent = AgentSpec("a", "red", 1, (Categorical(2), Simplex(2), Box((0.0,), (4.0,)), Categorical(3)))
    spec = EnvSpec("masked", (agent, AgentSpec("b", "blue", 1, (Categorical(2),))), 0, 5, mortal=True, masked=True)
    algorithm = assemble(AlgorithmConfig(actor_layers=(4,)), spec)
    still = still_actions(algorithm)
    np.testing.assert_array_equal(still, [[1, 0, 1, 0, 2, 1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]])
    mask, alive = np.ones((3, 2, 8), bool), np.ones((3, 2), bool)
    mask[1, 0, [0, 5]] = mask[2, 0, [5, 6]] = mask[2, 1, 0] = False
    alive[1, 1] = False
    there = Availability(jnp.asarray(alive), jnp.asarray(mask))
    actor = jax.jit(lambda key: init(algorithm, key).actor)(jax.random.key(0))

    def standing(there: Availability):
        who = jnp.full(2, STILL, jnp.int32)
        return chosen_actions(algorithm, still, actor, who, jnp.zeros((3, 2, 1)), there, jax.random.key(0))

    free, kept = jax.jit(standing)(Availability()), jax.jit(standing)(there)
    np.testing.assert_array_equal(free, np.broadcast_to(still, (3, 2, 8)))
    np.testing.assert_array_equal(kept[:, 0], [[1, 0, 1, 0, 2, 1, 0, 0], [0, 1, 1, 0, 2, 0, 1, 0], [1, 0, 1, 0, 2, 0, 0, 1]])
    np.testing.assert_array_equal(kept[:, 1, :2], [[1, 0], [0, 0], [0, 1]])
