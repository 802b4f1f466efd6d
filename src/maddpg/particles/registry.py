"""Scenarios by name: `make_scenario("simple_tag", prey_speed=2.0)`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast, get_args

from maddpg.names import did_you_mean
from maddpg.particles.scenario import LONGEST_EPISODE, Scenario, require_count
from maddpg.particles.scenarios import (
    simple,
    simple_adversary,
    simple_crypto,
    simple_push,
    simple_reference,
    simple_speaker_listener,
    simple_spread,
    simple_tag,
    simple_world_comm,
)
from maddpg.types import ActionMode, Dynamics, Rewards

SCENARIOS: dict[str, Callable[..., Scenario]] = {
    "simple": simple.make,
    "simple_adversary": simple_adversary.make,
    "simple_crypto": simple_crypto.make,
    "simple_push": simple_push.make,
    "simple_reference": simple_reference.make,
    "simple_speaker_listener": simple_speaker_listener.make,
    "simple_spread": simple_spread.make,
    "simple_tag": simple_tag.make,
    "simple_world_comm": simple_world_comm.make,
}
COMMON = ("action_mode", "dynamics", "rewards", "episode_length", "terminate_on_success")


def make_scenario(
    name: str,
    *,
    action_mode: str | None = None,
    dynamics: str = "mpe2",
    rewards: str = "mpe2",
    episode_length: int = 25,
    terminate_on_success: bool = False,
    **parameters: Any,
) -> Scenario:
    """Make a scenario by name; `simple_tag_v3` means `simple_tag`. `parameters` are those of the scenario's own `make`.

    `action_mode` is "box", "simplex" or "discrete", by default the scenario's first; `dynamics` and `rewards` are "mpe2" or "openai".
    `terminate_on_success` ends an episode once its agents have done what they were to do, in worlds that have such a thing.
    Raises ValueError for a name, parameter or value that is not allowed, and says what is.
    """
    name = scenario_name(name)
    make = SCENARIOS[name]
    known = [parameter for parameter in inspect.signature(make).parameters if parameter not in COMMON]
    for parameter in parameters:
        if parameter not in known:
            takes = ", ".join([*known, *COMMON])
            raise ValueError(f"{name} has no parameter {parameter!r}{did_you_mean(parameter, [*known, *COMMON])} It takes: {takes}")
    _require_one_of("dynamics", dynamics, get_args(Dynamics))
    _require_one_of("rewards", rewards, get_args(Rewards))
    require_count("episode_length", episode_length, 1, LONGEST_EPISODE)
    if rewards == "openai" and "local_ratio" in parameters:
        raise ValueError("local_ratio has no part in rewards='openai', where all agents share one sum; leave it out, or use rewards='mpe2'")
    scenario = make(dynamics=dynamics, rewards=rewards, **parameters)
    if terminate_on_success and scenario.success is None:
        raise ValueError(f"{name} has no terminate_on_success: its agents are never done; leave it out")
    if action_mode is None:
        action_mode = scenario.action_modes[0]
    if name == "simple_crypto" and action_mode == "box":
        raise ValueError(
            "simple_crypto has no action_mode='box': an all-zero guess is not scored, so a silent Eve would lose nothing and spoil the "
            "game; use action_mode='simplex' or 'discrete'"
        )
    _require_one_of("action_mode", action_mode, scenario.action_modes)
    return replace(
        scenario,
        action_mode=cast(ActionMode, action_mode),
        episode_length=episode_length,
        terminate_on_success=terminate_on_success,
    )


def scenario_name(name: str) -> str:
    """The name without a version (`simple_tag_v3`); ValueError, with the nearest right name, if there is no such scenario."""
    plain = re.sub(r"_v\d+$", "", name)
    if plain not in SCENARIOS:
        raise ValueError(f"there is no particle world {name!r}{did_you_mean(plain, list(SCENARIOS))} There are: {', '.join(SCENARIOS)}")
    return plain


def _require_one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: must be one of {', '.join(map(repr, allowed))}")
