"""Whole episodes in environments in Python, for any mix of players and any number of seeds."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import jax
import numpy as np

from maddpg.algorithm.availability import availability
from maddpg.algorithm.state import Algorithm
from maddpg.environments.vector import Vector
from maddpg.evaluation.players import Player, SubPolicy, chosen_actions, episode_sub_policies, still_actions
from maddpg.evaluation.rollout import Episodes
from maddpg.types import Availability, PyTree


class HostPlayers:
    """Plays in environments that are kept from call to call; every call begins with the same episodes, unless it says otherwise."""

    def __init__(self, algorithm: Algorithm, open_vector: Callable[[], Vector], sub_policy: SubPolicy = "drawn") -> None:
        """`open_vector` starts the environments, once they are needed; `sub_policy` says who of an ensemble plays."""
        self._algorithm, self._open, self._sub_policy = algorithm, open_vector, sub_policy
        self.still = still_actions(algorithm)
        """[agent, action], what those do who stand still; it may be put to any constant action."""

    def play(
        self, actor: PyTree, players: np.ndarray, episodes: int, tell: Callable[[int], None] = lambda _: None, first: int = 0
    ) -> Episodes:
        """So many episodes with the actors of every seed, [seed, agent, ...].

        Every environment plays its share of the episodes, so that short ones do not count for more. An episode that is lost is made up
        for by another one, from another beginning. `tell` hears of episodes as they end; `first` is the number of every
        environment's first one.

        Returns:
            Returns [seed, episode, agent], and how many were lost, [seed]; of one seed for all if nobody plays what it learned. There are
            no metrics.

        Raises:
            BadEnvironment, EnvironmentFailed: as `Vector.receive`.
        """
        count = len(jax.tree.leaves(actor)[0]) if (players == Player.LEARNED).any() else 1
        seeds = [jax.tree.map(lambda leaf, row=row: leaf[row], actor) for row in range(count)]
        returns, lost = zip(*(self._play_one(each, players, episodes, tell, first) for each in seeds), strict=True)
        return Episodes(np.stack(returns), {}, np.array(lost))

    def close(self) -> None:
        """End the worker processes."""
        if "_vector" in self.__dict__:
            self._vector.close()
            del self._vector

    @cached_property
    def _vector(self) -> Vector:
        return self._open()

    @cached_property
    def _decide(self) -> Callable[..., jax.Array]:
        def decide(
            actor: PyTree,
            still: jax.Array,
            players: jax.Array,
            observation: jax.Array,
            there: Availability,
            clock: jax.Array,
            who: jax.Array | None,
        ) -> jax.Array:
            key = jax.random.fold_in(jax.random.key(0), clock)
            return chosen_actions(self._algorithm, still, actor, players, observation, there, key, None, who)

        return jax.jit(decide)

    def _play_one(
        self, actor: PyTree, players: np.ndarray, episodes: int, tell: Callable[[int], None], first: int
    ) -> tuple[np.ndarray, int]:
        """The returns of one seed, [episode, agent], and how many episodes were lost."""
        vector, lost = self._vector, 0
        share = np.full(vector.count, episodes // vector.count) + (np.arange(vector.count) < episodes % vector.count)
        done: list[list[np.ndarray]] = [[] for _ in range(vector.count)]
        step, returns, clock = vector.reset(first), np.zeros((vector.count, len(players))), 0
        who = self._draw(clock, vector.count)
        while any(len(mine) < wanted for mine, wanted in zip(done, share, strict=True)):
            there = availability(self._algorithm.spec, step.alive, step.action_mask)
            step = vector.step(np.asarray(self._decide(actor, self.still, players, step.observation, there, clock, who)))
            returns += step.reward
            lost += int(np.sum(step.lost & (np.array([len(mine) for mine in done]) < share)))
            for index in np.flatnonzero(step.ended):
                if len(done[index]) < share[index]:
                    done[index].append(returns[index].copy())
                    tell(1)
            begins, clock = step.ended | step.lost, clock + 1
            returns[begins] = 0.0
            fresh = self._draw(clock, vector.count) if begins.any() else None
            if who is not None and fresh is not None:
                who = np.where(begins[:, None], fresh, who)
        return np.array([each for mine in done for each in mine]), lost

    def _draw(self, clock: int, count: int) -> np.ndarray | None:
        """Who of an ensemble plays episodes that begin now, [environment, agent]."""
        drawn = episode_sub_policies(self._algorithm, self._sub_policy, jax.random.fold_in(jax.random.key(1), clock), count)
        return None if drawn is None else np.asarray(drawn)
