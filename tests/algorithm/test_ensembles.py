"""Policy ensembles: who is drawn, who answers, and that eq. 9 moves each sub-policy as its own replay says."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.acting import act, act_greedily
from maddpg.algorithm.actions import probabilities
from maddpg.algorithm.ensembles import draw_sub_policies, sub_policy_output
from maddpg.algorithm.joint_actions import next_actions
from maddpg.algorithm.learning import Batches
from maddpg.algorithm.networks import mlp
from maddpg.algorithm.state import assemble, hyper
from maddpg.algorithm.teams import Players
from maddpg.algorithm.update import update
from maddpg.config import AlgorithmConfig
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, Simplex
from tests.algorithm.batches import changed_rows, louder, random_transitions, start

DUEL = EnvSpec(
    "duel",
    (
        AgentSpec("scout", "ours", 3, (Box((-1.0,), (1.0,)),)),
        AgentSpec("guard", "ours", 2, (Box((0.0, -2.0), (2.0, 1.0)),)),
        AgentSpec("rival", "theirs", 4, (Box((-3.0,), (3.0,)),)),
    ),
    2,
    25,
)
"""Points alone, so that no key is in a learning step."""

SINGLE = AlgorithmConfig(
    actor_layers=(5,),
    critic_layers=(6,),
    twin_critics=False,
    gamma=0.9,
    tau=0.1,
    target_initialisation="independent",
    gradient_clip=None,
    logit_regulariser=0.05,
)
PAIR = replace(SINGLE, ensemble_size=2)
BATCH = 8


def member_of(tree, member: int):
    """The part of [agent, member, ...] leaves that is one member's, kept as an ensemble of one."""
    return jax.tree.map(lambda leaf: leaf[:, member : member + 1], tree)


def single_state(state, member: int):
    """The state of single policies that are each agent's `member`."""
    fields = ("actor", "target_actor", "actor_optimiser")
    return replace(state, **{name: member_of(getattr(state, name), member) for name in fields})


def with_sub_policy(transitions, *index: int):
    """The transitions, played by these members of the three agents."""
    shape = transitions.reward.shape
    return replace(transitions, sub_policy=jnp.broadcast_to(jnp.float32(index), shape))


def compiled(config, spec=DUEL):
    """(algorithm, its numbers, the compiled step of numbers, state and batches)."""
    algorithm = assemble(config, spec)
    step = jax.jit(lambda numbers, state, batches: update(algorithm, numbers, state, batches, jax.random.key(1)))
    return algorithm, hyper(algorithm), step


@pytest.fixture(scope="module")
def single():
    return compiled(SINGLE)


@pytest.fixture(scope="module")
def pair():
    return compiled(PAIR)


@pytest.fixture(scope="module")
def pair_state(pair):
    return start(pair[0])


@pytest.fixture(scope="module")
def batches():
    """What a step of the pair learns from: members have replays of their own, of each agent."""
    members = replace(random_transitions(DUEL, 1, 3, 2, BATCH), sub_policy=jnp.zeros((3, 2, BATCH, 3)).at[:, 1].set(1.0))
    joint = replace(random_transitions(DUEL, 0, BATCH), sub_policy=jnp.tile(jnp.float32([[0, 0, 1], [1, 1, 0]]), (BATCH // 2, 1)))
    return Batches(joint, members, jnp.ones((3, 2), bool))


# Who is drawn, and who answers.


def test_a_team_draws_together_and_an_agent_alone():
    by_team = draw_sub_policies(Players(("learning",) * 3, (0, 0, 1)), 3, jax.random.key(0), 3000)
    by_agent = np.asarray(draw_sub_policies(Players(("learning",) * 3, (0, 1, 2)), 3, jax.random.key(0), 3000))

    np.testing.assert_array_equal(by_team[:, 0], by_team[:, 1])
    for one, other in [(np.asarray(by_team)[:, 0], np.asarray(by_team)[:, 2]), (by_agent[:, 0], by_agent[:, 1])]:
        # All nine pairs, each about as often.
        np.testing.assert_allclose(np.bincount(3 * one + other, minlength=9) / 3000, 1 / 9, atol=0.025)


@pytest.mark.parametrize(("index", "groups"), [("team", (0, 0, 1)), ("agent", (0, 1, 2))])
def test_groups_follow_the_setting(index, groups):
    assert assemble(replace(PAIR, ensemble_index=index), DUEL).players.groups == groups


def test_each_row_is_answered_by_its_sub_policy():
    network = mlp((4,))
    draw = jax.jit(jax.vmap(lambda key: network.init(key, jnp.ones(2, bool), jnp.ones(3, bool))))
    members = draw(jax.random.split(jax.random.key(0), 3))
    observation = jax.random.normal(jax.random.key(1), (6, 2))
    who = jnp.array([0, 2, 1, 1, 0, 2])

    answered = jax.jit(lambda who: sub_policy_output(network, members, observation, who))(who)

    for row, member in enumerate(who):
        own = jax.tree.map(lambda leaf, member=member: leaf[member], members)
        np.testing.assert_allclose(answered[row], network.apply(own, observation[row][None])[0], rtol=1e-5)
    with pytest.raises(ValueError, match="which sub-policy"):
        sub_policy_output(network, members, observation, None)


MIXED = EnvSpec("mixed", (AgentSpec("all", "a", 2, (Categorical(3), Simplex(2), Box((0.0,), (4.0,)))),), 1, 25)


def test_the_average_of_members_is_that_of_probabilities_and_points():
    config = AlgorithmConfig(actor_layers=(), critic_layers=(), ensemble_size=3)
    algorithm = assemble(config, MIXED)
    # Two members prefer column 0 a little, the third column 1 by far: the mean probability is largest at 1.
    outputs = jnp.array([[1.2, 1.0, -3, 0, 1, 0.5], [1.2, 1.0, -3, 1, 0, -0.2], [-4.0, 4.0, -3, 0, 0, 1.5]])
    actor = [{"weight": jnp.zeros((1, 3, 2, 6)), "bias": outputs[None]}]

    play = jax.jit(lambda who: act_greedily(algorithm, actor, jnp.ones((1, 1, 2)), who)[0, 0])
    together, alone = play(None), play(jnp.array([[1]]))

    layout = jax.tree.map(lambda leaf: leaf[0], algorithm.layout)
    np.testing.assert_array_equal(together[:3], [0, 1, 0])
    np.testing.assert_array_equal(alone[:3], [1, 0, 0])
    np.testing.assert_allclose(together[3:5], probabilities(layout, outputs)[:, 3:5].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(together[5], (2 + 2 * np.tanh([0.5, -0.2, 1.5])).mean(), rtol=1e-5)
    np.testing.assert_allclose(alone[5], 2 + 2 * np.tanh(-0.2), rtol=1e-5)


# Eq. 9.


@pytest.mark.parametrize("member", [0, 1])
def test_a_member_moves_as_a_single_policy_would_on_its_own_replay(single, pair, pair_state, batches, member):
    _, numbers, step = pair
    _, single_numbers, single_step = single
    # Critics that stand still are the same for both, whatever the joint minibatch.
    still = {"critic_rate": jnp.zeros(3)}
    together, metrics = step(replace(numbers, **still), pair_state, batches)

    for agent in range(3):
        own = jax.tree.map(lambda leaf, agent=agent: leaf[agent, member], batches.members)
        alone, _ = single_step(replace(single_numbers, **still), single_state(pair_state, member), Batches(replace(own, sub_policy=None)))

        def of_agent(tree, index, agent=agent):
            return jax.tree.leaves(jax.tree.map(lambda leaf: leaf[agent, index], tree))

        # After one step Adam's first moment is a tenth of the gradient: of the ensemble's, 1 / K of the single policy's.
        for mine, its in zip(of_agent(together.actor_optimiser.mu, member), of_agent(alone.actor_optimiser.mu, 0), strict=True):
            np.testing.assert_allclose(mine, its / 2, rtol=1e-4, atol=1e-8)
            assert np.any(np.abs(mine) > 1e-4)
        for mine, its in zip(of_agent(together.actor, member), of_agent(alone.actor, 0), strict=True):
            np.testing.assert_allclose(mine, its, atol=2e-5)  # but for Adam's epsilon: the sign of a gradient has no size
    assert np.all(metrics["actor_gradient_norm"] > 0)


@pytest.mark.parametrize(("agent", "member"), [(0, 1), (2, 0)])
def test_a_members_replay_moves_that_member_alone(pair, pair_state, batches, agent, member):
    _, numbers, step = pair
    before, _ = step(numbers, pair_state, batches)
    members = replace(batches.members, observation=batches.members.observation.at[agent, member].multiply(1.1))

    after, _ = step(numbers, pair_state, replace(batches, members=members))

    for one in range(3):
        mine = [jax.tree.map(lambda leaf, one=one: leaf[one], state.actor_optimiser) for state in (before, after)]
        assert changed_rows(*mine) == [(one, index) == (agent, member) for index in range(2)]
    assert changed_rows(before.critic, after.critic) == [False] * 3


def test_the_critic_learns_from_the_union(pair, pair_state, batches):
    _, numbers, step = pair
    before, _ = step(numbers, pair_state, batches)
    louder_rewards = replace(batches, joint=replace(batches.joint, reward=batches.joint.reward * 3))

    assert changed_rows(before.critic, step(numbers, pair_state, louder_rewards)[0].critic) == [True] * 3
    assert {leaf.shape[:2] for leaf in jax.tree.leaves(before.critic)} == {(3, 1)}  # one for each agent, not for each member


def test_a_member_without_a_replay_does_not_move(pair, pair_state, batches):
    _, numbers, step = pair
    has = jnp.array([[True, False], [True, True], [False, False]])

    after, metrics = step(numbers, pair_state, replace(batches, has_members=has))

    for field in ("actor", "actor_optimiser"):
        for agent in range(3):
            states = [jax.tree.map(lambda leaf, agent=agent: leaf[agent], getattr(state, field)) for state in (pair_state, after)]
            assert changed_rows(*states) == has[agent].tolist()
    assert all(np.all(np.isfinite(value)) for value in metrics.values())


def test_identical_members_that_see_the_same_are_one(single, pair, pair_state):
    _, numbers, step = pair
    _, single_numbers, single_step = single
    same = jax.tree.map(lambda leaf: leaf.at[:, 1].set(leaf[:, 0]), (pair_state.actor, pair_state.target_actor))
    state = replace(pair_state, actor=same[0], target_actor=same[1])
    alone = single_state(state, 0)
    for number in range(3):
        joint = random_transitions(DUEL, number, BATCH)
        alone, _ = single_step(single_numbers, alone, Batches(joint))
        joint = with_sub_policy(joint, 0, 1, 0)
        members = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (3, 2, *leaf.shape)), joint)
        state, _ = step(numbers, state, Batches(joint, members, jnp.ones((3, 2), bool)))

    jax.tree.map(lambda leaf: np.testing.assert_array_equal(leaf[:, 0], leaf[:, 1]), (state.actor, state.target_actor))
    for field in ("actor", "target_actor", "critic", "target_critic"):
        one, other = getattr(state, field), getattr(alone, field)
        if "actor" in field:
            one = member_of(one, 0)
        jax.tree.map(lambda left, right: np.testing.assert_allclose(left, right, atol=3e-5), one, other)


# Whose action stands in the target.


def asked(algorithm, state, batch, key):
    """a' of the three agents at the next observations, as the first one's critic is asked about it."""
    return next_actions(algorithm, state, jnp.int32(0), jnp.array([1, 2]), state, batch, key)


def by_members(algorithm, state, batch) -> np.ndarray:
    """[member, batch, agent, action]: what each member's target actor does at the next observations."""

    @jax.jit
    def by(member):
        who = jnp.full((len(batch.reward), 3), member)
        return act(algorithm, state.target_actor, batch.next_observation, jax.random.key(0), None, who)

    return np.stack([by(member) for member in range(2)])


def test_the_recorded_sub_policies_stand_in_the_target(pair, pair_state, batches):
    algorithm, batch = pair[0], batches.joint

    action = jax.jit(lambda: asked(algorithm, pair_state, batch, jax.random.key(5)))()

    each, who = by_members(algorithm, pair_state, batch), np.asarray(batch.sub_policy, int)
    expected = np.take_along_axis(each, who[None, :, :, None], axis=0)[0]
    np.testing.assert_allclose(action, expected, rtol=1e-5)
    assert np.abs(each[0] - each[1]).max() > 0.1


def test_sub_policies_may_be_drawn_afresh_for_the_target(pair_state, batches):
    algorithm = assemble(replace(PAIR, ensemble_target="drawn"), DUEL)
    batch = random_transitions(DUEL, 2, 200)
    draw = jax.jit(lambda key: asked(algorithm, pair_state, with_sub_policy(batch, 0, 0, 0), key))

    action, again = np.asarray(draw(jax.random.key(5))), np.asarray(draw(jax.random.key(6)))

    each = by_members(algorithm, pair_state, batch)
    who = [np.all(np.isclose(member, action, rtol=1e-4, atol=1e-5), axis=2) for member in each]
    np.testing.assert_array_equal(who[0] | who[1], True)
    np.testing.assert_allclose(who[1].mean(axis=0), 0.5, atol=0.15)
    np.testing.assert_array_equal(who[1][:, 0], who[1][:, 1])  # a team's index is one
    assert np.any(who[1][:, 0] != who[1][:, 2])
    assert np.any(action != again)


def test_a_member_that_nobody_played_is_not_in_the_target(pair, pair_state, batches):
    _, numbers, step = pair
    first = replace(batches, joint=with_sub_policy(batches.joint, 0, 0, 0))
    changed = replace(pair_state, target_actor=louder(pair_state.target_actor, 2, 1))

    before, after = (step(numbers, state, first)[1]["target"] for state in (pair_state, changed))
    np.testing.assert_array_equal(before, after)
    assert np.all(step(numbers, changed, batches)[1]["target"] != step(numbers, pair_state, batches)[1]["target"])
