"""A parallel environment of PettingZoo behind the contract of the host: dictionaries by agent in, padded arrays out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from maddpg.environments.foreign.describing import check_reset, declared_length, find_agents, find_space
from maddpg.environments.foreign.observations import describe_observation
from maddpg.environments.foreign.reading import (
    Breach,
    Player,
    Rows,
    find_mask,
    read_ends,
    read_masks,
    read_observations,
    read_present,
    read_rewards,
    read_state,
)
from maddpg.environments.foreign.spaces import action_heads, describe_action
from maddpg.environments.host import BadEnvironment, HostStep, describe_value
from maddpg.environments.teams import team_of
from maddpg.spaces.packing import unpack
from maddpg.types import AgentSpec, EnvSpec

DEFAULT_TIME_LIMIT = 1000
RESET = ("observations", "infos")
STEP = ("observations", "rewards", "terminations", "truncations", "infos")


class Parallel:
    """A `HostEnvironment` over a parallel environment of PettingZoo, or over anything of its form.

    The agent axis is `possible_agents`, in order. Alive is who stands in `agents` after a reset or a step and did not end with it. Agents
    may come late, and come back. Who did not act earns nothing. An end that is both is a termination. Numbers outside a declared
    observation space are let through; what cannot be trained on, as a choice that there is not, raises `BadEnvironment`.
    """

    def __init__(
        self,
        name: str,
        environment: Any,
        time_limit: int | None = None,
        with_state: bool = False,
        mover: Callable[[], Hashable] | None = None,
    ) -> None:
        """Describe the environment, by its spaces and one reset.

        Args:
            name: how it is called in `spec` and in errors.
            environment: `possible_agents`, `agents`, `observation_space`, `action_space`, `reset`, `step`, `close`; `state` if asked for.
            time_limit: after so many steps all who live are truncated; None: whenever the environment does so, at the latest after
                `DEFAULT_TIME_LIMIT` steps, or after as many as the environment declares if that is more.
            with_state: whether steps carry the environment's own `state()`.
            mover: tells who is to move, in a game in turns; the others look on, with a single option in each choice.

        Raises:
            ValueError: agents, spaces or state that are missing or not supported, in one line.
        """
        self._environment = environment
        self._name = name
        self._mover = mover
        self._with_state = with_state
        self._clock = 0
        check_reset(environment, name)
        keys = find_agents(environment, name)
        self._players = [self._describe(key) for key in keys]
        self._keys = {str(key): key for key in keys}
        self._alive = np.zeros(len(keys), bool)
        spaces = self._spaces(keys)
        try:
            observations, infos = self._unpack(environment.reset(seed=0), RESET)
        except Breach as breach:
            raise self._blame(breach) from breach
        for (key, kind, before), (_, _, after) in zip(spaces, self._spaces(keys), strict=True):
            if before != after:
                raise ValueError(
                    f"{key}: the {kind} is {describe_value(before)} before a reset and {describe_value(after)} after it; keep to one"
                )
        declared = declared_length(environment)
        if declared is not None and mover is not None:
            declared *= len(keys)  # rounds, where a step is the move of one agent
        self._limit = time_limit or max(declared or 0, DEFAULT_TIME_LIMIT)
        self._spec = EnvSpec(
            name=self._name,
            agents=tuple(
                AgentSpec(str(player.key), team_of(str(player.key)), player.observation.size, action_heads(player.action))
                for player in self._players
            ),
            state_size=self._measure_state(),
            episode_length=time_limit or declared or DEFAULT_TIME_LIMIT,
            mortal=len(keys) > 1,
            masked=mover is not None
            or any(player.observation.masked or find_mask(player, observations, infos) is not None for player in self._players),
        )

    @property
    def spec(self) -> EnvSpec:
        """Names, teams and sizes of its agents; `mortal`, unless there is only one: its end is the episode's."""
        return self._spec

    def reset(self, seed: int | None) -> HostStep:
        """Begin an episode; with a seed, the same one each time, if the environment keeps to it."""
        self._clock = 0
        count = len(self._players)
        result = self._environment.reset(seed=seed)
        try:
            observations, infos = self._unpack(result, RESET)
            present = self._present()
            if not present.any():
                raise Breach("the environment", "nobody stands in agents; a reset must put those there who begin")
            return self._tell(observations, infos, np.zeros(count, np.float32), np.zeros(count, bool), np.zeros(count, bool), present)
        except Breach as breach:
            raise self._blame(breach) from breach

    def step(self, action: np.ndarray) -> HostStep:
        """One step with actions [agent, action], each agent's spaces side by side; rows of the absent are not read."""
        acted = self._alive
        assert acted.any(), "the episode is over: reset first"
        self._clock += 1
        chosen = {player.key: unpack(player.action, row) for player, row, acts in zip(self._players, action, acted, strict=True) if acts}
        result = self._environment.step(chosen)
        try:
            observations, rewards, terminations, truncations, infos = self._unpack(result, STEP)
            present = self._present()
            died = read_ends(self._players, terminations, acted, "termination")
            ended = died | read_ends(self._players, truncations, acted, "truncation")
            if self._mover is not None:
                # A game in turns keeps those who ended in agents until their turn comes, and until then they earn.
                ended &= ~present
            for index in np.flatnonzero(acted & ~present & ~ended).tolist():
                # A guess would be a wrong value, without a sign of it.
                raise Breach(
                    self._players[index].key, "left agents without an end; set its termination in that step, or truncation if time was up"
                )
            earned = read_rewards(self._players, rewards, acted)
            return self._tell(observations, infos, earned, acted & ended & died, acted & ended & ~died, present & ~ended)
        except Breach as breach:
            raise self._blame(breach) from breach

    @property
    def players(self) -> Sequence[Player]:
        """All agents, with their spaces in our terms."""
        return self._players

    def pack(self, observations: Mapping[str, Any], infos: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Observations by name, as the environment gives them, as arrays: [agent, observation], who has one, and what is allowed.

        Raises ValueError for what does not fit. Nothing is played.
        """
        seen, told = ({self._keys.get(name, name): value for name, value in given.items()} for given in (observations, infos))
        players, nobody = self._players, np.zeros(len(self._players), bool)
        try:
            there = read_present(players, seen)
            rows = read_observations(players, self._spec.observation_width, seen, there, spared=nobody)
            return rows, there, read_masks(players, self._spec.action_width, seen, told, there, nobody, None)
        except Breach as breach:
            raise ValueError(f"{breach.who}: {breach}") from breach

    def unpack(self, action: np.ndarray, names: Iterable[str]) -> dict[str, Any]:
        """Actions [agent, action] of those who are named, as the environment takes them."""
        wanted = set(names)
        players = zip(self._spec.names, self._players, action, strict=True)
        return {name: unpack(player.action, row) for name, player, row in players if name in wanted}

    def close(self) -> None:
        """Give back what the environment holds."""
        self._environment.close()

    def _tell(
        self, observations: Rows, infos: Rows, reward: np.ndarray, terminated: np.ndarray, truncated: np.ndarray, deciding: np.ndarray
    ) -> HostStep:
        """What a reset or a step led to, where `deciding` [agent] go on; and the end of what takes too long."""
        timely = self._clock < self._limit
        if not timely:
            deciding = deciding & self._alive  # for one who comes now there is nothing left to cut off
        wanted = deciding | terminated | truncated
        mover = self._mover() if self._mover is not None and deciding.any() else None
        spec, players = self._spec, self._players
        told = read_observations(players, spec.observation_width, observations, wanted, spared=terminated)
        mask = read_masks(players, spec.action_width, observations, infos, deciding, truncated, mover)
        if not spec.masked and not mask.all():
            raise Breach("the environment", "gives an action mask, and gave none at its first reset; give one from the reset on")
        state = read_state(self._environment.state(), spec.state_size) if self._with_state else np.zeros(0, np.float32)
        self._alive = deciding if timely else np.zeros_like(deciding)
        return HostStep(told, state, reward, terminated, truncated if timely else truncated | deciding, self._alive, mask)

    def _describe(self, key: Hashable) -> Player:
        """An agent, by its spaces."""
        action = describe_action(find_space(self._environment, "action_space", key), str(key))
        return Player(key, describe_observation(find_space(self._environment, "observation_space", key), str(key)), action)

    def _spaces(self, keys: list[Hashable]) -> list[tuple[Hashable, str, Any]]:
        """Every agent's two spaces, as they are now."""
        return [(key, kind, find_space(self._environment, kind, key)) for key in keys for kind in ("observation_space", "action_space")]

    def _present(self) -> np.ndarray:
        """[agent] bool: who stands in `agents` now."""
        return read_present(self._players, self._environment.agents)

    def _measure_state(self) -> int:
        """Size of the state, if it is asked for."""
        if not self._with_state:
            return 0
        try:
            return np.asarray(self._environment.state(), np.float32).size
        except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
            raise ValueError(
                f'{self._name} has no state() that is an array of numbers ({error!r}); define it, or leave critic_input = "observations"'
            ) from error

    def _unpack(self, result: Any, parts: tuple[str, ...]) -> tuple[Rows, ...]:
        """The dictionaries of a reset or a step."""
        if not isinstance(result, tuple) or len(result) != len(parts) or not all(isinstance(part, Mapping) for part in result):
            raise Breach(
                "the environment", f"it gave {describe_value(result)}; it must give {', '.join(parts)}, each a dictionary by agent"
            )
        return result

    def _blame(self, breach: Breach) -> BadEnvironment:
        """The error for whoever uses the environment."""
        when = f"step {self._clock} of the episode" if self._clock else "reset"
        return BadEnvironment(f"{self._name}, {breach.who}, {when}: {breach}")
