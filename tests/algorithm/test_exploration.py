"""The noise over the course of training."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.exploration import exploration_scale
from maddpg.algorithm.state import assemble, hyper
from maddpg.config import AlgorithmConfig
from maddpg.types import AgentSpec, Box, EnvSpec

PAIR = EnvSpec("pair", tuple(AgentSpec(name, "a", 1, (Box((0.0,), (1.0,)),)) for name in "xy"), 1, 25)


@pytest.mark.parametrize(("steps", "expected"), [(0, 0.4), (250, 0.3), (1000, 0.0), (5000, 0.0)])
def test_falls_in_a_straight_line_and_then_stays(steps, expected):
    numbers = hyper(assemble(AlgorithmConfig(noise=0.4, noise_final=0.0, noise_steps=1000), PAIR))

    np.testing.assert_allclose(exploration_scale(numbers, jnp.int32(steps)), [expected] * 2, atol=1e-7)


def test_stays_as_it_is_without_an_end():
    numbers = hyper(assemble(AlgorithmConfig(noise=0.4), PAIR))

    np.testing.assert_allclose(exploration_scale(numbers, jnp.int32(700)), [0.4] * 2)
