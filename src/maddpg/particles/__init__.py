"""The paper's nine particle worlds on the device, as pure functions of one world."""

from maddpg.particles.actions import ACTION_MODES, Intention, action_space, decode, encode, still_action
from maddpg.particles.registry import SCENARIOS, make_scenario, scenario_name
from maddpg.particles.scenario import Scenario, observation_sizes, padded_observation, reward
from maddpg.particles.world import AgentBody, Bodies, Landmark, World, advance, scatter

__all__ = [
    "ACTION_MODES",
    "SCENARIOS",
    "AgentBody",
    "Bodies",
    "Intention",
    "Landmark",
    "Scenario",
    "World",
    "action_space",
    "advance",
    "decode",
    "encode",
    "make_scenario",
    "observation_sizes",
    "padded_observation",
    "reward",
    "scatter",
    "scenario_name",
    "still_action",
]
