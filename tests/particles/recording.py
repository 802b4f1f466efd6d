"""Episodes played in mpe2 and written down in 64 bits: what went in, what came out, and the worlds between."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import numpy as np

from maddpg.environments import mpe2
from maddpg.particles import World, action_space, make_scenario
from maddpg.types import Box
from tests.particles.writing import write_world

EPISODES, LENGTH = 20, 25
GRID = 1024  # actions are multiples of 1 / 1024, so that mpe2's 32-bit arithmetic on them is exact


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Recording:
    """Leading axes are [episode, step]; worlds and observations have one step more than the rest."""

    worlds: World
    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    truncated: np.ndarray
    terminated: np.ndarray


@cache
def record(name: str, mode: str, parameters: tuple[tuple[str, Any], ...] = ()) -> Recording:
    """Play and write down 20 episodes. Most begin crowded, so that there is contact; agents lean one way, so that some leave the field."""
    reference = mpe2.make(name, action_mode=mode, **dict(parameters))
    random = np.random.default_rng(0)
    episodes = [_play(reference, seed, random) for seed in range(EPISODES)]
    return Recording(*(jax.tree.map(lambda *leaves: np.stack(leaves), *parts) for parts in zip(*episodes, strict=True)))


def record_all(name: str, parameters: dict[str, Any]) -> Recording:
    """Twenty episodes in each mode, one mode after the other. All modes have the same columns, so that one program steps them all.

    Soft choices differ from a box in nothing but the range of their values, so worlds of other sizes leave them out.
    """
    played = [mode for mode in modes(name) if mode != "simplex" or not parameters]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *(record(name, mode, tuple(parameters.items())) for mode in played))


def _play(reference: mpe2.Reference, seed: int, random: np.random.Generator) -> tuple:
    reference.parallel.reset(seed=seed)
    world = mpe2.read_world(reference)
    world.position[:] *= random.choice([0.15, 0.4, 1.0])
    write_world(reference, world)
    lean = random.uniform(size=(len(reference.scenario.bodies.agents), 64))
    worlds, observations, actions, rewards, truncations, terminations = [world], [_observe(reference)], [], [], [], []
    for _ in range(LENGTH):
        action = random_action(reference, lean, random)
        _, reward, terminated, truncated, _ = reference.parallel.step(mpe2.to_actions(reference, action))
        worlds.append(mpe2.read_world(reference))
        observations.append(_observe(reference))
        actions.append(action)
        rewards.append(mpe2.to_rows(reference, reward))
        truncations.append(mpe2.to_rows(reference, truncated))
        terminations.append(mpe2.to_rows(reference, terminated))
    parts = (worlds, observations, actions, rewards, truncations, terminations)
    return tuple(jax.tree.map(lambda *leaves: np.stack(leaves), *part) for part in parts)


def _observe(reference: mpe2.Reference) -> np.ndarray:
    """Observations in 64 bits: the environment itself rounds them to 32."""
    raw = reference.raw
    return mpe2.to_rows(reference, {agent.name: raw.scenario.observation(agent, raw.world) for agent in raw.world.agents})


def random_action(reference: mpe2.Reference, lean: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A padded action [agent, action] in the reference's mode, leaning towards what the agent leans to."""
    scenario = reference.scenario
    rows = []
    for index, body in enumerate(scenario.bodies.agents):
        parts = []
        for space in action_space(scenario.bodies, body, scenario.action_mode):
            raw = np.clip(lean[index, : space.size] + random.normal(scale=0.3, size=space.size), 0, 1)
            if isinstance(space, Box):
                parts.append(np.round(raw * GRID) / GRID)
            elif scenario.action_mode == "simplex":
                parts.append(np.round(raw / (raw.sum() + 1) * GRID) / GRID)
            else:
                parts.append(np.eye(space.size)[np.argmax(raw)])
        rows.append(np.concatenate(parts))
    width = max(row.size for row in rows)
    return np.stack([np.pad(row, (0, width - row.size)) for row in rows])


def modes(name: str) -> tuple[str, ...]:
    """The modes that a scenario can be played in."""
    return make_scenario(name).action_modes
