"""One learning step of all agents: against NumPy, and what may and may not couple agents."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm import actions
from maddpg.algorithm.learning import Batches, metric_names
from maddpg.algorithm.state import assemble, hyper, init
from maddpg.algorithm.update import update
from maddpg.algorithm.views import view_mask
from maddpg.config import AlgorithmConfig
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, Simplex, Transition
from tests.algorithm import reference
from tests.algorithm.layers import bias_of, weight_of

BATCH = 7
SCOUT = AgentSpec("scout", "ours", 3, (Box((-1.0,), (1.0,)),))
GUARD = AgentSpec("guard", "ours", 2, (Box((0.0, -2.0), (2.0, 1.0)),))
RIVAL = AgentSpec("rival", "theirs", 4, (Box((-3.0,), (3.0,)),))
BOXES = EnvSpec("boxes", (SCOUT, GUARD, RIVAL), 2, 25)
"""Three agents whose sizes and bounds all differ, two of them on one team."""

PLAIN = AlgorithmConfig(actor_layers=(5,), critic_layers=(6,), twin_critics=False, gamma=0.9, tau=0.1, target_initialisation="independent")


def random_batch(spec: EnvSpec, seed: int, *leading: int) -> Transition:
    """Transitions with true columns drawn and padding zero; about a third of them end the world."""
    rng = np.random.default_rng(seed)
    shape = (*leading, BATCH, spec.agent_count)

    def floats(valid: np.ndarray) -> jax.Array:
        return jnp.asarray(np.where(valid, rng.uniform(-1, 1, (*shape, valid.shape[-1])), 0), jnp.float32)

    return Transition(
        observation=floats(spec.observation_valid),
        action=floats(spec.action_valid),
        reward=jnp.asarray(rng.normal(size=shape), jnp.float32),
        discount=jnp.asarray(rng.random(shape) > 1 / 3, jnp.float32),
        next_observation=floats(spec.observation_valid),
    )


def start(algorithm):
    return jax.jit(lambda key: init(algorithm, key))(jax.random.key(0))


def tree_slice(tree, *index):
    return jax.tree.map(lambda leaf: leaf[index], tree)


def to_numpy(algorithm, state, index: int) -> reference.Agent:
    """One agent's networks as the reference has them: the padding cut away."""

    def layers(parameters, rows, columns):
        cut = [(np.float64(weight_of(layer)), np.float64(bias_of(layer))) for layer in parameters]
        cut[0] = (cut[0][0][np.asarray(rows)], cut[0][1])
        cut[-1] = (cut[-1][0][:, columns], cut[-1][1][columns])
        return cut

    spec = algorithm.spec
    action = spec.action_valid[index]

    def actor(parameters):
        return layers(tree_slice(parameters, index, 0), spec.observation_valid[index], action)

    def critics(parameters):
        count = len(jax.tree.leaves(parameters)[0][index])
        return [layers(tree_slice(parameters, index, twin), algorithm.view.input_valid[index], np.array([True])) for twin in range(count)]

    box = spec.agents[index].action[0]
    return reference.Agent(
        actor=actor(state.actor),
        critics=critics(state.critic),
        target_actor=actor(state.target_actor),
        target_critics=critics(state.target_critic),
        low=np.array(box.low),
        high=np.array(box.high),
    )


def batch_to_numpy(spec: EnvSpec, batch: Transition) -> reference.Batch:
    def columns(values, valid):
        return [np.float64(values[:, index])[:, valid[index]] for index in range(spec.agent_count)]

    return reference.Batch(
        observation=columns(batch.observation, spec.observation_valid),
        action=columns(batch.action, spec.action_valid),
        reward=list(np.float64(batch.reward).T),
        discount=list(np.float64(batch.discount).T),
        next_observation=columns(batch.next_observation, spec.observation_valid),
    )


def networks(agent: reference.Agent):
    return agent.actor, agent.critics, agent.target_actor, agent.target_critics


CASES = {
    "the paper's: replayed actions, one critic": {},
    "clipped by tensor, with the regulariser, a minibatch each": {
        "gradient_clip": 0.02,
        "clip_by": "tensor",
        "logit_regulariser": 0.1,
        "minibatch": "per_agent",
    },
    "twin critics, clipped by agent, the others' current actions": {
        "twin_critics": True,
        "gradient_clip": 0.02,
        "clip_by": "agent",
        "others_actions": "current",
    },
    "local critics (DDPG), hard targets every second step": {"critic_view": "own", "tau": 1.0, "target_interval": 2},
    "one after another, the others' current actions, a minibatch each": {
        "agent_order": "in_turn",
        "others_actions": "current",
        "minibatch": "per_agent",
    },
    "team critics, no clipping, deeper": {"critic_view": "team", "gradient_clip": None, "actor_layers": (5, 4), "critic_layers": (6, 3)},
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
def test_three_steps_are_those_of_the_reference(changes):
    config = replace(PLAIN, **changes)
    algorithm = assemble(config, BOXES)
    numbers = hyper(algorithm)
    state = start(algorithm)
    agents = [to_numpy(algorithm, state, index) for index in range(3)]
    seen = [np.flatnonzero(row).tolist() for row in view_mask(config, BOXES, {})]
    learn = jax.jit(lambda state, batch, key: update(algorithm, numbers, state, Batches(batch), key))

    for count in range(1, 4):
        per_agent = config.minibatch == "per_agent"
        batch = random_batch(BOXES, count, *((3,) if per_agent else ()))
        batches = [batch_to_numpy(BOXES, tree_slice(batch, index) if per_agent else batch) for index in range(3)]
        state, metrics = learn(state, batch, jax.random.key(count))
        expected = reference.update(agents, batches, config, seen, count)

        for index, agent in enumerate(agents):
            got = networks(to_numpy(algorithm, state, index))
            jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, atol=2e-6), got, networks(agent))
            assert set(metrics) == set(metric_names(algorithm)) == set(expected[index])
            for name in metrics:
                np.testing.assert_allclose(metrics[name][index], expected[index][name], rtol=1e-4, atol=1e-6, err_msg=name)
    assert int(state.updates) == 3


@pytest.fixture(scope="module", params=["agent", "tensor"])
def one_step(request):
    """(numbers, state, a batch, the compiled step of numbers and batch) of three agents that all see all, their gradients clipped."""
    config = replace(PLAIN, gradient_clip=0.01, clip_by=request.param)
    algorithm = assemble(config, BOXES)
    state = start(algorithm)
    learn = jax.jit(lambda numbers, batch: update(algorithm, numbers, state, Batches(batch), jax.random.key(1))[0])
    return hyper(algorithm), state, random_batch(BOXES, 0), learn


def same_bits(before, after) -> list[bool]:
    """For each agent, whether all that it has learned is the same in both states, bit for bit."""
    pairs = list(zip(jax.tree.leaves(replace(before, updates=None)), jax.tree.leaves(replace(after, updates=None)), strict=True))
    return [all(np.array_equal(one[index], other[index]) for one, other in pairs) for index in range(3)]


def test_a_reward_a_thousand_times_as_large_leaves_the_others_bits_alone(one_step):
    numbers, _, batch, learn = one_step
    shouting = replace(batch, reward=batch.reward * jnp.array([[1000.0, 1.0, 1.0]]))

    assert same_bits(learn(numbers, batch), learn(numbers, shouting)) == [False, True, True]


def test_every_agent_has_numbers_of_its_own(one_step):
    numbers, _, batch, learn = one_step
    slower = replace(numbers, actor_rate=numbers.actor_rate.at[1].mul(0.5), tau=numbers.tau.at[1].mul(0.5))

    assert same_bits(learn(numbers, batch), learn(slower, batch)) == [True, False, True]


def test_an_agent_without_a_rate_does_not_move(one_step):
    numbers, state, batch, learn = one_step
    still = replace(numbers, actor_rate=jnp.zeros(3), critic_rate=jnp.zeros(3), tau=jnp.zeros(3))

    after = learn(still, batch)

    for field in ("actor", "critic", "target_actor", "target_critic"):
        jax.tree.map(np.testing.assert_array_equal, getattr(after, field), getattr(state, field))


MIXED = EnvSpec(
    "mixed",
    (
        AgentSpec("talker", "a", 2, (Categorical(3), Categorical(2))),
        AgentSpec("blend", "a", 3, (Simplex(3), Box((-1.0,), (1.0,)))),
        AgentSpec("mover", "b", 1, (Box((0.0, 0.0), (1.0, 2.0)),)),
    ),
    2,
    25,
)
"""Agents of every kind of action, side by side."""


@pytest.mark.parametrize(("estimator", "policy"), [("straight_through", "deterministic"), ("soft", "stochastic")])
def test_every_kind_of_action_gets_a_gradient(estimator, policy, checked_keys):
    config = replace(PLAIN, estimator=estimator, policy=policy)
    algorithm = assemble(config, MIXED)
    numbers = hyper(algorithm)
    state = start(algorithm)

    after, metrics = jax.jit(lambda batch, key: update(algorithm, numbers, state, Batches(batch), key))(
        random_batch(MIXED, 0), jax.random.key(1)
    )

    assert np.all(np.asarray(metrics["actor_gradient_norm"]) > 1e-4)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((after, metrics)))
    # Every true column of the actors' outputs learns; padding does not.
    moved = np.any(weight_of(after.actor[-1])[:, 0] != weight_of(state.actor[-1])[:, 0], axis=1)
    np.testing.assert_array_equal(moved, actions.output_valid(algorithm.layout))
