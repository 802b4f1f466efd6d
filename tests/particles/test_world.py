"""Physics: closed forms written apart from the code, symmetries, and numbers that stay finite."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maddpg.particles import SCENARIOS, Bodies, Landmark, World, advance, make_scenario, padded_observation, reward, scatter
from maddpg.particles.geometry import without_self

quickly = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**31 - 1)
TAG, SPREAD = make_scenario("simple_tag", agents=2), make_scenario("simple_spread", agents=4)


@partial(jax.jit, static_argnames=("bodies", "spread"))
def crowded(bodies: Bodies, seed: int, spread: float = 0.3) -> tuple[World, jax.Array]:
    """A world in which bodies overlap and move, and a push for each agent."""
    position_key, velocity_key, push_key = jax.random.split(jax.random.key(seed), 3)
    world = scatter(position_key, bodies)
    velocity = jax.random.normal(velocity_key, world.velocity.shape)
    push = jax.random.uniform(push_key, velocity.shape, minval=-1, maxval=1)
    return replace(world, position=spread * world.position, landmark=spread * world.landmark, velocity=velocity), push


def forward(bodies: Bodies):
    """One step without messages, compiled."""
    return jax.jit(lambda world, push: advance(bodies, world, push, world.message))


forward_tag, forward_spread = forward(TAG.bodies), forward(SPREAD.bodies)


def numpy_step(bodies: Bodies, position: np.ndarray, velocity: np.ndarray, landmark: np.ndarray, push: np.ndarray) -> tuple:
    """The physics as the paper's released code words it: body by body, pair by pair."""
    old = velocity.copy()
    count = len(bodies.agents)
    force = np.zeros_like(position)
    for i, agent in enumerate(bodies.agents):
        force[i] += agent.acceleration * push[i]
        everything = [*zip(bodies.agents, position, strict=True), *zip(bodies.landmarks, landmark, strict=True)]
        for j, (other, point) in enumerate(everything):
            if j != i and agent.collides and other.collides:
                gap = np.hypot(*(position[i] - point))
                overlap = (agent.size + other.size - gap) / 1e-3
                force[i] += 100 * (position[i] - point) / gap * 1e-3 * np.log1p(np.exp(-abs(overlap))) + 100 * (
                    position[i] - point
                ) / gap * 1e-3 * max(overlap, 0)
    velocity = 0.75 * velocity + 0.1 * force
    for i in range(count):
        speed = np.hypot(*velocity[i])
        if speed > bodies.agents[i].max_speed:
            velocity[i] *= bodies.agents[i].max_speed / speed
    return position + 0.1 * (velocity if bodies.dynamics == "openai" else old), velocity


@pytest.mark.parametrize("dynamics", ["openai", "mpe2"])
@pytest.mark.parametrize("name", ["simple_tag", "simple_spread"])
def test_steps_follow_the_closed_form(name, dynamics):
    with jax.enable_x64(True):
        bodies = make_scenario(name, dynamics=dynamics).bodies
        world, push = crowded(bodies, seed=3)
        step = forward(bodies)
        position, velocity = np.array(world.position), np.array(world.velocity)
        for _ in range(10):
            world = step(world, push)
            position, velocity = numpy_step(bodies, position, velocity, np.array(world.landmark), np.array(push))
            np.testing.assert_allclose(world.position, position, atol=1e-10)
            np.testing.assert_allclose(world.velocity, velocity, atol=1e-10)
        assert world.position.dtype == jnp.float64


@quickly
@given(seed=seeds)
def test_agents_of_one_kind_may_change_places(seed):
    world, push = crowded(SPREAD.bodies, seed)
    order = np.random.default_rng(seed).permutation(4)
    swapped = replace(world, position=world.position[order], velocity=world.velocity[order])

    after, swapped_after = forward_spread(world, push), forward_spread(swapped, push[order])

    np.testing.assert_allclose(swapped_after.position, after.position[order], atol=1e-5)
    np.testing.assert_allclose(swapped_after.velocity, after.velocity[order], atol=1e-4)


@quickly
@given(seed=seeds, shift=st.tuples(st.floats(-2, 2), st.floats(-2, 2)))
def test_the_place_of_the_world_does_not_matter(seed, shift):
    world, push = crowded(TAG.bodies, seed)
    offset = jnp.array([shift])

    after = forward_tag(world, push)
    moved = forward_tag(replace(world, position=world.position + offset, landmark=world.landmark + offset), push)

    np.testing.assert_allclose(moved.position - offset, after.position, atol=1e-5)
    np.testing.assert_allclose(moved.velocity, after.velocity, atol=1e-3)


@quickly
@given(seed=seeds)
def test_contact_keeps_momentum(seed):
    world, push = crowded(SPREAD.bodies, seed)

    after = forward_spread(world, push)

    expected = 0.75 * world.velocity.sum(0) + 0.1 * 5 * push.sum(0)
    np.testing.assert_allclose(after.velocity.sum(0), expected, atol=1e-4)


@pytest.mark.parametrize("name", SCENARIOS)
def test_extremes_stay_finite(name):
    """Everything in one point, far out, and as fast as can be; values and gradients."""
    scenario = make_scenario(name)
    world = scenario.reset(jax.random.key(0))
    ones = jnp.ones_like(world.position)

    def outcome(position, velocity):
        before = replace(world, position=position, velocity=velocity)
        after = advance(scenario.bodies, before, ones, world.message)
        return padded_observation(scenario, after).sum() + reward(scenario, after).sum()

    look = jax.jit(jax.value_and_grad(outcome, argnums=(0, 1)))
    script = jax.jit(lambda world: scenario.script(jax.random.key(0), world))
    together = jnp.broadcast_to(world.landmark[:1], world.position.shape)
    for position, velocity in [(together, 0 * ones), (0 * ones, 0 * ones), (1e15 * ones, ones), (world.position, 1e15 * ones)]:
        assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(look(position, velocity)))
        assert jnp.isfinite(script(replace(world, position=position, velocity=velocity)).push).all()


def test_speed_is_bounded():
    world, push = crowded(TAG.bodies, seed=0, spread=1e-3)  # contact forces far beyond the agents' own

    speed = jnp.linalg.norm(forward_tag(world, push).velocity, axis=1)

    assert (speed <= TAG.bodies.max_speed + 1e-5).all()
    assert (speed > TAG.bodies.max_speed - 1e-5).any()


@pytest.mark.parametrize(("acceleration", "terminal"), [(4.0, 1.3), (2.0, 0.8), (8.0, 1.3)])
def test_terminal_speed_is_the_lower_of_two_bounds(acceleration, terminal):
    bodies = make_scenario("simple_tag", prey_acceleration=acceleration, obstacles=0, adversaries=1).bodies
    world = replace(scatter(jax.random.key(0), bodies), position=jnp.array([[9.0, 9.0], [0.0, 0.0]]))
    step = forward(bodies)
    for _ in range(60):
        world = step(world, jnp.array([[0.0, 0.0], [1.0, 0.0]]))

    np.testing.assert_allclose(world.velocity[1], [terminal, 0], atol=1e-4)


def test_immobile_agents_stay():
    scenario = make_scenario("simple_speaker_listener")
    world, push = crowded(scenario.bodies, seed=1)

    after = forward(scenario.bodies)(world, push)

    np.testing.assert_array_equal(after.position[0], world.position[0])
    assert (after.position[1] != world.position[1]).all()


def test_scatter_covers_its_ranges():
    scenario = make_scenario("simple_tag")
    worlds = jax.jit(jax.vmap(scenario.reset))(jax.random.split(jax.random.key(0), 2000))

    assert 0.89 < jnp.abs(worlds.landmark).max() <= 0.9
    assert 0.99 < jnp.abs(worlds.position).max() <= 1
    np.testing.assert_allclose(worlds.position.mean((0, 1)), 0, atol=0.03)
    assert not worlds.velocity.any()
    assert not worlds.clock.any()


def test_choices_are_uniform():
    worlds = jax.jit(jax.vmap(make_scenario("simple_reference").reset))(jax.random.split(jax.random.key(1), 3000))

    pairs = np.bincount(worlds.choice[:, 0] * 3 + worlds.choice[:, 1], minlength=9) / 3000
    np.testing.assert_allclose(pairs, 1 / 9, atol=0.03)


def test_keys_are_used_once(checked_keys):
    scenario = make_scenario("simple_crypto")  # the one whose script tosses coins

    @jax.jit
    def play(key):
        reset_key, script_key = jax.random.split(key)
        return scenario.script(script_key, scenario.reset(reset_key))

    play(jax.random.key(0))


def test_obstacles_come_first():
    with pytest.raises(ValueError, match="list those that collide first"):
        Bodies((), (Landmark(), Landmark(collides=True)))


@given(count=st.integers(1, 6))
@quickly
def test_without_self_leaves_out_the_diagonal(count):
    table = np.arange(count * count * 2).reshape(count, count, 2)

    expected = [[table[i, j] for j in range(count) if j != i] for i in range(count)]

    np.testing.assert_array_equal(without_self(jnp.asarray(table, float)), np.array(expected).reshape(count, count - 1, 2))
