"""Actions of every mode, and scripted play: it must do what it says, and beat chance."""

from __future__ import annotations

import itertools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maddpg.environments import particles
from maddpg.particles import SCENARIOS, Intention, advance, decode, encode, make_scenario, still_action
from maddpg.particles.actions import nearest_push
from maddpg.particles.play import assign, go_to
from maddpg.types import Box, Categorical, Simplex

quickly = settings(max_examples=50, deadline=None)
MODES = ("box", "simplex", "discrete")
PUSHES = {mode: jax.jit(lambda push, mode=mode: nearest_push(mode, push)) for mode in MODES}


def allowed(mode: str) -> np.ndarray:
    """A fine grid [push, 2] of what a mode can do."""
    if mode == "discrete":
        return np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]], float)
    grid = np.array(list(itertools.product(np.linspace(-1, 1, 41), repeat=2)))
    return grid if mode == "box" else grid[np.abs(grid).sum(1) <= 1 + 1e-9]


@pytest.mark.parametrize("mode", MODES)
@quickly
@given(x=st.floats(-3, 3), y=st.floats(-3, 3))
def test_no_allowed_push_is_nearer(mode, x, y):
    chosen = np.asarray(PUSHES[mode](jnp.array([[x, y]])))[0]
    grid = allowed(mode)

    nearest = np.hypot(*(grid - [x, y]).T).min()

    assert np.hypot(*(chosen - [x, y])) <= nearest + 1e-5
    assert np.hypot(*(grid - chosen).T).min() < (1e-6 if mode == "discrete" else 0.04)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        (name, mode)
        for name in ("simple_speaker_listener", "simple_reference", "simple_crypto")
        for mode in make_scenario(name).action_modes
    ],
)
def test_actions_say_what_is_meant(name, mode):
    scenario = make_scenario(name, action_mode=mode)
    bodies = scenario.bodies
    count = len(bodies.agents)
    push = jnp.tile(jnp.array([[0.75, -0.1]]), (count, 1)) if mode != "discrete" else jnp.tile(jnp.array([[0.0, -1.0]]), (count, 1))
    message = jnp.tile(jnp.eye(bodies.message_size)[-1:], (count, 1)) if bodies.message_size else jnp.zeros((count, 0))

    action = encode(bodies, mode, Intention(push, message))
    decoded_push, decoded_message = decode(bodies, action)

    speaks = np.array([agent.speaks for agent in bodies.agents])
    np.testing.assert_allclose(decoded_push, jnp.where(bodies.moves[:, None], push, 0), atol=1e-6)
    np.testing.assert_allclose(decoded_message, jnp.where(speaks[:, None], message, 0))
    lies_in_its_spaces(particles.from_scenario(scenario), action)


def lies_in_its_spaces(environment, action):
    """Each agent's columns lie in its spaces; padding is zero."""
    for agent, row in zip(environment.spec.agents, np.asarray(action), strict=True):
        start = 0
        for space in agent.action:
            part = row[start : start + space.size]
            start += space.size
            if isinstance(space, Box):
                assert (part >= space.low).all()
                assert (part <= space.high).all()
            else:
                assert part.sum() == pytest.approx(1, abs=1e-6)
                assert (part >= -1e-6).all()
            if isinstance(space, Categorical):
                assert set(part.tolist()) <= {0, 1}
        assert not row[start:].any()


@pytest.mark.parametrize("name", SCENARIOS)
def test_scripted_and_still_actions_lie_in_their_spaces(name):
    environments = [particles.make(name, action_mode=mode) for mode in make_scenario(name).action_modes]

    @jax.jit
    def script():
        world, _ = environments[0].reset(jax.random.key(0))
        return [environment.scripted(jax.random.key(1), world) for environment in environments]

    for environment, action in zip(environments, script(), strict=True):
        lies_in_its_spaces(environment, action)
        lies_in_its_spaces(environment, environment.still)


def test_box_actions_are_clipped():
    bodies = make_scenario("simple").bodies

    push, _ = decode(bodies, jnp.array([[9.0, -3.0, 4.0, 0.5, 0.25]]))

    np.testing.assert_allclose(push, [[1, -0.25]])


def test_still_is_silent_only_in_a_box():
    bodies = make_scenario("simple_reference").bodies

    assert not still_action(bodies, "box").any()
    for mode in ("simplex", "discrete"):
        push, message = decode(bodies, still_action(bodies, mode))
        np.testing.assert_array_equal(push, 0)
        np.testing.assert_array_equal(message, np.eye(10)[[0, 0]])


@pytest.mark.parametrize("dynamics", ["mpe2", "openai"])
@pytest.mark.parametrize("mode", MODES)
def test_go_to_arrives_and_rests(mode, dynamics):
    bodies = make_scenario("simple", dynamics=dynamics).bodies
    world = make_scenario("simple").reset(jax.random.key(4))
    world = replace(world, position=jnp.array([[-0.9, 0.6]]), velocity=jnp.array([[1.0, 1.0]]))
    target = jnp.array([[0.7, -0.3]])

    @jax.jit
    def step(world):
        action = encode(bodies, mode, Intention(go_to(bodies, world, target), jnp.zeros((1, 0))))
        return advance(bodies, world, *decode(bodies, action))

    for _ in range(25):
        world = step(world)

    assert jnp.abs(world.position - target).max() < (0.05 if mode == "discrete" else 1e-3)
    assert jnp.abs(world.velocity).max() < (0.5 if mode == "discrete" else 1e-2)


@quickly
@given(seed=st.integers(0, 10**6))
def test_assignment_is_shortest(seed):
    agent, landmark = np.random.default_rng(seed).uniform(size=(2, 4, 2)).astype(np.float32)
    cost = np.hypot(*(agent[:, None] - landmark[None]).transpose(2, 0, 1))

    target = np.asarray(jax.jit(assign)(agent, landmark))

    best = min(sum(cost[i, order[i]] for i in range(4)) for order in itertools.permutations(range(4)))
    assert np.hypot(*(agent - target).T).sum() == pytest.approx(best, rel=1e-4)
    assert len(np.unique(target, axis=0)) == 4


@pytest.mark.parametrize(("agents", "landmarks"), [(6, 6), (2, 4), (4, 2)])
def test_greedy_assignment_begins_with_the_closest_pair(agents, landmarks):
    random = np.random.default_rng(0)
    agent, landmark = jnp.array(random.uniform(size=(agents, 2))), jnp.array(random.uniform(size=(landmarks, 2)))
    cost = np.array(jnp.linalg.norm(agent[:, None] - landmark[None], axis=2))

    target = np.asarray(jax.jit(assign)(agent, landmark))

    row, column = np.unravel_index(cost.argmin(), cost.shape)
    np.testing.assert_allclose(target[row], landmark[column])
    assert len(np.unique(target, axis=0)) == min(agents, landmarks)


def returns(environment, policy, episodes: int = 200) -> np.ndarray:
    """[agent], mean return over episodes."""

    def step(world, key):
        policy_key, step_key = jax.random.split(key)
        world, result = environment.step(step_key, world, policy(policy_key, world))
        return world, result.reward

    def episode(key):
        reset_key, key = jax.random.split(key)
        world, _ = environment.reset(reset_key)
        return jax.lax.scan(step, world, jax.random.split(key, environment.spec.episode_length))[1].sum(0)

    return np.asarray(jax.jit(jax.vmap(episode))(jax.random.split(jax.random.key(0), episodes)).mean(0))


CALIBRATED = {  # mean return of the first and the last agent over 1000 episodes of scripted play, and how far 200 may be off
    "simple": (-7.3, -7.3, 1.2),
    "simple_adversary": (-15.9, 10.5, 2.0),
    "simple_push": (-0.4, -7.6, 1.5),
    "simple_reference": (-7.0, -7.0, 1.2),
    "simple_speaker_listener": (-7.2, -7.2, 1.2),
    "simple_spread": (-7.7, -7.7, 0.8),
    "simple_tag": (25.9, -27.6, 6.0),
    "simple_world_comm": (23.0, -12.5, 4.0),
    "simple_crypto": (-25.0, 25.0, 1.5),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_scripted_play_scores_as_calibrated(name):
    first, last, margin = CALIBRATED[name]
    environment = particles.make(name, action_mode="discrete")

    scores = returns(environment, environment.scripted)

    assert scores[0] == pytest.approx(first, abs=margin)
    assert scores[-1] == pytest.approx(last, abs=margin)


@pytest.mark.parametrize("name", ["simple", "simple_reference", "simple_speaker_listener", "simple_spread"])
def test_scripted_play_beats_standing_still(name):
    environment = particles.make(name)

    assert (returns(environment, environment.scripted) > returns(environment, lambda key, world: environment.still) + 10).all()


def test_both_sides_of_the_chase_beat_standing_still():
    environment = particles.make("simple_tag")

    def still_prey(key, world):
        return environment.scripted(key, world).at[3:].set(environment.still[3:])

    def still_predators(key, world):
        return environment.scripted(key, world).at[:3].set(environment.still[:3])

    played = returns(environment, environment.scripted)

    assert played[0] > returns(environment, still_predators)[0] + 10
    assert played[3] > returns(environment, still_prey)[3] + 10


def test_simplex_is_between_discrete_and_box():
    """What is possible grows from discrete to simplex to box, and so does the score."""
    scores = [
        returns(environment, environment.scripted)[0] for environment in (particles.make("simple", action_mode=mode) for mode in MODES)
    ]

    assert scores[0] > scores[1] >= scores[2]


def test_spaces_of_the_modes():
    def spaces(mode):
        return [agent.action for agent in particles.make("simple_speaker_listener", action_mode=mode).spec.agents]

    assert spaces("box") == [(Box((0.0,) * 3, (1.0,) * 3),), (Box((0.0,) * 5, (1.0,) * 5),)]
    assert spaces("simplex") == [(Simplex(3),), (Simplex(5),)]
    assert spaces("discrete") == [(Categorical(3),), (Categorical(5),)]
    assert particles.make("simple_reference", action_mode="discrete").spec.agents[0].action == (Categorical(5), Categorical(10))
