"""From the dictionaries that a parallel environment gives, by agent, to padded arrays; what cannot be trained on is a `Breach`."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maddpg.environments.foreign.observations import Observation
from maddpg.environments.host import describe_value
from maddpg.spaces.kinds import Space
from maddpg.spaces.masks import KEY, first_options, leaves_nothing, read_mask

Rows = Mapping[Hashable, Any]
"""Values by agent, under the environment's own keys."""


@dataclass(frozen=True)
class Player:
    """One agent: the environment's key for it, and its spaces in our terms."""

    key: Hashable
    observation: Observation
    action: Space


class Breach(ValueError):
    """An environment breaks its contract: who, and how. The caller knows the step."""

    def __init__(self, who: object, complaint: str) -> None:
        super().__init__(complaint)
        self.who = str(who)


def read_present(players: Sequence[Player], agents: Iterable[Hashable]) -> np.ndarray:
    """[agent] bool: who stands in `agents`."""
    there = set(agents)
    _check_known(players, there, "stands in agents")
    return np.array([player.key in there for player in players])


def read_observations(players: Sequence[Player], width: int, observations: Rows, wanted: np.ndarray, spared: np.ndarray) -> np.ndarray:
    """[agent, observation] float32, zeros for those who are not wanted; the spared [agent] may be missing."""
    _check_known(players, observations, "has an observation")
    told = np.zeros((len(players), width), np.float32)
    with np.errstate(over="ignore"):  # told below, as infinite
        for index in np.flatnonzero(wanted).tolist():
            player = players[index]
            if player.key in observations:
                try:
                    told[index, : player.observation.size] = player.observation.pack(observations[player.key])
                except ValueError as error:
                    raise Breach(player.key, f"{error}; give all observations of an agent the shape and type of its space") from error
            elif not spared[index]:
                raise Breach(player.key, "has no observation; give one to all in agents, and a last one to those whom the step truncates")
    if not np.isfinite(told).all():
        index, column = np.argwhere(~np.isfinite(told))[0].tolist()
        raise Breach(players[index].key, f"the observation is {told[index, column]} in column {column}; it must be finite")
    return told


def read_masks(
    players: Sequence[Player],
    width: int,
    observations: Rows,
    infos: Rows,
    deciding: np.ndarray,
    truncated: np.ndarray,
    mover: Hashable | None,
) -> np.ndarray:
    """[agent, action] bool: what may be done next.

    Args:
        players: in the order of the agent axis.
        width: columns of a padded action.
        observations: with the mask under its key where the space has that.
        infos: with the mask under the same key where observations have none; without one, all is allowed.
        deciding: [agent] bool, who acts next; each must be left an option in each choice.
        truncated: [agent] bool, whose value goes on beyond an end; a mask that leaves them nothing means nothing.
        mover: who is to move, where the others only look on.
    """
    mask = np.ones((len(players), width), bool)
    for index in np.flatnonzero(deciding | truncated).tolist():
        player, space = players[index], players[index].action
        if mover is not None and player.key != mover:
            mask[index, : space.size] = first_options(space)
            continue
        given = find_mask(player, observations, infos)
        if given is None:
            if player.observation.masked:
                raise Breach(player.key, f"the observation has no {KEY}, though its space has; give one in every observation")
            continue
        try:
            allowed = read_mask(space, given)
        except ValueError as error:
            raise Breach(player.key, str(error)) from error
        if not leaves_nothing(space, allowed):
            mask[index, : space.size] = allowed
        elif deciding[index]:
            raise Breach(
                player.key, f"the action mask {describe_value(given)} forbids every option of a choice; allow one, or end the agent"
            )
    return mask


def find_mask(player: Player, observations: Rows, infos: Rows) -> Any:
    """The action mask of an agent as the environment gives it; None if there is none."""
    source = observations.get(player.key) if player.observation.masked else infos.get(player.key)
    return source.get(KEY) if isinstance(source, Mapping) else None


def read_rewards(players: Sequence[Player], rewards: Rows, acted: np.ndarray) -> np.ndarray:
    """[agent] float32, of those who acted."""
    _check_given(players, rewards, acted, "reward")
    earned = np.zeros(len(players), np.float32)
    with np.errstate(over="ignore"):  # told below, as infinite
        for index in np.flatnonzero(acted).tolist():
            value = rewards[players[index].key]
            try:
                earned[index] = np.asarray(value).item()
            except (TypeError, ValueError):
                raise Breach(players[index].key, f"the reward is {describe_value(value)}; it must be one number") from None
    if not np.isfinite(earned).all():
        key = players[int(np.argmin(np.isfinite(earned)))].key
        raise Breach(key, f"the reward is {describe_value(rewards[key])}; it must be finite")
    return earned


def read_ends(players: Sequence[Player], ends: Rows, acted: np.ndarray, kind: str) -> np.ndarray:
    """[agent] bool: whose `termination` or `truncation` (the kind) is set."""
    _check_given(players, ends, acted, kind)
    over = np.zeros(len(players), bool)
    for index, player in enumerate(players):
        value = ends.get(player.key, False)
        try:
            over[index] = read_end(value)
        except ValueError:
            raise Breach(player.key, f"the {kind} is {describe_value(value)}; it must be true or false") from None
    return over


def read_end(value: Any) -> bool:
    """Whether an end is set; raises ValueError for an array of more than one."""
    return bool(np.asarray(value).item())


def read_state(state: Any, size: int) -> np.ndarray:
    """[state] float32."""
    with np.errstate(over="ignore"):
        flat = np.asarray(state, np.float32).ravel()
    if flat.size != size:
        raise Breach("state()", f"it has {flat.size} values and had {size} after the first reset; keep to one size")
    if not np.isfinite(flat).all():
        column = int(np.argmin(np.isfinite(flat)))
        raise Breach("state()", f"it is {flat[column]} in column {column}; it must be finite")
    return flat


def _check_known(players: Sequence[Player], keys: Iterable[Hashable], deed: str) -> None:
    """All keys are agents."""
    for key in set(keys).difference(player.key for player in players):
        raise Breach(key, f"it {deed} and is missing in possible_agents; list everyone there who may ever take part")


def _check_given(players: Sequence[Player], values: Rows, acted: np.ndarray, kind: str) -> None:
    """All who acted have a value."""
    for player, there in zip(players, acted, strict=True):
        if there and player.key not in values:
            raise Breach(player.key, f"acted and got no {kind}; a step must give one to all who acted")
