"""The openai rewards, against closed forms written apart from the code, and the measures that tables are made of."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.particles import SCENARIOS, World, make_scenario, reward


def worlds_of(name: str, **parameters) -> tuple[World, np.ndarray]:
    """Fifty crowded worlds and their rewards."""
    scenario = make_scenario(name, **parameters)
    worlds = jax.jit(jax.vmap(scenario.reset))(jax.random.split(jax.random.key(5), 50))
    worlds = replace(worlds, position=0.6 * worlds.position)
    return jax.tree.map(np.asarray, worlds), np.asarray(jax.jit(jax.vmap(lambda world: reward(scenario, world)))(worlds))


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.hypot(*(a - b)))


def test_spread_shares_one_sum_with_self_collisions():
    worlds, rewards = worlds_of("simple_spread", rewards="openai")

    for position, landmark, given in zip(worlds.position, worlds.landmark, rewards, strict=True):
        coverage = -sum(min(distance(agent, mark) for agent in position) for mark in landmark)
        bumps = sum(distance(a, b) < 0.3 for a in position for b in position)  # with itself too
        np.testing.assert_allclose(given, 3 * coverage - bumps, rtol=1e-5)


def test_spread_converts_to_the_published_scale():
    """R = 3 G - 3 - 2 pair collisions a step, with G the coverage (facts of the openai release)."""
    worlds, openai = worlds_of("simple_spread", rewards="openai")
    measures = jax.jit(jax.vmap(make_scenario("simple_spread").metrics))(worlds)

    np.testing.assert_allclose(openai[:, 0], -9 * measures["distance"] - 3 - 2 * measures["collisions"], rtol=1e-5)


def test_speaker_listener_counts_both_agents():
    worlds, rewards = worlds_of("simple_speaker_listener", rewards="openai")

    for position, landmark, choice, given in zip(worlds.position, worlds.landmark, worlds.choice, rewards, strict=True):
        np.testing.assert_allclose(given, -2 * distance(position[1], landmark[choice[0]]) ** 2, rtol=1e-5)


def test_reference_sums_squares():
    worlds, rewards = worlds_of("simple_reference", rewards="openai")

    for position, landmark, choice, given in zip(worlds.position, worlds.landmark, worlds.choice, rewards, strict=True):
        first, second = distance(position[1], landmark[choice[0]]), distance(position[0], landmark[choice[1]])
        np.testing.assert_allclose(given, -(first**2) - second**2, rtol=1e-5)


@pytest.mark.parametrize("adversaries", [1, 2])
def test_adversary_squares_the_adversarys_distance_alone(adversaries):
    worlds, rewards = worlds_of("simple_adversary", rewards="openai", adversaries=adversaries, agents=3)

    for position, landmark, choice, given in zip(worlds.position, worlds.landmark, worlds.choice, rewards, strict=True):
        way = [distance(agent, landmark[choice[0]]) for agent in position]
        good = sum(way[:adversaries]) - min(way[adversaries:])
        np.testing.assert_allclose(given, [*(-(d**2) for d in way[:adversaries]), *[good] * 3], rtol=1e-4, atol=1e-6)


def test_world_comm_pays_for_distance_from_food():
    worlds, openai = worlds_of("simple_world_comm", rewards="openai")
    _, mpe2 = worlds_of("simple_world_comm")

    for position, landmark, difference in zip(worlds.position, worlds.landmark, openai - mpe2, strict=True):
        to_food = [min(distance(prey, food) for food in landmark[1:3]) for prey in position[4:]]
        np.testing.assert_allclose(difference, [0, 0, 0, 0, *(0.1 * d for d in to_food)], atol=1e-5)


@pytest.mark.parametrize("name", ["simple", "simple_crypto", "simple_push", "simple_tag"])
def test_the_rest_is_the_same(name):
    mpe2, openai = make_scenario(name), make_scenario(name, rewards="openai")

    @jax.jit
    def both(key):
        world = mpe2.reset(key)
        return reward(mpe2, world), reward(openai, world)

    np.testing.assert_array_equal(*both(jax.random.key(0)))


@pytest.mark.parametrize("name", SCENARIOS)
def test_openai_terms_have_one_entry_for_each_agent(name):
    scenario = make_scenario(name, rewards="openai")
    shapes = jax.eval_shape(lambda key: scenario.reward_terms(scenario.reset(key)), jax.random.key(0))

    assert {term.shape for term in shapes.values()} == {(len(scenario.bodies.agents),)}


def world_at(name: str, position: list, landmark: list, choice: tuple[int, ...] = (), message: list | None = None, **parameters):
    """Measures of a world written by hand."""
    scenario = make_scenario(name, **parameters)
    world = replace(
        scenario.reset(jax.random.key(0)),
        position=jnp.array(position, float),
        landmark=jnp.array(landmark, float),
        choice=jnp.array(choice, jnp.int32),
    )
    if message is not None:
        world = replace(world, message=jnp.array(message, float))
    return {name: np.asarray(value).tolist() for name, value in jax.jit(scenario.metrics)(world).items()}


def test_measures_of_spread():
    measures = world_at("simple_spread", [[0, 0], [0.2, 0], [5, 5]], [[0.05, 0], [5, 5], [0, 1]])

    assert measures["collisions"] == 1
    assert measures["occupied"] == 2
    assert measures["all_occupied"] is False
    assert measures["distance"] == pytest.approx(1.05 / 3)


def test_measures_of_speaker_listener():
    measures = world_at("simple_speaker_listener", [[0, 0], [1, 0]], [[0, 0], [1.05, 0], [0, 1]], (1,))

    assert measures["final_distance"] == pytest.approx(0.05)
    assert measures["reached"] is True


def test_measures_of_adversary():
    measures = world_at("simple_adversary", [[0, 0.3], [0, 0.1], [1, 1]], [[0, 0], [1, 0.9]], (0,))

    assert measures["agent_success"] is True
    assert measures["adversary_success"] is False
    assert measures["landmarks_covered"] == 1
    assert (measures["agent_final_distance"], measures["adversary_final_distance"]) == pytest.approx((0.1, 0.3))
    assert measures["cover_distance"] == pytest.approx(0.1)


def test_measures_of_tag():
    measures = world_at("simple_tag", [[0, 0], [0.1, 0], [1, 1], [0.05, 0]], [[5, 5], [6, 6]])

    assert measures["touches"] == 2
    assert measures["distance"] == pytest.approx(0.05)


def test_measures_of_crypto():
    guesses = [[0, 1, 0, 0], [0.2, 0.8, 0, 0], [1, 0, 0, 0]]
    measures = world_at("simple_crypto", [[0, 0]] * 3, [[0, 0]] * 2, (1, 0), guesses)

    assert measures["eve_correct"] is True
    assert measures["bob_correct"] is True
    assert measures["bob_error"] == pytest.approx(0.08)
    assert world_at("simple_crypto", [[0, 0]] * 3, [[0, 0]] * 2, (0, 0), [[0] * 4] * 3)["eve_correct"] is False


def test_measures_of_push_and_world_comm():
    push = world_at("simple_push", [[0, 0.05], [0, 0.2]], [[0, 0], [1, 1]], (0,))
    comm = world_at("simple_world_comm", [[3, 3]] * 4 + [[0, 0], [0, 0.2]], [[5, 5], [0, 0.05], [6, 6], [0.3, 0], [9, 9]])

    assert (push["adversary_success"], push["agent_success"], push["collisions"]) == (True, False, 0)
    assert comm["meals"] == 1
    assert comm["prey_hidden"] == 0.5
