"""Names and parameters: what is taken, and what is said where it is not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from maddpg.particles import SCENARIOS, make_scenario, scenario_name
from maddpg.particles.scenario import require_count, require_positive, require_share


@pytest.mark.parametrize("name", SCENARIOS)
def test_names_with_a_version_mean_the_same(name):
    assert make_scenario(f"{name}_v3").bodies == make_scenario(name).bodies
    assert scenario_name(f"{name}_v4") == name


@pytest.mark.parametrize(
    ("given", "meant"), [("simple_sprad", "simple_spread"), ("simple_tagg_v3", "simple_tag"), ("spread", "simple_spread")]
)
def test_wrong_names_suggest_the_nearest(given, meant):
    with pytest.raises(ValueError, match=f"did you mean '{meant}'.*simple_world_comm"):
        make_scenario(given)


def test_unknown_parameters_are_named_with_those_taken():
    with pytest.raises(ValueError, match=r"simple_tag has no parameter 'prey_sped'; did you mean 'prey_speed'.*obstacles.*episode_length"):
        make_scenario("simple_tag", prey_sped=2.0)
    with pytest.raises(ValueError, match="simple has no parameter 'agents'"):
        make_scenario("simple", agents=2)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("simple_spread", {"agents": 0}, "agents=0: must be a whole number of at least 1"),
        ("simple_spread", {"agents": True}, "agents=True: must be a whole number"),
        ("simple_spread", {"landmarks": 0}, "landmarks=0"),
        ("simple_spread", {"local_ratio": 1.5}, r"local_ratio=1.5: must lie in \[0, 1\]"),
        ("simple_spread", {"local_ratio": 0.5, "rewards": "openai"}, "local_ratio has no part in rewards='openai'"),
        ("simple_spread", {"agents": 1_001}, "agents=1001: must be at most 1_000"),
        ("simple_spread", {"agents": 10**400}, r"agents=10+\.\.\.0+: must be at most 1_000"),
        ("simple", {"episode_length": 2**31}, "episode_length=2147483648: must be at most 2_147_483_647"),
        ("simple_tag", {"obstacles": -1}, "obstacles=-1: must be a whole number of at least 0"),
        ("simple_tag", {"prey_speed": 0.0}, "prey_speed=0.0: must be a finite number above 0"),
        ("simple_tag", {"prey_acceleration": float("nan")}, "prey_acceleration=nan"),
        ("simple_world_comm", {"food": 0}, "food=0: must be a whole number of at least 1"),
        ("simple", {"episode_length": 0}, "episode_length=0"),
        ("simple", {"dynamics": "new"}, "dynamics='new': must be one of 'mpe2', 'openai'"),
        ("simple", {"rewards": "paper"}, "rewards='paper': must be one of 'mpe2', 'openai'"),
        ("simple", {"action_mode": "continuous"}, "action_mode='continuous': must be one of 'box', 'simplex', 'discrete'"),
        ("simple_crypto", {"action_mode": "box"}, "an all-zero guess is not scored, so a silent Eve"),
        ("simple_crypto", {"action_mode": "boxes"}, "action_mode='boxes': must be one of 'simplex', 'discrete'"),
    ],
)
def test_values_out_of_range_are_refused(name, parameters, message):
    with pytest.raises(ValueError, match=message):
        make_scenario(name, **parameters)


@pytest.mark.parametrize("value", [2.5, "3", None])
def test_things_are_counted_in_whole_numbers(value):
    with pytest.raises(ValueError, match="must be a whole number"):
        require_count("agents", value, least=1)


@pytest.mark.parametrize("require", [require_positive, require_share])
@pytest.mark.parametrize("value", ["fast", None, True, float("nan")])
def test_numbers_are_numbers(require, value):
    with pytest.raises(ValueError, match=f"speed={value!r}"):
        require("speed", value)


def test_numbers_of_things():
    scenario = make_scenario("simple_world_comm", agents=1, adversaries=2, obstacles=0, food=3, forests=1)
    names = [agent.name for agent in scenario.bodies.agents]

    assert names == ["leadadversary_0", "adversary_0", "agent_0"]
    assert [landmark.size for landmark in scenario.bodies.landmarks] == [0.03] * 3 + [0.3]


@pytest.mark.parametrize(("speed", "acceleration"), [(1.3, 4.0), (2.0, 5.0)])
def test_prey_is_as_fast_as_asked(speed, acceleration):
    prey = make_scenario("simple_tag", prey_speed=speed, prey_acceleration=acceleration).bodies.agents[-1]

    assert (prey.max_speed, prey.acceleration) == (speed, acceleration)


def test_importing_needs_jax_and_numpy_alone():
    loaded = (
        "import sys, maddpg.particles; print([m for m in ('mpe2', 'pettingzoo', 'pygame', 'optax', 'scipy.spatial') if m in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.strip() == "[]"
