"""What an environment says about itself before it is played: how it is built, its agents and their spaces."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from maddpg.environments.conformance.findings import Findings
from maddpg.environments.foreign.describing import check_reset, find_agents, find_space
from maddpg.environments.foreign.observations import describe_observation
from maddpg.environments.foreign.opening import from_pettingzoo
from maddpg.environments.foreign.reading import Player
from maddpg.environments.foreign.single import SingleAgent
from maddpg.environments.foreign.spaces import describe_action
from maddpg.environments.host import describe_value
from maddpg.spaces.packing import unpack

Mover = Callable[[], Hashable]


@dataclass(frozen=True)
class Subject:
    """One agent as it is checked."""

    key: Hashable
    observation_space: gymnasium.Space | None
    action_space: gymnasium.Space | None
    player: Player | None
    """The agent as training sees it; None where its spaces are not supported."""

    def act(self, generator: np.random.Generator, mask: np.ndarray | None) -> Any:
        """Something at random, among what the mask [action] allows."""
        if self.player is None:
            assert self.action_space is not None, "nobody without actions is played"
            self.action_space.seed(int(generator.integers(2**31)))  # or an episode that is played again would have other actions
            return self.action_space.sample()
        row = generator.uniform(-1, 1, self.player.action.size)
        if mask is not None and mask.any():
            row[~mask] = -np.inf  # the largest column of a choice is what is chosen
        return unpack(self.player.action, row)


def unfold(environment: Any, name: str) -> tuple[Any, Mover | None]:
    """The environment in a parallel form, and who is to move in a game in turns. Raises ValueError for what is no environment."""
    return (SingleAgent(environment), None) if isinstance(environment, gymnasium.Env) else from_pettingzoo(environment, name)


def check_agents(environment: Any, name: str, findings: Findings) -> list[Hashable]:
    """All agents that there may be; none where they cannot be told."""
    try:
        check_reset(environment, name)
    except ValueError as error:
        findings.refuse(error)
    try:
        agents = find_agents(environment, name)
    except ValueError as error:
        findings.refuse(error)
        return []
    for agent in agents:
        if not isinstance(agent, str):
            findings.add(
                "warning",
                f"the name {agent!r} is of type {type(agent).__name__}; results and settings will call it {str(agent)!r}",
                "name agents by words, such as 'walker_0': what stands before the number is the team",
                agent,
            )
    return agents


def check_spaces(environment: Any, agents: Sequence[Hashable], findings: Findings) -> list[Subject]:
    """Every agent with the spaces that it has."""
    return [_check_agent(environment, agent, findings) for agent in agents]


def _check_agent(environment: Any, agent: Hashable, findings: Findings) -> Subject:
    spaces: dict[str, gymnasium.Space] = {}
    for kind in ("observation_space", "action_space"):
        try:
            spaces[kind] = find_space(environment, kind, agent)
            again = find_space(environment, kind, agent)
        except ValueError as error:
            findings.refuse(error, agent)
            continue
        if again != spaces[kind]:
            what = f"{kind}(agent) is {describe_value(spaces[kind])} at one call and {describe_value(again)} at the next"
            findings.add("error", what, "keep to one space for each agent", agent)
        elif again is not spaces[kind]:
            findings.add("note", f"{kind}(agent) makes a new space at each call", "make it once, or put functools.cache before it", agent)
    described: dict[str, Any] = {}
    for kind, describe in (("observation_space", describe_observation), ("action_space", describe_action)):
        if kind in spaces:
            try:
                described[kind] = describe(spaces[kind], str(agent))
            except ValueError as error:
                findings.refuse(error, agent)
    player = None
    if len(described) == 2:
        player = Player(agent, described["observation_space"], described["action_space"])
    return Subject(agent, spaces.get("observation_space"), spaces.get("action_space"), player)


def check_after_reset(environment: Any, subjects: Sequence[Subject], findings: Findings) -> None:
    """Spaces are the same before the first reset and after it."""
    for subject in subjects:
        for kind, before in (("observation_space", subject.observation_space), ("action_space", subject.action_space)):
            if before is not None and (after := find_space(environment, kind, subject.key)) != before:
                what = f"the {kind} is {describe_value(before)} before a reset and {describe_value(after)} after it"
                findings.add("error", what, "keep to one space for each agent", subject.key)


def check_gymnasium(environment: gymnasium.Env, name: str, findings: Findings) -> bool:
    """Whether resets and steps give as many values as Gymnasium asks for: those of the old Gym would be taken for others."""
    try:
        check_reset(environment, name)
    except ValueError as error:
        findings.refuse(error)
        return False
    told: Any = environment.reset(seed=0)
    if not (isinstance(told, tuple) and len(told) == 2 and isinstance(told[1], dict)):
        findings.add("error", f"reset gave {describe_value(told)}", "return observation, info; info may be {}", step=0)
        return False
    stepped: Any = environment.step(environment.action_space.sample())
    if not (isinstance(stepped, tuple) and len(stepped) == 5):
        count = f"{len(stepped)} values" if isinstance(stepped, tuple) else describe_value(stepped)
        remedy = "return observation, reward, terminated, truncated, info: where the old Gym had done, say which of the two it is"
        findings.add("error", f"step gave {count}", remedy, step=1)
        return False
    return True
