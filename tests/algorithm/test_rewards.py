"""Reward design: mixings, weighted terms and shaping by closed form, and Ng's theorem in a game with a time limit and a termination."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.rewards import (
    SHARING,
    RewardDesign,
    compose,
    local_global,
    mix,
    observation_potential,
    own,
    reward_design,
    shaping,
    state_potential,
    team_mean,
    team_sum,
    zero_sum,
)
from maddpg.config import RewardDesignConfig
from maddpg.environments import particles
from maddpg.types import AgentSpec, Box, EnvSpec

UNIT = Box((-1.0,), (1.0,))


def teams(letters: str) -> EnvSpec:
    """A specification with one agent for each letter, on the team that it names."""
    agents = tuple(AgentSpec(f"agent_{index}", letter, 1, (UNIT,)) for index, letter in enumerate(letters))
    return EnvSpec("game", agents, 1, 25)


SPEC = teams("aab")
REWARD = jnp.array([1.0, 3.0, 10.0])
GAMMA = jnp.array([0.9, 0.8, 0.5])
GOES_ON = jnp.zeros(3, bool)


def metrics(state):
    """Two terms, [agent], one measure of all and one of each; the state is a number."""
    each = jnp.arange(3.0)
    return {
        "reward/near": state * (each + 1),
        "reward/bump": -each,
        "distance": 2 * state,
        "own_distance": state * each,
        "met": state > 0,
    }


def reset(key):
    return jax.random.uniform(key), jnp.zeros((3, 1))


def design(**given) -> RewardDesign:
    made = reward_design(RewardDesignConfig(**given), SPEC, metrics, reset)
    assert made is not None
    return made


def paid(made: RewardDesign, gamma, reward, terminated, state, observation, next_state, next_observation) -> jax.Array:
    """What a step that everybody lived through pays."""
    return made.shape(gamma, made.earn(reward, next_state), terminated, state, observation, next_state, next_observation)


def designed(made: RewardDesign, state=0.0, next_state=0.0, terminated=GOES_ON, reward=REWARD) -> np.ndarray:
    nothing = jnp.zeros((3, 1))
    return np.asarray(paid(made, GAMMA, reward, terminated, jnp.float32(state), nothing, jnp.float32(next_state), nothing))


@pytest.mark.parametrize(
    ("sharing", "expected"),
    [
        ("own", [1, 3, 10]),
        ("team_mean", [2, 2, 10]),
        ("team_sum", [4, 4, 10]),
        ("all_mean", [14 / 3, 14 / 3, 14 / 3]),
        ("all_sum", [14, 14, 14]),
    ],
)
def test_sharing(sharing, expected):
    np.testing.assert_allclose(mix(SHARING[sharing](SPEC), REWARD), expected, rtol=1e-6)
    np.testing.assert_allclose(designed(design(reward_sharing=sharing, potential=("met=0",))), expected, rtol=1e-6)


def test_the_own_share_lies_between_the_shared_reward_and_the_own():
    np.testing.assert_allclose(mix(local_global(team_mean(SPEC), 0.25), REWARD), [0.25 + 1.5, 0.75 + 1.5, 10])
    np.testing.assert_allclose(designed(design(reward_sharing="team_mean", reward_own_share=0.25)), [1.75, 2.25, 10])


def test_zero_sum_takes_the_mean_of_the_other_teams_away():
    np.testing.assert_allclose(mix(zero_sum(SPEC), REWARD), [1 - 10, 3 - 10, 10 - 2])
    np.testing.assert_allclose(designed(design(reward_zero_sum=True)), [-9, -7, 8])


def test_zero_sum_comes_after_sharing():
    np.testing.assert_allclose(designed(design(reward_zero_sum=True, reward_sharing="team_sum")), [4 - 10, 4 - 10, 10 - 4])


@pytest.mark.parametrize("before", SHARING)
@pytest.mark.parametrize(
    ("letters", "means", "agents"),
    [("aaab", True, False), ("aabb", True, True), ("aabbcc", True, True), ("aabc", False, False)],
)
def test_what_zero_sum_makes_sum_to_zero(letters, means, agents, before):
    """The teams' means, for two teams or teams of one size, after any sharing; the agents, for teams of one size."""
    spec = teams(letters)
    total = compose(SHARING[before](spec), zero_sum(spec))
    of_means = sum(total[[letter == team for letter in letters]].mean(axis=0) for team in spec.teams)

    assert not means or np.allclose(of_means, 0)
    assert not agents or np.allclose(total.sum(axis=0), 0)
    if before == "own":
        assert np.allclose(of_means, 0) == means
        assert np.allclose(total.sum(axis=0), 0) == agents


def test_compose_is_one_after_another():
    once = mix(zero_sum(SPEC), mix(team_sum(SPEC), REWARD))

    np.testing.assert_allclose(mix(compose(team_sum(SPEC), zero_sum(SPEC)), REWARD), once)
    np.testing.assert_array_equal(compose(own(SPEC), team_sum(SPEC)), team_sum(SPEC))


def test_any_mixing_is_read_row_by_row():
    rows = (1.0, 0.0, -1.0, 0.5, 0.5, 0.0, 0.0, 2.0, 0.0)

    np.testing.assert_allclose(designed(design(reward_mixing=rows)), [1 - 10, 2, 6])


def test_terms_are_weighed_at_the_state_after_the_step_and_those_not_named_keep_weight_1():
    made = design(reward_terms=("near=0.5",))

    np.testing.assert_allclose(designed(made, state=9, next_state=2), [1, 2 - 1, 3 - 2])


def test_a_particle_worlds_terms_are_weighed():
    tag = particles.make("simple_tag")
    world, observation = tag.reset(jax.random.key(3))
    prey_leaves = replace(world, position=world.position.at[3].set(jnp.array([0.95, 0.0])))
    made = reward_design(RewardDesignConfig(reward_terms=("boundary=2", "catch=0")), tag.spec, tag.metrics, tag.reset)

    got = paid(made, jnp.ones(4), jnp.ones(4), jnp.zeros(4, bool), world, observation, prey_leaves, observation)

    np.testing.assert_allclose(got, [0, 0, 0, -2 * 10 * 0.05], rtol=1e-4)


def test_a_design_that_weighs_and_mixes_nothing_leaves_the_reward_to_the_last_bit():
    reward = jnp.array([0.1, 1e-8, 1e8])
    for nothing in (design(reward_terms=("near=1", "bump=1.0")), design(reward_mixing=tuple(np.eye(3).ravel()))):
        np.testing.assert_array_equal(designed(nothing, next_state=5, reward=reward), reward)
    assert reward_design(RewardDesignConfig(), SPEC, metrics, reset) is None


def test_terms_are_mixed_and_what_is_mixed_is_shaped():
    made = design(reward_terms=("bump=0",), reward_sharing="all_sum", potential=("own_distance=1",))

    shaped = designed(made, state=1, next_state=2)

    np.testing.assert_allclose(shaped, [12.0, 12 + 0.8 * 2 - 1, 12 + 0.5 * 4 - 2], rtol=1e-6)


def test_shaping_of_a_step_that_goes_on_ends_and_is_cut_off():
    """Phi(x') = 0 for the agent that terminated and nobody else. Truncation is not even asked for."""
    potential, following = jnp.array([1.0, 2.0, 3.0]), jnp.array([10.0, 20.0, 30.0])

    np.testing.assert_allclose(shaping(GAMMA, GOES_ON, potential, following), [9 - 1, 16 - 2, 15 - 3])
    np.testing.assert_allclose(shaping(GAMMA, jnp.array([False, True, False]), potential, following), [9 - 1, -2, 15 - 3])


def test_the_potential_is_of_the_states_before_and_after_the_step():
    made = design(potential=("distance=-1",))

    np.testing.assert_allclose(designed(made, state=3, next_state=2) - REWARD, [6 - 0.9 * 4, 6 - 0.8 * 4, 6 - 0.5 * 4], rtol=1e-6)
    np.testing.assert_allclose(designed(made, 3, 2, jnp.array([True, False, False])) - REWARD, [6, 6 - 0.8 * 4, 6 - 0.5 * 4], rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("distance=-1",), [-8, -8, -8]),
        (("a:distance=-1",), [-8, -8, 0]),
        (("agent_1:distance=0.5", "b:distance=1"), [0, 4, 8]),
        (("own_distance=1", "agent_2:own_distance=1"), [0, 4, 16]),
        (("reward/bump=3", "met=5"), [5, 2, -1]),
    ],
)
def test_a_potential_from_words(words, expected):
    np.testing.assert_allclose(
        np.broadcast_to(design(potential=words).potential(jnp.float32(4), jnp.zeros((3, 1))), 3), expected, rtol=1e-6
    )


def test_potentials_of_the_state_vector_and_of_the_joint_observation():
    observation = jnp.array([[1.0], [2.0], [3.0]])

    assert state_potential(lambda state: jnp.stack([state, -state]), lambda vector: vector[0])(jnp.float32(7), observation) == 7
    np.testing.assert_array_equal(observation_potential(lambda seen: seen[:, 0])(None, observation), [1, 2, 3])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"reward_terms": ("neer=2",)}, "reward_terms = neer=2: unknown reward term 'neer'; did you mean 'near'? Known: bump, near"),
        (
            {"potential": ("distence=-1",)},
            "potential = distence=-1: unknown metric 'distence'; did you mean 'distance'? Known: distance, met",
        ),
        ({"potential": ("c:met=1",)}, "potential = c:met=1: unknown team or agent 'c'. Known: a, b, agent_0, agent_1, agent_2"),
        (
            {"reward_mixing": (1.0, 2.0)},
            "2 numbers came; game has 3 agents, so give 3 rows of 3, 9 numbers in all, such as 1 0 0 0 1 0 0 0 1",
        ),
        ({"reward_sharing": "all_mean", "reward_zero_sum": True}, "nobody can win what everybody shares; give reward_sharing = team_mean"),
    ],
)
def test_refuses_what_cannot_be(given, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        design(**given)


def test_refuses_terms_and_opponents_where_there_are_none():
    with pytest.raises(ValueError, match="reward_terms = near=2: game reports no reward terms; leave it out"):
        reward_design(RewardDesignConfig(reward_terms=("near=2",)), SPEC, lambda _: {"met": jnp.float32(0)}, reset)
    with pytest.raises(ValueError, match="all agents of game are on one team, 'a'; leave it out, or make teams"):
        reward_design(RewardDesignConfig(reward_zero_sum=True), teams("aa"), metrics, reset)


# A tabular game. Two agents on a ring of five cells each step left or right. The world ends where both stand on cell 0, and the clock cuts
# an episode off after four steps, wherever they are: the replay then holds every transition at every clock.
CELLS, CLOCKS = 5, 4
STATES = np.array(list(itertools.product(range(CELLS), repeat=2)))
MOVES = np.array(list(itertools.product((-1, 1), repeat=2)))
FOLLOWING = (STATES[:, None] + MOVES[None]) % CELLS  # [state, move, agent]
NEXT_INDEX = FOLLOWING @ np.array([CELLS, 1])  # [state, move]
ENDS = (FOLLOWING == 0).all(axis=2)  # [state, move]
CUT_OFF = (np.arange(CLOCKS) == CLOCKS - 1)[:, None, None] & ~ENDS[None]  # [clock, state, move]
PAYS = np.random.default_rng(1).normal(size=(*ENDS.shape, 2)).astype(np.float32)
PHI = np.random.default_rng(2).normal(scale=3, size=(CELLS, CELLS, 2)).astype(np.float32)
PHI_OF_STATE = PHI.reshape(-1, 2)
DISCOUNTS = np.array([0.9, 0.6], np.float32)
PAIR = teams("aa")


def rewards_of(made: RewardDesign, gamma, phi_is_zero_at_the_time_limit: bool = False) -> np.ndarray:
    """[state, move, agent], what the design pays for each transition in the mean over the clocks at which the replay holds it."""
    ends = np.broadcast_to(ENDS, CUT_OFF.shape) | (CUT_OFF & phi_is_zero_at_the_time_limit)
    count = ends.size

    def rows(values) -> jax.Array:
        return jnp.asarray(np.broadcast_to(values, (*ends.shape, *values.shape[-1:])).reshape(count, -1))

    before, after = rows(STATES[:, None]), rows(FOLLOWING)
    terminated = jnp.repeat(jnp.asarray(ends.reshape(count, 1)), 2, axis=1)
    steps = jax.vmap(partial(paid, made), in_axes=(None, 0, 0, 0, 0, 0, 0))(
        jnp.asarray(gamma), rows(PAYS), terminated, before, before[:, :, None].astype(float), after, after[:, :, None].astype(float)
    )
    return np.asarray(steps, np.float64).reshape(*ends.shape, 2).mean(axis=0)


def values_of(reward: np.ndarray, gamma: float, policy: np.ndarray | None = None) -> np.ndarray:
    """Q [state, move] by value iteration, or of `policy` [state, move]: beyond a termination nothing, beyond a time limit the value."""
    value = np.zeros_like(reward)
    for _ in range(400):
        onward = value.max(axis=1) if policy is None else (policy * value).sum(axis=1)
        value = reward + gamma * np.where(ENDS, 0.0, onward[NEXT_INDEX])
    return value


SHAPED = RewardDesign(potential=lambda state, _: jnp.asarray(PHI)[state[0], state[1]])


def test_shaped_optimal_values_are_the_optimal_values_less_the_potential():
    """Both agents want the same, so that the joint optimum is one of a single decision maker; each has a potential of its own."""
    shared, gamma = RewardDesign(mixing=team_sum(PAIR)), np.array([0.9, 0.9], np.float32)
    plain = rewards_of(shared, gamma)
    shaped = rewards_of(replace(shared, potential=SHAPED.potential), gamma)

    for agent in range(2):
        optimal = values_of(plain[:, :, agent], 0.9)
        np.testing.assert_allclose(values_of(shaped[:, :, agent], 0.9), optimal - PHI_OF_STATE[:, agent, None], atol=1e-4)
    assert np.ptp(optimal) > 1


def test_each_agents_values_of_a_joint_policy_fall_by_its_own_potential_at_its_own_discount():
    """So nobody gains by leaving a policy who did not before: equilibria stay (Devlin and Kudenko 2011)."""
    policy = np.random.default_rng(3).dirichlet(np.ones(len(MOVES)), len(STATES))
    plain, shaped = rewards_of(RewardDesign(), DISCOUNTS), rewards_of(SHAPED, DISCOUNTS)

    for agent, gamma in enumerate(DISCOUNTS):
        value = values_of(plain[:, :, agent], gamma, policy)
        np.testing.assert_allclose(values_of(shaped[:, :, agent], gamma, policy), value - PHI_OF_STATE[:, agent, None], atol=1e-4)


@pytest.mark.parametrize(
    ("discount", "at_the_time_limit"),
    [(0.9, True), (1.0, False), (0.6, False)],
    ids=["potential is zero at the time limit", "undiscounted potential", "another discount"],
)
def test_the_theorem_falls_where_shaping_is_done_wrong(discount, at_the_time_limit):
    gamma = np.full(2, discount, np.float32)
    optimal = values_of(rewards_of(RewardDesign(), gamma)[:, :, 0], 0.9)
    wrong = values_of(rewards_of(SHAPED, gamma, at_the_time_limit)[:, :, 0], 0.9) + PHI_OF_STATE[:, 0, None]

    assert np.abs(wrong - optimal).max() > 0.5
    assert (wrong.argmax(axis=1) != optimal.argmax(axis=1)).any()  # not only other values: another policy
