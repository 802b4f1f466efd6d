"""Many runs crossed: who comes from which run, everybody's returns, and the line-ups in which they meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Int

from maddpg.evaluation.crossing import PlayLineUps, play_pairings, pool
from maddpg.names import unknown_name
from maddpg.types import EnvSpec, PyTree

LARGEST = 4 * 2**30  # bytes of returns


@dataclass(frozen=True)
class Entrant:
    """A run that takes part with all its seeds, each of them a whole team of teams."""

    name: str
    seeds: tuple[int, ...]
    actors: PyTree  # [seed, agent, member, ...], of the one network that all entrants share
    players: np.ndarray  # [agent], who plays each agent if not its actor


@dataclass(frozen=True)
class Places:
    """Who comes from the row's run, who from the column's, and whose returns are told."""

    rows: tuple[np.ndarray, ...]  # [agent] bool each: those who come from the row's run; of more than one, all are played in turn
    roles: tuple[str, str]  # what those from the row's run are called, and those from the column's
    sides: dict[str, np.ndarray]  # name -> [agent] bool: whose mean return is told. Two sides stand against each other, one plays together


@dataclass(frozen=True)
class Meetings:
    """The returns of every policy beside every other's: a policy is one seed of an entrant."""

    environment: str
    entrants: tuple[tuple[str, tuple[int, ...]], ...]  # name and seeds of each
    roles: tuple[str, str]  # as in `Places`
    sides: tuple[str, ...]
    returns: np.ndarray  # [row policy, column policy, episode, side] float32: mean over a side's agents and over the places

    @property
    def owner(self) -> Int[np.ndarray, " policy"]:
        """The number of each policy's entrant."""
        return np.repeat(np.arange(len(self.entrants)), [len(seeds) for _, seeds in self.entrants])

    @property
    def episodes(self) -> int:
        """Of every pairing."""
        return self.returns.shape[2]

    @property
    def policies(self) -> list[dict[str, Any]]:
        """Run and seed of each policy."""
        return [{"run": name, "seed": seed} for name, seeds in self.entrants for seed in seeds]


def choose_places(spec: EnvSpec, rows: Sequence[str] = ()) -> Places:
    """Who comes from the row's run.

    Left open, it is the first of two teams; in a world of one team each agent in turn, with all the others from the column's run.

    Args:
        spec: of the environment.
        rows: teams or agents.

    Raises:
        ValueError: a name that is no team or agent, or nobody is left on one of the two sides.
    """
    if spec.agent_count == 1:
        raise ValueError(f"{spec.name} has one agent, and nobody whom it could meet; `maddpg compare` compares its runs")
    names = [(agent.name, agent.team) for agent in spec.agents]
    for name in rows:
        if not any(name in pair for pair in names):
            raise ValueError(unknown_name("team or agent", name, [*spec.teams, *spec.names]))
    if not rows and len(spec.teams) > 2:
        raise ValueError(
            f"{spec.name} has {len(spec.teams)} teams: say with --rows who comes from the row's run, of {', '.join(spec.teams)}; "
            "the others come from the column's"
        )
    chosen = rows or ((spec.teams[0],) if len(spec.teams) == 2 else ())
    mine = np.array([any(name in pair for name in chosen) for pair in names])
    if mine.all():
        raise ValueError(f"--rows {' '.join(rows)}: these are all agents of {spec.name}, and nobody is left for the columns; name fewer")
    if len(spec.teams) == 1:
        turns = (mine,) if rows else tuple(np.eye(spec.agent_count, dtype=bool))
        roles = (_side(spec, mine), _side(spec, ~mine)) if rows else ("one agent", "the others")
        return Places(turns, roles, {spec.teams[0]: np.ones(spec.agent_count, bool)})
    roles = (_side(spec, mine), _side(spec, ~mine))
    return Places((mine,), roles, dict(zip(roles, (mine, ~mine), strict=True)))


def meet(
    environment: str,
    places: Places,
    entrants: Sequence[Entrant],
    size: int,
    play: PlayLineUps,
    episodes: int,
    tell: Callable[[int], None] = lambda _: None,
) -> Meetings:
    """Play every policy of every entrant beside every other's, from the same starts.

    Args:
        environment: its name.
        places: who comes from where.
        entrants: at least two policies.
        size: members that the actors are given, a multiple of each entrant's.
        play: where.
        episodes: of each line-up.
        tell: hears how many episodes have just been played.

    Raises:
        ValueError: there is nobody to meet, or the returns would not fit into memory.
    """
    count = sum(len(entrant.seeds) for entrant in entrants)
    if count < 2:
        raise ValueError("there is one run of one seed, and nobody whom it could meet; give another run")
    line_ups = len(places.rows) * count**2
    taken = 4 * line_ups * episodes * len(places.rows[0])
    if taken > LARGEST:
        raise ValueError(
            f"{line_ups:_} pairings of {episodes:_} episodes take {taken / 2**30:.1f} GiB: give fewer episodes or runs; "
            f"{int(LARGEST / taken * episodes):_} episodes would fit"
        )
    row, column = (axis.ravel() for axis in np.indices((count, count)))
    chosen = np.concatenate([np.where(mine, row[:, None], column[:, None]) for mine in places.rows])
    policies = pool([entrant.actors for entrant in entrants], size)
    players = np.concatenate([np.tile(entrant.players, (len(entrant.seeds), 1)) for entrant in entrants])
    returns = play_pairings(play, policies, players, chosen, episodes, tell)
    by_side = np.stack([returns[..., mask].mean(axis=-1) for mask in places.sides.values()], axis=-1)
    by_place = by_side.reshape(len(places.rows), count, count, episodes, len(places.sides))
    about = tuple((entrant.name, entrant.seeds) for entrant in entrants)
    return Meetings(environment, about, places.roles, tuple(places.sides), by_place.mean(axis=0))


def yardstick(name: str, players: np.ndarray, like: Entrant) -> Entrant:
    """An entrant that plays no actor at all, such as random play; `like` is another one, of whose networks it has empty ones."""
    return Entrant(name, (0,), jax.tree.map(lambda leaf: np.zeros_like(leaf[:1]), like.actors), players)


def _side(spec: EnvSpec, mine: Bool[np.ndarray, " agent"]) -> str:
    """What a part of the agents is called: their teams, where these are whole, else their names."""
    teams = [team for team in spec.teams if all(mine[row] for row, agent in enumerate(spec.agents) if agent.team == team)]
    whole = [agent.name for row, agent in enumerate(spec.agents) if mine[row] and agent.team not in teams]
    return ", ".join([*teams, *whole])
