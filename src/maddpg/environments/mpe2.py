"""The reference itself (mpe2): the same worlds in Python, for parity tests and for scores that others can compare with.

Only this file needs mpe2: `pip install "maddpg[mpe2]"`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from maddpg import particles
from maddpg.config import Config
from maddpg.particles import Scenario, World
from maddpg.particles.actions import MOVES

VERSIONS = {
    "simple": 3,
    "simple_adversary": 3,
    "simple_crypto": 3,
    "simple_push": 3,
    "simple_reference": 3,
    "simple_speaker_listener": 4,
    "simple_spread": 3,
    "simple_tag": 3,
    "simple_world_comm": 3,
}
ARGUMENTS = {  # our names for mpe2's; a parameter that is not here has one value in mpe2
    "simple_spread": {"agents": "N", "local_ratio": "local_ratio"},
    "simple_adversary": {"agents": "N"},
    "simple_reference": {"local_ratio": "local_ratio"},
    "simple_tag": {"agents": "num_good", "adversaries": "num_adversaries", "obstacles": "num_obstacles"},
    "simple_world_comm": {
        "agents": "num_good",
        "adversaries": "num_adversaries",
        "obstacles": "num_obstacles",
        "food": "num_food",
        "forests": "num_forests",
    },
}


@dataclass(frozen=True)
class Reference:
    """An environment of mpe2 and the scenario of ours that means the same."""

    parallel: Any
    """mpe2's parallel environment (PettingZoo): `reset(seed)`, `step({agent: action})`."""
    scenario: Scenario

    @property
    def raw(self) -> Any:
        """mpe2's own environment beneath the wrappers, with `.world` and `.scenario`."""
        return self.parallel.unwrapped


def make(name: str, **parameters: Any) -> Reference:
    """The mpe2 environment for a name and parameters of `maddpg.particles.make_scenario`.

    Raises ValueError for what mpe2 cannot do (other dynamics, rewards, speeds, numbers of landmarks), ImportError without mpe2.
    """
    scenario = particles.make_scenario(name, **parameters)
    for option in ("dynamics", "rewards"):
        if (value := parameters.pop(option, "mpe2")) != "mpe2":
            raise ValueError(f"mpe2 has no {option}={value!r}: leave it out, or use the world on the device ({scenario.name!r})")
    if parameters.pop("terminate_on_success", False):
        raise ValueError(f"mpe2 is played on after success here: leave terminate_on_success out, or use the device ({scenario.name!r})")
    parameters.pop("action_mode", None)
    parameters.pop("episode_length", None)
    names = ARGUMENTS.get(scenario.name, {})
    for parameter in parameters.keys() - names.keys():
        without = {key: value for key, value in parameters.items() if key != parameter}
        if particles.make_scenario(scenario.name, **without).bodies != scenario.bodies:
            raise ValueError(
                f"mpe2 has no {parameter}={parameters[parameter]!r} in {scenario.name}: leave it out, or use the world on the device"
            )
    if scenario.name not in VERSIONS:  # a world that somebody has added to ours
        raise ValueError(f"mpe2 has no {scenario.name}; it has: {', '.join(VERSIONS)}")
    try:
        module = importlib.import_module(f"mpe2.{scenario.name}_v{VERSIONS[scenario.name]}")
    except ImportError as error:
        raise ImportError('the reference worlds need mpe2: pip install "maddpg[mpe2]"') from error
    parallel = module.parallel_env(
        max_cycles=scenario.episode_length,
        continuous_actions=scenario.action_mode != "discrete",
        **{names[parameter]: value for parameter, value in parameters.items() if parameter in names},
    )
    parallel.reset()
    return Reference(parallel, scenario)


def has(config: Config) -> bool:
    """Whether mpe2 is installed and has this variant of the world; it never has a channel."""
    if config.channel.channel_senders:
        return False
    try:
        make(config.environment, **config.world.given())
    except (ImportError, ValueError):
        return False
    return True


def to_actions(reference: Reference, action: np.ndarray) -> dict[str, Any]:
    """Turn padded actions [agent, action] into mpe2's: clipped vectors, or one number, message * 5 + move, for discrete actions."""
    bodies = reference.scenario.bodies
    actions: dict[str, Any] = {}
    for body, row in zip(bodies.agents, np.asarray(action), strict=True):
        moves, speaks = MOVES * body.moves, bodies.message_size * body.speaks
        if reference.scenario.action_mode == "discrete":
            move = int(np.argmax(row[:moves])) if moves else 0
            message = int(np.argmax(row[moves : moves + speaks])) if speaks else 0
            actions[body.name] = message * max(moves, 1) + move
        else:
            actions[body.name] = np.clip(row[: moves + speaks], 0, 1).astype(np.float32)
    return actions


def to_rows(reference: Reference, values: Mapping[str, Any]) -> np.ndarray:
    """Stack what mpe2 gives by name (observations, rewards) on an agent axis, padded with zeros to the widest."""
    vectors = [np.asarray(values[body.name]) for body in reference.scenario.bodies.agents]
    if not vectors[0].ndim:
        return np.stack(vectors)
    width = max(vector.size for vector in vectors)
    return np.stack([np.pad(vector, (0, width - vector.size)) for vector in vectors])


def read_world(reference: Reference) -> World:
    """The state of mpe2's world in 64-bit NumPy arrays, what it hides from agents included."""
    raw, bodies = reference.raw, reference.scenario.bodies
    agents, landmarks = raw.world.agents, raw.world.landmarks
    return World(
        position=_array([agent.state.p_pos for agent in agents]),
        velocity=_array([agent.state.p_vel for agent in agents]),
        message=_array([agent.state.c[: bodies.message_size] for agent in agents]),
        landmark=_array([landmark.state.p_pos for landmark in landmarks]).reshape(-1, 2),
        choice=_array(_read_choice(reference), np.int32),
        clock=_array(raw.steps, np.int32),
    )


def _array(values: Any, dtype: type = np.float64) -> Any:
    """A NumPy array, where World's fields are written as jax's: any function of ours takes either."""
    return np.array(values, dtype=dtype)


def _read_choice(reference: Reference) -> list[int]:
    """Where each scenario of mpe2 keeps its secrets: in references between agents and landmarks."""
    world = reference.raw.world
    agents, landmarks = world.agents, world.landmarks
    match reference.scenario.name:
        case "simple_adversary" | "simple_push":
            return [landmarks.index(agents[0].goal_a)]
        case "simple_speaker_listener":
            return [landmarks.index(agents[0].goal_b)]
        case "simple_reference":
            return [landmarks.index(agent.goal_b) for agent in agents]
        case "simple_crypto":
            return [landmarks.index(agents[0].goal_a), int(np.argmax(agents[2].key))]
    return []
