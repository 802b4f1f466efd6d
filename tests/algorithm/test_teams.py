"""Teams: who plays them, numbers and views of their own, and that MADDPG and DDPG, learners and others, share a program but no bits."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest

from maddpg.algorithm.learning import Batches, metric_names
from maddpg.algorithm.state import assemble, hyper
from maddpg.algorithm.teams import assign_players
from maddpg.algorithm.update import update
from maddpg.algorithm.views import view_mask
from maddpg.config import AlgorithmConfig, TeamConfig
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, Simplex
from tests.algorithm.batches import changed_rows, louder, random_transitions, start

CHASE = EnvSpec(
    "chase",
    (
        AgentSpec("hound_0", "hounds", 3, (Box((-1.0,), (1.0,)),)),
        AgentSpec("hound_1", "hounds", 2, (Box((0.0, -2.0), (2.0, 1.0)),)),
        AgentSpec("hare_0", "hares", 4, (Box((-3.0,), (3.0,)),)),
        AgentSpec("hare_1", "hares", 1, (Box((-1.0,), (1.0,)),)),
    ),
    2,
    25,
)
"""Deterministic agents: nothing is drawn but what a random team does."""

PLAIN = AlgorithmConfig(actor_layers=(5,), critic_layers=(6,), gamma=0.9, tau=0.1, target_initialisation="independent")
BATCH = 7
BOX = Box((-1.0,), (1.0,))


# Who plays.


def test_who_is_not_named_learns():
    players = assign_players(PLAIN, CHASE, {"hares": TeamConfig(player="scripted")})

    assert players.kinds == ("learning", "learning", "scripted", "scripted")
    assert players.learners == (0, 1)
    assert not players.all_learn
    assert players.who("scripted", "random").tolist() == [False, False, True, True]
    assert assign_players(PLAIN, CHASE, {}).all_learn


def test_a_team_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown team 'hare'; did you mean 'hares'\? Known: hounds, hares"):
        assemble(PLAIN, CHASE, {"hare": TeamConfig()})


def test_somebody_must_learn():
    teams = {"hares": TeamConfig(player="scripted"), "hounds": TeamConfig(player="random")}

    with pytest.raises(ValueError, match=r"nobody learns: every team is random or scripted; let one of hounds, hares be learning"):
        assemble(PLAIN, CHASE, teams)


# Numbers and views of their own.


def test_a_team_has_numbers_of_its_own_and_the_others_everybodys():
    own = TeamConfig(
        actor_rate=0.5, gamma=0.2, target_interval=7, target_unit="episodes", noise=0.3, noise_final=0.1, inference_entropy=0.4
    )
    numbers = hyper(assemble(replace(PLAIN, noise=0.6, inference=True), CHASE, {"hares": own}))

    for name, (others, mine) in {
        "actor_rate": (PLAIN.actor_rate, 0.5),
        "critic_rate": (PLAIN.critic_rate, PLAIN.critic_rate),
        "gamma": (0.9, 0.2),
        "target_interval": (1, 7),
        "target_by_episodes": (False, True),
        "noise": (0.6, 0.3),
        "noise_final": (0.6, 0.1),
        "inference_entropy": (1e-3, 0.4),
    }.items():
        np.testing.assert_allclose(getattr(numbers, name), [others, others, mine, mine], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ("space", "penalty"),
    [((BOX,), 0.0), ((Simplex(3),), 1e-3), ((Categorical(3),), 1e-3), ((BOX, Categorical(2)), 1e-3), ((BOX, BOX), 0.0)],
)
def test_outputs_of_who_chooses_are_held_back_unless_it_is_said_otherwise(space, penalty):
    """Without that a softmax saturates, and covert communication is seldom learned (docs/paper.md)."""
    spec = EnvSpec("mixed", (AgentSpec("one", "us", 2, space), AgentSpec("two", "others", 2, (BOX,))), 0, 5)

    def penalties(teams=None, **settings):
        return hyper(assemble(replace(PLAIN, **settings), spec, teams or {})).logit_regulariser

    np.testing.assert_allclose(penalties(), [penalty, 0], rtol=1e-6)
    np.testing.assert_allclose(penalties(logit_regulariser=0.0), [0, 0])
    np.testing.assert_allclose(penalties(logit_regulariser=0.5), [0.5, 0.5])
    np.testing.assert_allclose(penalties({"others": TeamConfig(logit_regulariser=0.25)}), [penalty, 0.25], rtol=1e-6)


@pytest.mark.parametrize("player", ["scripted", "random"])
def test_who_does_not_learn_does_not_explore(player):
    numbers = hyper(assemble(replace(PLAIN, noise=0.6), CHASE, {"hares": TeamConfig(player=player)}))

    np.testing.assert_allclose(numbers.noise, [0.6, 0.6, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(numbers.noise_final, [0.6, 0.6, 0, 0], rtol=1e-6)


VIEWS = [
    ({"hares": TeamConfig(critic_view="own")}, ["1111", "1111", "0010", "0001"]),
    ({"hares": TeamConfig(critic_view="team")}, ["1111", "1111", "0011", "0011"]),
    ({"hounds": TeamConfig(critic_view="own"), "hares": TeamConfig(critic_view="team")}, ["1000", "0100", "0011", "0011"]),
    ({"hares": TeamConfig(critic_sees=("hounds",))}, ["1111", "1111", "1110", "1101"]),
    ({"hares": TeamConfig(critic_sees=("hound_1", "hare_0"))}, ["1111", "1111", "0110", "0111"]),
    ({"hounds": TeamConfig(critic_sees=())}, ["1000", "0100", "1111", "1111"]),
]


@pytest.mark.parametrize(("teams", "rows"), VIEWS)
def test_each_teams_critics_see_whom_it_says(teams, rows):
    expected = np.array([[digit == "1" for digit in row] for row in rows])

    np.testing.assert_array_equal(view_mask(PLAIN, CHASE, teams), expected)
    assert not assemble(PLAIN, CHASE, teams).view.shared


def test_a_teams_view_wins_over_everybodys():
    mask = view_mask(replace(PLAIN, critic_view="own"), CHASE, {"hares": TeamConfig(critic_view="all")})

    assert mask.astype(int).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]


def test_seeing_nobody_that_exists_is_refused():
    with pytest.raises(ValueError, match=r"unknown team or agent in critic_sees 'hound_2'; did you mean 'hound_[01]'"):
        assemble(PLAIN, CHASE, {"hares": TeamConfig(critic_sees=("hound_2",))})


# In one program.


class Match:
    """A compiled learning step of CHASE with these teams."""

    def __init__(self, teams, config=PLAIN):
        self.algorithm = assemble(config, CHASE, teams)
        self.numbers, self.state = hyper(self.algorithm), start(self.algorithm)
        self.batch = random_transitions(CHASE, 0, BATCH)
        if self.algorithm.players.who("scripted").any():
            self.batch = replace(self.batch, next_action=random_transitions(CHASE, 1, BATCH).action)
        step = jax.jit(lambda state, batch, key: update(self.algorithm, self.numbers, state, Batches(batch), key))
        self.step = lambda state=self.state, batch=self.batch, seed=1: step(state, batch, jax.random.key(seed))
        self.after, self.metrics = self.step()


@pytest.fixture(scope="module")
def ddpg_hares():
    """Hounds whose critics see all, against hares whose critics see themselves."""
    return Match({"hares": TeamConfig(critic_view="own")})


def learned(state):
    """All that a learner's row holds."""
    return state.critic, state.target_critic, state.actor, state.target_actor, state.critic_optimiser, state.actor_optimiser


@pytest.mark.parametrize("field", ["observation", "action", "next_observation", "reward"])
@pytest.mark.parametrize("agent", [0, 3])
def test_a_ddpg_team_is_untouched_by_what_the_others_do_beside_a_maddpg_team(ddpg_hares, field, agent):
    values = getattr(ddpg_hares.batch, field)
    other = replace(ddpg_hares.batch, **{field: values.at[:, agent].multiply(0.7)})

    after, _ = ddpg_hares.step(batch=other)

    concerned = [agent == row or (row < 2 and field != "reward") for row in range(4)]  # both hounds see everybody
    assert changed_rows(learned(ddpg_hares.after), learned(after)) == concerned


def test_a_ddpg_target_asks_no_other_policy(ddpg_hares):
    state = replace(ddpg_hares.state, target_actor=louder(ddpg_hares.state.target_actor, 2))

    assert changed_rows(ddpg_hares.after.critic, ddpg_hares.step(state)[0].critic) == [True, True, True, False]


@pytest.fixture(scope="module", params=["frozen", "scripted", "random"])
def half_learning(request):
    """Hounds that learn against hares that do not."""
    kind = request.param
    return Match({"hares": TeamConfig(player=kind, run="runs/earlier" if kind == "frozen" else None)})


def test_only_learners_have_critics_and_optimisers(half_learning):
    state = half_learning.state
    rows = {
        name: {leaf.shape[0] for leaf in jax.tree.leaves(getattr(state, name))}
        for name in ("actor", "target_actor", "critic", "target_critic", "actor_optimiser", "critic_optimiser", "target_boundaries")
    }

    assert rows.pop("actor") == rows.pop("target_actor") == {4}
    assert all(count == {2} for count in rows.values())
    assert set(half_learning.metrics) == set(metric_names(half_learning.algorithm))
    assert all(value.shape == (2,) for value in half_learning.metrics.values())


def test_who_does_not_learn_never_moves(half_learning):
    state = half_learning.after
    for _ in range(3):
        state, _ = half_learning.step(state)

    for field in ("actor", "target_actor"):
        assert changed_rows(getattr(half_learning.state, field), getattr(state, field)) == [True, True, False, False]
    assert changed_rows(half_learning.state.critic, state.critic) == [True, True]


def test_rows_of_learners_stay_theirs_when_the_first_team_does_not_learn():
    # The learners are the last agents here: a critic's row is not its agent's.
    match = Match({"hounds": TeamConfig(player="scripted"), "hares": TeamConfig(critic_view="own")})
    louder_reward = replace(match.batch, reward=match.batch.reward.at[:, 3].multiply(2))

    after, metrics = match.step(batch=louder_reward)

    assert changed_rows(match.after.critic, after.critic) == [False, True]
    assert changed_rows(match.after.actor, after.actor)[:3] == [False] * 3
    assert changed_rows(match.state.actor, match.after.actor) == [False, False, True, True]
    assert (metrics["target"] != match.metrics["target"]).tolist() == [False, True]


def test_a_frozen_teams_actor_stands_in_the_target_and_other_players_networks_do_not(half_learning):
    kind = half_learning.algorithm.players.kinds[2]
    state = replace(half_learning.state, target_actor=louder(half_learning.state.target_actor, 2))

    _, metrics = half_learning.step(state)

    assert np.all((metrics["target"] != half_learning.metrics["target"]) == (kind == "frozen"))


def test_learners_with_learners_are_as_without_teams():
    # A table that says nothing changes nothing.
    plain, named = Match({}), Match({"hares": TeamConfig(), "hounds": TeamConfig()})

    jax.tree.map(np.testing.assert_array_equal, plain.after, named.after)
