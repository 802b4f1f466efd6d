"""A world whose agents see and do different things, and actors with random weights in every column, padding included."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from maddpg.algorithm.actions import output_valid
from maddpg.config import AlgorithmConfig, Config, TrainingConfig
from maddpg.environments.registry import OWN, Typed
from maddpg.training.build import Parts, build
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, Simplex
from tests.games import probe

BOXES = (Box((-2.0, 0.0, -0.25), (0.5, 3.0, 0.25)),)
CHOICES = (Categorical(3), Categorical(2))
HYBRID = (Categorical(4), Box((-1.0,), (1.0,)), Simplex(3), Box((0.0, 5.0), (1.0, 9.0)))
SPEC = EnvSpec(
    "mixture",
    (
        AgentSpec("boxer", "left", 5, BOXES),
        AgentSpec("chooser", "left", 2, CHOICES, message_size=2),
        AgentSpec("mixer", "right", 9, HYBRID),
    ),
    state_size=0,
    episode_length=10,
)
SEEDS = (3, 4)


def make_parts(masked: bool = False, layers: tuple[int, ...] = (16, 12), actor=None, teams=None, **algorithm) -> Parts:
    """A run of two seeds in the world of `SPEC`."""
    table = AlgorithmConfig(actor_layers=layers, critic_layers=(8,), **algorithm)
    config = Config(OWN, algorithm=table, training=TrainingConfig(seed=SEEDS[0], seeds=len(SEEDS)), teams=teams or {})
    environment = replace(probe(lambda clock, coin, action: coin), spec=replace(SPEC, masked=masked))
    return build(config, Typed(OWN, lambda: environment), actor)


def make_actor(parts: Parts) -> list[dict[str, np.ndarray]]:
    """Weights [seed, agent, member, input, output] and biases of perceptrons that say something of size one to inputs of size one."""
    generator = np.random.default_rng(0)
    algorithm = parts.algorithm
    widths = (parts.spec.observation_width, *algorithm.config.actor_layers, output_valid(algorithm.layout).shape[-1])
    lead = (len(SEEDS), parts.spec.agent_count, algorithm.config.ensemble_size)
    return [
        {
            "weight": (generator.normal(size=(*lead, rows, columns)) / np.sqrt(rows)).astype(np.float32),
            "bias": generator.normal(size=(*lead, columns), scale=0.3).astype(np.float32),
        }
        for rows, columns in pairwise(widths)
    ]
