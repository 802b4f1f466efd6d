"""What agents see and do, described so that it can be written down: from an environment to `maddpg.spaces`."""

from __future__ import annotations

from dataclasses import dataclass

from maddpg.environments.contract import Environment
from maddpg.environments.host import HostEnvironment, HostWorld, describe_value
from maddpg.environments.host_channel import Talking
from maddpg.policy.description import Masks
from maddpg.spaces.kinds import Columns, Product, Space
from maddpg.types import EnvSpec


@dataclass(frozen=True)
class Spaces:
    """Of one agent."""

    observation: Space
    action: Space
    action_mask: Masks


def describe_spaces(environment: Environment | HostWorld) -> dict[str, Spaces]:
    """Every agent's spaces by its name. One in Python is made, looked at and closed.

    Raises:
        ValueError: a space that cannot be written down.
    """
    if isinstance(environment, Environment):
        return _columns(environment.spec)
    made = environment.factory()
    try:
        return _describe_host(environment.spec, made)
    finally:
        made.close()


def _columns(spec: EnvSpec) -> dict[str, Spaces]:
    """Worlds on the device: vectors in and out."""
    masks: Masks = "given" if spec.masked else "none"
    return {agent.name: Spaces(Columns(agent.observation_size), Columns(agent.action_size), masks) for agent in spec.agents}


def _describe_host(spec: EnvSpec, made: HostEnvironment) -> dict[str, Spaces]:
    if isinstance(made, Talking):
        inner = _describe_host(made.inner.spec, made.inner)
        return {agent.name: _with_messages(inner[agent.name], agent.observation_size, agent.action_size) for agent in spec.agents}
    from maddpg.environments.foreign.parallel import Parallel

    if not isinstance(made, Parallel):
        return _columns(spec)
    masks: Masks = "given" if spec.masked else "none"
    described = {}
    for name, player in zip(spec.names, made.players, strict=True):
        seen = player.observation
        for space in (seen.space, player.action):
            _require_text(space, name)
        described[name] = Spaces(seen.space, player.action, "observed" if seen.masked else masks)
    return described


def _with_messages(spaces: Spaces, observation_size: int, action_size: int) -> Spaces:
    """With what a channel adds: the mail after the observation, the message after the action, each as columns."""
    mail, message = observation_size - spaces.observation.size, action_size - spaces.action.size
    return Spaces(
        Product((spaces.observation, Columns(mail))) if mail else spaces.observation,
        Product((spaces.action, Columns(message, maskable=False))) if message else spaces.action,
        # Beside mail, a mask within the observation is out of sight.
        "given" if mail and spaces.action_mask == "observed" else spaces.action_mask,
    )


def _require_text(space: Space, agent: str) -> None:
    """Raise ValueError for parts under names that cannot be written down."""
    if isinstance(space, Product):
        for name in space.names or ():
            if not isinstance(name, str):
                raise ValueError(
                    f"{agent}: its space has a part called {describe_value(name)}, of type {type(name).__name__}; only text can be written "
                    "down as a name"
                )
        for part in space.parts:
            _require_text(part, agent)
