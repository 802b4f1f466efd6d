"""Action heads of one agent: what is drawn, what is greedy, what is random, and the gradients."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm import actions
from maddpg.algorithm.actions import ActionLayout, action_layout
from maddpg.config import AlgorithmConfig
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, Simplex, Space

sample, differentiable_sample, greedy = map(jax.jit, (actions.sample, actions.differentiable_sample, actions.greedy))
random_action = jax.jit(actions.random_action, static_argnums=2)
MANY = 20_000
WIDE = AgentSpec("wide", "b", 1, (Categorical(9),))
"""A second agent, there to pad the first."""


def layout(*spaces: Space, **settings) -> ActionLayout:
    """The layout of an agent with these spaces, in a row of nine columns."""
    spec = EnvSpec("heads", (AgentSpec("agent", "a", 1, spaces), WIDE), 1, 25)
    return jax.tree.map(lambda leaf: leaf[0], action_layout(AlgorithmConfig(**settings), spec))


def row(*values: float, rows: int = 1, outputs: int = 9) -> jax.Array:
    """An actor's output: these numbers, then zeros, the same in every row."""
    return jnp.tile(jnp.zeros(outputs).at[: len(values)].set(jnp.array(values)), (rows, 1))


def softmax(logits) -> np.ndarray:
    weights = np.exp(np.asarray(logits) - np.max(logits))
    return weights / weights.sum()


@pytest.fixture
def key():
    return jax.random.key(7)


# Categoricals and simplexes.

HEADS = layout(Categorical(3), Simplex(2), Categorical(2))
HEAD_COLUMNS = [slice(0, 3), slice(3, 5), slice(5, 7)]


@pytest.mark.parametrize("kind", ["sample", "differentiable_sample", "greedy", "random_action"])
def test_each_head_sums_to_one_and_padding_gets_nothing(kind, key):
    output = jax.random.normal(jax.random.key(0), (50, 9)) * 5
    played = {
        "sample": lambda: sample(HEADS, output, key),
        "differentiable_sample": lambda: differentiable_sample(HEADS, output, key),
        "greedy": lambda: greedy(HEADS, output),
        "random_action": lambda: random_action(HEADS, key, 50),
    }[kind]()

    for columns in HEAD_COLUMNS:
        np.testing.assert_allclose(played[:, columns].sum(axis=1), 1.0, rtol=1e-6)
    assert np.all(played >= 0)
    assert not np.any(played[:, 7:])
    for columns in (HEAD_COLUMNS[0], HEAD_COLUMNS[2]):  # categoricals are one-hot, to rounding in the differentiable sample
        np.testing.assert_allclose(np.sort(played[:, columns])[:, -1], 1.0, rtol=1e-6)
    assert 0.01 < np.mean(played[:, 3]) < 0.99  # the simplex is not
    assert np.any((played[:, 3] > 0.05) & (played[:, 3] < 0.95))


def test_a_space_of_no_known_kind_is_refused():
    @dataclass(frozen=True)
    class Bits:
        size: int

    with pytest.raises(ValueError, match=r"agent acts in .*Bits\(size=2\), which has no action head; docs/changing.md says how to add one"):
        layout(Categorical(3), Bits(2))


def test_one_policy_acts_as_the_mean_of_one(monkeypatch):
    """So that a new head is greedy in one place."""
    output = row(0.0, 1.0, 2.0)
    monkeypatch.setattr(actions, "greedy_mean", lambda layout, outputs: jnp.full(outputs.shape[1:], float(len(outputs))))

    np.testing.assert_array_equal(actions.greedy(HEADS, output), np.ones((1, 9)))


def test_choices_come_as_often_as_the_softmax_says(key):
    logits = [(0.0, 1.0, 2.0), (1.0, -1.0), (0.5, 0.0)]

    drawn = sample(HEADS, row(*sum(logits, ()), rows=MANY), key)

    for head in (0, 2):
        expected = softmax(logits[head])
        np.testing.assert_allclose(drawn[:, HEAD_COLUMNS[head]].mean(axis=0), expected, atol=4 * np.sqrt(0.25 / MANY))


def test_a_simplex_leans_to_a_column_as_often_as_the_softmax_says(key):
    drawn = sample(layout(Simplex(3)), row(0.0, 1.0, 2.0, rows=MANY), key)

    largest = np.bincount(np.argmax(drawn, axis=1), minlength=3)[:3] / MANY
    np.testing.assert_allclose(largest, softmax([0, 1, 2]), atol=4 * np.sqrt(0.25 / MANY))


def test_temperature_is_a_power(key):
    # softmax(z / T) is softmax(z) to the power 1 / T, normalised, whatever noise is in z.
    output = row(0.3, -0.2, 0.1, rows=5)
    warm = sample(layout(Simplex(3)), output, key)[:, :3]
    cool = sample(layout(Simplex(3), temperature=0.5), output, key)[:, :3]

    np.testing.assert_allclose(cool, warm**2 / jnp.sum(warm**2, axis=1, keepdims=True), rtol=1e-4)


def test_straight_through_has_the_value_of_the_choice_and_the_gradient_of_the_relaxed_sample(key):
    def jacobian(estimator):
        head = layout(Categorical(3), Simplex(2), estimator=estimator, temperature=0.7)
        value, output = lambda output: differentiable_sample(head, output[None], key)[0], row(0.5, 0.1, -0.3, 0.2, 0.4)[0]
        return value(output), jax.jacobian(value)(output)

    hard, hard_gradient = jacobian("straight_through")
    soft, soft_gradient = jacobian("soft")
    np.testing.assert_allclose(hard[:3], np.eye(3)[np.argmax(soft[:3])], atol=1e-6)
    np.testing.assert_array_equal(hard[3:], soft[3:])
    np.testing.assert_allclose(hard_gradient, soft_gradient, rtol=1e-6)
    expected = (np.diag(soft[:3]) - np.outer(soft[:3], soft[:3])) / 0.7  # a softmax's Jacobian, worked by hand
    np.testing.assert_allclose(soft_gradient[:3, :3], expected, rtol=1e-4, atol=1e-6)
    assert not np.any(soft_gradient[:3, 3:])
    assert not np.any(soft_gradient[3:, :3])


@pytest.mark.parametrize("estimator", ["straight_through", "soft"])
def test_the_environment_gets_the_choice_that_the_loss_is_shown(estimator, key):
    head = layout(Categorical(4), estimator=estimator)
    output = jax.random.normal(jax.random.key(0), (50, 9))

    chosen, shown = sample(head, output, key), differentiable_sample(head, output, key)

    np.testing.assert_array_equal(np.argmax(chosen, axis=1), np.argmax(shown, axis=1))
    assert set(np.unique(chosen)) == {0.0, 1.0}  # exactly


def test_greedy_takes_the_largest_logit_and_a_simplex_its_softmax():
    played = greedy(HEADS, row(0.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.1))[0]

    np.testing.assert_array_equal(played[HEAD_COLUMNS[0]], [0, 1, 0])
    np.testing.assert_allclose(played[HEAD_COLUMNS[1]], softmax([1, 0]), rtol=1e-6)
    np.testing.assert_array_equal(played[HEAD_COLUMNS[2]], [0, 1])


def test_random_choices_and_points_are_uniform(key):
    played = np.asarray(random_action(layout(Categorical(4), Simplex(3)), key, MANY))

    np.testing.assert_allclose(played[:, :4].mean(axis=0), 0.25, atol=4 * np.sqrt(0.25 / MANY))
    # Uniform on the simplex of three columns: P(x > t) = (1 - t)^2 for each.
    for threshold in (0.1, 0.5, 0.8):
        np.testing.assert_allclose((played[:, 4:7] > threshold).mean(axis=0), (1 - threshold) ** 2, atol=4 * np.sqrt(0.25 / MANY))


@pytest.mark.parametrize("size", [1e3, 1e6])
@pytest.mark.parametrize("settings", [{}, {"estimator": "soft", "policy": "stochastic", "temperature": 0.1}])
def test_gradients_stay_finite_at_extreme_outputs(size, settings, key):
    mixed = layout(Categorical(3), Simplex(2), Box((-1.0,), (1.0,)), **settings)
    output = size * row(1.0, -1.0, 0.0, -1.0, -1.0, 1.0, outputs=len(actions.output_valid(mixed)))

    value, gradient = jax.value_and_grad(lambda output: jnp.sum(differentiable_sample(mixed, output, key) * jnp.arange(9.0)[None]))(output)

    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))


# Boxes.

LOW, HIGH = np.array([-1.0, 2.0]), np.array([3.0, 2.5])
BOX = Box(tuple(LOW), tuple(HIGH))


def test_a_deterministic_policy_is_a_point_in_the_bounds(key):
    output = row(0.5, -2.0)

    expected = LOW + (HIGH - LOW) * (np.tanh([0.5, -2.0]) + 1) / 2
    for played in (sample(layout(BOX), output, key), greedy(layout(BOX), output), differentiable_sample(layout(BOX), output, key)):
        np.testing.assert_allclose(played[0, :2], expected, rtol=1e-6)
        assert not np.any(played[:, 2:])


def test_exploration_is_gaussian_in_shares_of_half_the_range(key):
    explored = np.asarray(sample(layout(BOX), row(0.0, 0.0, rows=MANY), key, jnp.float32(0.1)))[:, :2]

    noise = (explored - (LOW + HIGH) / 2) / ((HIGH - LOW) / 2)
    np.testing.assert_allclose(noise.mean(axis=0), 0.0, atol=4 * 0.1 / np.sqrt(MANY))
    np.testing.assert_allclose(noise.std(axis=0), 0.1, rtol=0.03)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / np.sqrt(MANY)


def test_exploration_never_leaves_the_bounds(key):
    explored = sample(layout(BOX), row(0.0, 0.0, rows=1000), key, jnp.float32(5.0))[:, :2]

    np.testing.assert_allclose(explored.min(axis=0), LOW)
    np.testing.assert_allclose(explored.max(axis=0), HIGH)


def gaussian(mean: float, log_std: float, rows: int = 1) -> tuple[ActionLayout, jax.Array]:
    head = layout(Box((-1.0,), (3.0,)), policy="stochastic")
    return head, jnp.zeros((rows, 18)).at[:, 0].set(mean).at[:, 9].set(log_std)


def before_squashing(action) -> np.ndarray:
    return np.arctanh(np.float64(action[:, 0]) / 2 - 0.5)


def test_a_stochastic_policy_is_a_gaussian_before_the_squashing(key):
    drawn = before_squashing(sample(*gaussian(0.3, np.log(0.4), MANY), key))

    np.testing.assert_allclose(drawn.mean(), 0.3, atol=4 * 0.4 / np.sqrt(MANY))
    np.testing.assert_allclose(drawn.std(), 0.4, rtol=0.03)


def test_its_log_deviation_is_bounded_and_its_actions_too(key):
    wild = sample(*gaussian(0.0, 50.0, 1000), key)[:, 0]
    tame = sample(*gaussian(0.0, -50.0, 1000), key)

    assert -1 <= wild.min() < -0.9
    assert 2.9 < wild.max() <= 3
    np.testing.assert_allclose(before_squashing(tame).std(), np.exp(actions.LOG_STD_RANGE[0]), rtol=0.1)


def test_its_greedy_action_is_the_mean():
    np.testing.assert_allclose(greedy(*gaussian(0.3, 0.9))[0, 0], -1 + 2 * (1 + np.tanh(0.3)), rtol=1e-6)


def test_its_gradient_is_reparameterised(key):
    # a = low + half (1 + tanh z), z = mean + e^s noise: da/dmean = half (1 - tanh^2 z), da/ds = that times z - mean.
    head, output = gaussian(0.3, -0.7)
    action, gradient = jax.value_and_grad(lambda output: differentiable_sample(head, output, key)[0, 0])(output)

    centre = before_squashing(action[None, None])[0]
    slope = 2 * (1 - np.tanh(centre) ** 2)
    np.testing.assert_allclose(gradient[0, 0], slope, rtol=1e-4)
    np.testing.assert_allclose(gradient[0, 9], slope * (centre - 0.3), rtol=1e-4)


def test_random_boxes_are_uniform_within_their_bounds(key):
    played = np.asarray(random_action(layout(BOX), key, MANY))[:, :2]

    assert np.all((played >= LOW) & (played <= HIGH))
    for quantile in (0.1, 0.5, 0.9):
        np.testing.assert_allclose(np.quantile(played, quantile, axis=0), LOW + quantile * (HIGH - LOW), atol=0.02 * (HIGH - LOW).max())


def test_draws_differ_between_rows_and_keys():
    head, output = layout(Simplex(2), Box((-1.0,), (1.0,)), policy="stochastic"), jnp.zeros((3, 18))

    one, other = (sample(head, output, jax.random.key(seed)) for seed in (0, 1))

    for column in (0, 2):
        assert len(np.unique(np.concatenate([one[:, column], other[:, column]]))) == 6


def test_the_mean_square_counts_true_outputs_alone():
    deterministic = layout(Categorical(2), BOX)
    output = jnp.arange(1.0, 19.0).reshape(2, 9)
    found = actions.mean_square(output, actions.output_valid(deterministic))
    np.testing.assert_allclose(found, np.mean(np.square(output[:, :4]), axis=1), rtol=1e-6)

    stochastic = layout(Categorical(2), BOX, policy="stochastic")
    output = jnp.arange(1.0, 37.0).reshape(2, 18)
    expected = np.mean(np.square(np.asarray(output)[:, [0, 1, 2, 3, 11, 12]]), axis=1)  # logits, means, and the boxes' log deviations
    np.testing.assert_allclose(actions.mean_square(output, actions.output_valid(stochastic)), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("spaces", "policy", "columns"),
    [
        ((Categorical(2), BOX), "deterministic", [0, 1]),
        ((Categorical(2), BOX), "stochastic", [0, 1]),
        ((BOX, Simplex(3)), "stochastic", [2, 3, 4]),
        ((BOX,), "deterministic", [0, 1]),
        ((BOX,), "stochastic", [0, 1, 9, 10]),
    ],
)
def test_the_regulariser_holds_back_logits_or_else_everything(spaces, policy, columns):
    """How an agent moves is no matter of whether it has a channel too."""
    penalised = actions.penalised_outputs(layout(*spaces, policy=policy))

    assert np.flatnonzero(penalised).tolist() == columns
