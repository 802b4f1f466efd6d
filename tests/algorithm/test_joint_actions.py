"""Whose actions a critic is asked about: scripted, random and relaxed ones, and targets that have moved already this step."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.joint_actions import next_actions
from maddpg.algorithm.learning import Batches
from maddpg.algorithm.state import assemble, hyper
from maddpg.algorithm.update import update
from maddpg.config import AlgorithmConfig, TeamConfig
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, Simplex
from tests.algorithm.batches import louder, random_transitions, start

BATCH = 9
PLAIN = AlgorithmConfig(actor_layers=(), critic_layers=(), twin_critics=False, gamma=0.9, tau=0.3, target_initialisation="independent")
TRIO = EnvSpec(
    "trio",
    (
        AgentSpec("one", "a", 2, (Box((-1.0,), (1.0,)),)),
        AgentSpec("two", "b", 1, (Box((-2.0,), (2.0,)),)),
        AgentSpec("three", "b", 2, (Box((-1.0,), (1.0,)),)),
    ),
    1,
    25,
)
OBSERVED = 6  # columns of the padded joint observation, before those of the actions


def asker(algorithm):
    """a' as the first agent's critic is asked about it, compiled: (state, batch, key) -> [batch, agent, action]."""
    return jax.jit(lambda state, batch, key: next_actions(algorithm, state, jnp.int32(0), jnp.array([1, 2]), state, batch, key))


def stepper(algorithm):
    numbers = hyper(algorithm)
    return jax.jit(lambda state, batch, key: update(algorithm, numbers, state, Batches(batch), key))


# A scripted team: the stored action; a random one: drawn at each update.


def test_a_scripted_teams_stored_action_is_in_the_target_with_its_weight():
    algorithm = assemble(PLAIN, TRIO, {"b": TeamConfig(player="scripted")})
    batch = replace(random_transitions(TRIO, 0, BATCH), next_action=random_transitions(TRIO, 1, BATCH).action)
    state = start(algorithm)
    # A critic that is a line: the sum of the script's two actions, twice the one and thrice the other.
    weight = jnp.zeros((1, 1, OBSERVED + 3, 1)).at[0, 0, OBSERVED + 1 :, 0].set(jnp.array([2.0, 3.0]))
    state = replace(state, target_critic=[{"weight": weight, "bias": jnp.zeros((1, 1, 1))}])

    _, metrics = stepper(algorithm)(state, batch, jax.random.key(0))

    value = 2 * batch.next_action[:, 1, 0] + 3 * batch.next_action[:, 2, 0]
    expected = jnp.mean(batch.reward[:, 0] + 0.9 * batch.discount[:, 0] * value)
    np.testing.assert_allclose(metrics["target"], [expected], rtol=1e-5)


def test_a_random_teams_action_is_drawn_afresh_at_each_update():
    algorithm = assemble(PLAIN, TRIO, {"b": TeamConfig(player="random")})
    batch, state = random_transitions(TRIO, 0, 400), start(algorithm)
    ask, step = asker(algorithm), stepper(algorithm)

    once, again = (np.asarray(ask(state, batch, jax.random.key(seed))) for seed in (0, 1))

    np.testing.assert_array_equal(once[:, 0], again[:, 0])  # the learner's point
    assert np.all(once[:, 1:] != again[:, 1:])
    for agent, bound in ((1, 2), (2, 1)):
        for quantile in (0.25, 0.5, 0.75):  # uniform over its range
            np.testing.assert_allclose(np.quantile(once[:, agent, 0], quantile), bound * (2 * quantile - 1), atol=0.15 * bound)
    targets = [float(step(state, batch, jax.random.key(seed))[1]["target"][0]) for seed in (0, 0, 1)]
    assert targets[0] == targets[1] != targets[2]


# What a drawn policy's next action is.

CHOICE = EnvSpec(
    "choice", (AgentSpec("both", "a", 1, (Categorical(3), Simplex(2))), AgentSpec("line", "b", 1, (Box((-1.0,), (1.0,)),))), 1, 25
)


@pytest.mark.parametrize("draw", ["sample", "relaxed", "mode"])
def test_the_targets_action_is_a_draw_or_the_relaxed_one_or_the_likeliest(draw):
    algorithm = assemble(replace(PLAIN, target_action=draw), CHOICE)
    state, batch = start(algorithm), random_transitions(CHOICE, 0, 600)
    logits = jnp.array([1.0, 0.4, -2.0, 0.5, -0.5])
    blank = jax.tree.map(jnp.zeros_like, state.target_actor)
    state = replace(state, target_actor=[{**blank[0], "bias": blank[0]["bias"].at[0, 0].set(logits)}])
    ask = jax.jit(lambda key: next_actions(algorithm, state, jnp.int32(0), jnp.array([1]), state, batch, key))

    once, again = (np.asarray(ask(jax.random.key(seed)))[:, 0] for seed in (0, 1))

    head, simplex = once[:, :3], once[:, 3:]
    odds = np.exp([1.0, 0.4, -2.0]) / np.exp([1.0, 0.4, -2.0]).sum()
    one_hot = np.all(np.isin(head, [0, 1]))
    np.testing.assert_allclose(head.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(simplex.sum(axis=1), 1, rtol=1e-5)
    if draw == "mode":
        np.testing.assert_array_equal(head, np.tile([1, 0, 0], (600, 1)))
        np.testing.assert_allclose(simplex, np.tile(np.exp([0.5, -0.5]) / np.exp([0.5, -0.5]).sum(), (600, 1)), rtol=1e-5)
        np.testing.assert_array_equal(once, again)
    else:
        assert one_hot == (draw == "sample")
        np.testing.assert_allclose(np.bincount(head.argmax(axis=1), minlength=3) / 600, odds, atol=0.06)
        assert np.any(once != again)
        assert np.ptp(simplex[:, 0]) > 0.5


# One after another.


@pytest.fixture(scope="module", params=["in_turn", "together"])
def order(request):
    """(the order, the state before, a learning step of the state with one batch, its result)."""
    algorithm = assemble(replace(PLAIN, agent_order=request.param), TRIO)
    state, batch, step = start(algorithm), random_transitions(TRIO, 0, BATCH), stepper(algorithm)

    def from_state(state):
        return step(state, batch, jax.random.key(0))

    return request.param, state, batch, from_state


def value_of_agent(critic, agent: int, observation, action) -> np.ndarray:
    """A linear critic's values, by hand."""
    joint = np.concatenate([np.asarray(observation).reshape(BATCH, -1), np.asarray(action).reshape(BATCH, -1)], axis=1)
    return joint @ np.asarray(critic[0]["weight"])[agent, 0, :, 0] + float(critic[0]["bias"][agent, 0, 0])


def play(actor, observation) -> np.ndarray:
    """[batch, agent, 1]: the points of linear actors within their bounds."""
    output = (
        np.einsum("bao,aok->bak", np.asarray(observation), np.asarray(actor[0]["weight"])[:, 0]) + np.asarray(actor[0]["bias"])[None, :, 0]
    )
    return np.array([1.0, 2.0, 1.0])[None, :, None] * np.tanh(output)


def test_the_next_agents_target_sees_those_that_this_one_has_moved_only_in_turn(order):
    name, before, batch, step = order
    after, metrics = step(before)

    expected = []
    for agent in range(3):
        # In turn, those before the agent have moved theirs.
        moved = jnp.arange(3) < (agent if name == "in_turn" else 0)
        targets = jax.tree.map(
            lambda new, old, moved=moved: jnp.where(moved.reshape(-1, *[1] * (new.ndim - 1)), new, old),
            after.target_actor,
            before.target_actor,
        )
        value = value_of_agent(before.target_critic, agent, batch.next_observation, play(targets, batch.next_observation))
        expected.append(np.mean(batch.reward[:, agent] + 0.9 * batch.discount[:, agent] * value))
    np.testing.assert_allclose(metrics["target"], expected, rtol=1e-4, atol=1e-6)
    assert int(after.updates) == 1


def test_a_target_that_one_agent_moves_reaches_the_next_agents_only_in_turn(order):
    name, before, _, step = order
    _, metrics = step(before)

    # A louder actor of the second agent moves its target further: the third sees it in the same step, or does not.
    _, other = step(replace(before, actor=louder(before.actor, 1)))

    assert (other["target"] != metrics["target"]).tolist() == [False, False, name == "in_turn"]


def test_both_orders_learn_the_same_critics_and_actors_but_for_the_targets_they_ask():
    # With critics that see nobody else's action nothing depends on the order.
    own = replace(PLAIN, critic_view="own")
    algorithms = [assemble(replace(own, agent_order=order), TRIO) for order in ("in_turn", "together")]
    state, batch = start(algorithms[0]), random_transitions(TRIO, 0, BATCH)

    (one, first), (other, second) = (stepper(algorithm)(state, batch, jax.random.key(0)) for algorithm in algorithms)

    jax.tree.map(lambda left, right: np.testing.assert_allclose(left, right, atol=1e-6), (one, first), (other, second))


@pytest.mark.parametrize(
    "changes", [{"minibatch": "per_agent"}, {"inference": True, "inference_layers": ()}, {"others_actions": "current"}], ids=str
)
def test_the_order_goes_with_every_other_choice(changes):
    algorithm = assemble(replace(PLAIN, agent_order="in_turn", **changes), TRIO, {"a": TeamConfig(player="random")})
    state = start(algorithm)
    batch = random_transitions(TRIO, 0, *((2,) if "minibatch" in changes else ()), BATCH)
    latest = random_transitions(TRIO, 1, BATCH) if "inference" in changes else None

    after, metrics = jax.jit(lambda: update(algorithm, hyper(algorithm), state, Batches(batch, latest=latest), jax.random.key(0)))()

    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((after, metrics)))
    assert {leaf.shape for leaf in jax.tree.leaves(metrics)} == {(2,)}
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)
