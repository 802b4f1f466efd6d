"""What a scenario is: its bodies, and functions of a world. All of them are for one world; batches come from `vmap`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from maddpg.names import brief
from maddpg.particles.actions import ACTION_MODES, Intention
from maddpg.particles.world import Bodies, World
from maddpg.types import ActionMode, Aggregate

LONGEST_EPISODE = 2**31 - 1  # clocks live in 32 bits on the device


@dataclass(frozen=True)
class Scenario:
    """One of the particle worlds. Made by `make_scenario`."""

    name: str
    bodies: Bodies
    reset: Callable[[jax.Array], World]
    """key -> a new world."""
    observe: Callable[[World], tuple[jax.Array, ...]]
    """World -> observations, one array [member, observation] for each group of agents that see alike, in the order of agents."""
    reward_terms: Callable[[World], dict[str, jax.Array]]
    """World -> the parts, each [agent], whose sum is the reward."""
    metrics: Callable[[World], dict[str, jax.Array]]
    """World -> measures of this step, each a scalar or [agent]."""
    aggregates: Mapping[str, Aggregate]
    """How each measure becomes one number for an episode."""
    script: Callable[[jax.Array, World], Intention]
    """(key, world) -> what hand-written players would do. They see the whole world."""
    choices: Mapping[str, int] = field(default_factory=dict)
    """What each entry of `World.choice` is, and how many options it has."""
    action_modes: tuple[ActionMode, ...] = ACTION_MODES
    """The modes that make sense here, the default first."""
    action_mode: ActionMode = "box"
    episode_length: int = 25
    success: str | None = None
    """The metric that is true where the agents have done what they were to do, if there is such a thing."""
    terminate_on_success: bool = False
    """Whether an episode ends, for good, when `success` is true for all."""


def reward(scenario: Scenario, world: World) -> Float[Array, " agent"]:
    """The reward of each agent: the sum of the scenario's terms."""
    return sum(scenario.reward_terms(world).values(), start=jnp.zeros((), world.position.dtype))


def observation_sizes(scenario: Scenario) -> tuple[int, ...]:
    """True columns of each agent's observation."""
    groups = jax.eval_shape(lambda key: scenario.observe(scenario.reset(key)), jax.random.key(0))
    return tuple(group.shape[1] for group in groups for _ in range(group.shape[0]))


def padded_observation(scenario: Scenario, world: World) -> Float[Array, "agent observation"]:
    """Observations of all agents, padded with zeros to the widest."""
    groups = scenario.observe(world)
    width = max(group.shape[1] for group in groups)
    return jnp.concatenate([jnp.pad(group, ((0, 0), (0, width - group.shape[1]))) for group in groups])


def require_count(name: str, value: object, least: int, most: int = 1_000) -> None:
    """Raise ValueError unless `value` is a whole number from `least` to `most`: a world's bodies are counted before they take memory."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name}={value!r}: must be a whole number of at least {least}; pass e.g. {name}={max(least, 1)}")
    if value > most:
        raise ValueError(f"{name}={brief(value)}: must be at most {most:_}")


def require_positive(name: str, value: object) -> None:
    """Raise ValueError unless `value` is a finite number above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"{name}={value!r}: must be a finite number above 0; pass e.g. {name}=1.0")


def require_share(name: str, value: object) -> None:
    """Raise ValueError unless `value` lies in [0, 1]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{name}={value!r}: must lie in [0, 1]; pass e.g. {name}=0.5")
