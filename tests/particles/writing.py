"""A world of ours written into mpe2, for parity tests: the counterpart of `mpe2.read_world`."""

from __future__ import annotations

import numpy as np

from maddpg.environments.mpe2 import Reference
from maddpg.particles import World


def write_world(reference: Reference, world: World) -> None:
    """Put a world of ours into mpe2, which must have been reset since its last episode ended."""
    raw = reference.raw
    for index, agent in enumerate(raw.world.agents):
        agent.state.p_pos = np.array(world.position[index], dtype=float)
        agent.state.p_vel = np.array(world.velocity[index], dtype=float)
        agent.state.c = np.zeros(raw.world.dim_c)
        agent.state.c[: world.message.shape[1]] = world.message[index]
    for landmark, position in zip(raw.world.landmarks, world.landmark, strict=True):
        landmark.state.p_pos = np.array(position, dtype=float)
    raw.steps = int(world.clock)
    _write_choice(reference, [int(index) for index in world.choice])


def _write_choice(reference: Reference, choice: list[int]) -> None:
    """Point mpe2's references at the chosen landmarks, and give agents the colours that its observations read."""
    world = reference.raw.world
    agents, landmarks = world.agents, world.landmarks
    match reference.scenario.name:
        case "simple_adversary" | "simple_push" | "simple_crypto":
            for agent in agents:
                agent.goal_a = landmarks[choice[0]]
        case "simple_speaker_listener":
            agents[0].goal_b = landmarks[choice[0]]
        case "simple_reference":
            for agent, index in zip(agents, choice, strict=True):
                agent.goal_b = landmarks[index]
    if reference.scenario.name == "simple_push":
        agents[1].color = np.full(3, 0.25)
        agents[1].color[choice[0] + 1] += 0.5
    if reference.scenario.name == "simple_crypto":
        agents[1].color = landmarks[choice[0]].color
        agents[2].key = landmarks[choice[1]].color
