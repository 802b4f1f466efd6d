"""Heads in NumPy: what is drawn with the same noise is what training draws, and what is drawn has the right frequencies."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm import actions
from maddpg.algorithm.actions import action_layout
from maddpg.config import AlgorithmConfig
from maddpg.export.actors import find_heads
from maddpg.policy.heads import Head, draw, empty_head, forbid, from_json, greedy, output_size, to_json
from tests.export.actors import SPEC, make_parts

ALONE = replace(SPEC, agents=SPEC.agents[2:])  # the mixer, without padding
COUNT = 200


class Replayed(np.random.Generator):
    """Gives the noise that JAX's keys give."""

    def __init__(self, key, width):
        super().__init__(np.random.PCG64(0))
        gumbel_key, normal_key = jax.random.split(key)
        self.gumbels = np.asarray(jax.random.gumbel(gumbel_key, (width, COUNT)).T)
        self.normals = np.asarray(jax.random.normal(normal_key, (width, COUNT)).T)
        self.column = 0

    def take(self, values, shape):
        taken = values[:, self.column : self.column + shape[-1]]
        self.column += shape[-1]
        return taken

    def gumbel(self, size):
        return self.take(self.gumbels, size)

    def standard_normal(self, size, dtype):
        assert dtype == np.float32
        return self.take(self.normals, size)


@pytest.mark.parametrize("policy", ["deterministic", "stochastic"])
def test_draws_are_those_of_training_given_its_noise(policy):
    """Every column of the mixer's heads takes noise of its own place, so the replayed noise lines up where every head draws."""
    config = AlgorithmConfig(policy=policy, temperature=0.7)
    layout = jax.tree.map(lambda leaf: leaf[0], action_layout(config, ALONE))
    parts = make_parts(policy=policy, temperature=0.7)
    heads = find_heads(parts.algorithm, 2)
    output = np.random.default_rng(0).normal(size=(COUNT, output_size(heads)), scale=1.5).astype(np.float32)
    padded = output
    if policy == "stochastic":  # log standard deviations stand under every column there, here under boxes' alone
        padded = np.zeros((COUNT, 2 * ALONE.action_width), np.float32)
        padded[:, np.flatnonzero(actions.output_valid(layout))] = output
    key = jax.random.key(1)
    noise = Replayed(key, ALONE.action_width)
    if policy == "deterministic":
        noise.gumbels = noise.gumbels[:, [0, 1, 2, 3, 5, 6, 7]]  # points take none

    drawn = draw(heads, output, noise)

    np.testing.assert_allclose(drawn, actions.sample(layout, jnp.asarray(padded), key), atol=2e-6)


def test_choices_are_drawn_as_often_as_they_are_likely():
    heads = (Head("categorical", 3),)
    output = np.log(np.tile(np.float32([0.2, 0.3, 0.5]), (40_000, 1)))

    drawn = draw(heads, output, np.random.default_rng(0)).mean(axis=0)

    np.testing.assert_allclose(drawn, [0.2, 0.3, 0.5], atol=0.01)


def test_numbers_are_drawn_around_their_mean_and_within_their_bounds():
    heads = (Head("gaussian", 1, (-3.0,), (5.0,)),)
    output = np.tile(np.float32([0.4, np.log(0.5)]), (40_000, 1))

    drawn = draw(heads, output, np.random.default_rng(0))

    before = np.arctanh((drawn - 1) / 4)
    assert before.mean() == pytest.approx(0.4, abs=0.01)
    assert before.std() == pytest.approx(0.5, abs=0.01)
    assert ((drawn > -3) & (drawn < 5)).all()


def test_what_is_forbidden_is_neither_drawn_nor_chosen():
    heads = (Head("point", 1, (0.0,), (1.0,)), Head("categorical", 3))
    output = np.tile(np.float32([0.0, 9.0, 1.0, 0.0]), (500, 1))
    allowed = np.tile([True, False, True, True], (500, 1))

    drawn = draw(heads, forbid(heads, output, allowed), np.random.default_rng(0))

    assert set(drawn[:, 1]) == {0}
    assert set(drawn[:, 2]) == {0, 1}
    np.testing.assert_array_equal(greedy(heads, forbid(heads, output[None], allowed))[0], [0.5, 0, 1, 0])
    assert not empty_head(heads, np.array([False, False, False, True]))
    assert empty_head(heads, np.array([True, False, False, False]))


def test_several_networks_act_by_their_mean():
    """One is nearly sure of the first, two lean to the second: the mean of the probabilities decides, not that of the logits."""
    heads = (Head("categorical", 2), Head("point", 1, (-1.0,), (1.0,)), Head("simplex", 2))
    output = np.float32([[[30, 0, 9, 30, 0]], [[0, 1, 9, 0, 0]], [[0, 1, -9, 0, 0]]])

    (columns,) = greedy(heads, output)

    assert columns[:2].tolist() == [1, 0]
    np.testing.assert_allclose(columns[2:], [1 / 3, 2 / 3, 1 / 3], atol=1e-6)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"kind": "tanh", "size": 1}, "kind = 'tanh': it must be one of point, gaussian, categorical, simplex"),
        ({"kind": "point", "size": 2, "low": [0.0], "high": [1.0, 1.0]}, "low and high must have 2 entries each"),
        ({"kind": "point", "size": 1, "low": [2.0], "high": [1.0]}, "low not above high"),
        ({"kind": "point", "size": 1, "low": [0.0], "high": [1e39]}, "within 1e[+]38"),
        ({"kind": "point", "size": 1, "low": [None], "high": [1.0]}, r"low\[0\] = None: it must be a finite number"),
        ({"kind": "simplex", "size": 2, "temperature": 0.0}, "temperature = 0.0: it must be above 0"),
        ({"kind": "simplex", "size": 2}, "lacks temperature"),
        ({"kind": "categorical", "size": 2, "temperature": 1.0}, "has 'temperature', which this version does not know"),
        ({"kind": "categorical", "size": True}, "size = True: it must be a whole number from 1 to"),
        ([], "here = a list of 0: it must be a table"),
    ],
)
def test_a_head_that_cannot_be_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        from_json("here", table)


def test_heads_are_what_was_written():
    for head in find_heads(make_parts(temperature=0.5).algorithm, 2):
        assert from_json("here", to_json(head)) == head
