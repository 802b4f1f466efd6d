"""Playing in the real mpe2 package, in Python, so that scores can be compared with anybody's."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

from maddpg.algorithm.state import Algorithm
from maddpg.config import Config
from maddpg.environments import mpe2
from maddpg.environments.contract import Environment
from maddpg.evaluation.evaluate import EVALUATION_SEED, Play
from maddpg.evaluation.players import Player, SubPolicy, episode_sub_policies, play_actions
from maddpg.evaluation.rollout import Episodes
from maddpg.types import PyTree

COPIES = 100  # environments stepped in turn, for one compiled call that acts in all of them


def reference_play(
    config: Config,
    algorithm: Algorithm,
    environment: Environment,
    actor: PyTree,
    tell: Callable[[int], None],
    sub_policy: SubPolicy = "drawn",
) -> Play:
    """Play in mpe2 with actors [seed, agent, ...]; `tell` hears of episodes as they end. `sub_policy` says who of an ensemble plays.

    Observations and rewards are mpe2's own. Its state is read at every step for scripted play and for metrics, which it does not report.

    Raises:
        ValueError: mpe2 does not have this variant of the world.
    """
    mpe2.make(config.environment, **config.world.given())  # fail at once
    if config.channel.channel_senders:
        raise ValueError("mpe2 has no channel for messages, and this run's agents use one; evaluate on the device: leave out --env")
    length = environment.spec.episode_length

    @jax.jit
    def decide(
        actor: PyTree, players: jax.Array, observation: jax.Array, worlds: PyTree, key: jax.Array, who: jax.Array | None
    ) -> jax.Array:
        return play_actions(algorithm, environment, actor, players, observation, worlds, key, who)

    measure = jax.jit(jax.vmap(environment.metrics))

    def play_batch(copies: list[mpe2.Reference], actor: PyTree, players: np.ndarray, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        observation = np.stack([mpe2.to_rows(copy, copy.parallel.reset(seed=seed + index)[0]) for index, copy in enumerate(copies)])
        returns = np.zeros((len(copies), len(players)))
        worlds = _stack([mpe2.read_world(copy) for copy in copies])
        sums: dict[str, np.ndarray] = {}
        who = episode_sub_policies(algorithm, sub_policy, jax.random.fold_in(jax.random.key(seed), length), len(copies))
        for step in range(length):
            key = jax.random.fold_in(jax.random.key(seed), step)
            actions = np.asarray(decide(actor, players, observation.astype(np.float32), worlds, key, who))
            for index, (copy, action) in enumerate(zip(copies, actions, strict=True)):
                observations, rewards, *_ = copy.parallel.step(mpe2.to_actions(copy, action))
                observation[index] = mpe2.to_rows(copy, observations)
                returns[index] += mpe2.to_rows(copy, rewards)
            worlds = _stack([mpe2.read_world(copy) for copy in copies])
            for name, value in measure(worlds).items():
                summed = environment.aggregates[name] != "last" and name in sums
                sums[name] = np.asarray(value, float) + (sums[name] if summed else 0.0)
        return returns, {name: value / length if environment.aggregates[name] == "mean" else value for name, value in sums.items()}

    def play(players: np.ndarray, episodes: int) -> Episodes:
        count = len(jax.tree.leaves(actor)[0])
        # Without a learned player all seeds would play the same: once is enough.
        rows = range(count if (players == Player.LEARNED).any() else 1)
        parts: list[list[tuple]] = []
        copies = [mpe2.make(config.environment, **config.world.given()) for _ in range(min(COPIES, episodes))]
        for row in rows:
            mine = jax.tree.map(lambda leaf, row=row: leaf[row], actor)
            parts.append([])
            for start in range(0, episodes, COPIES):
                batch = copies[: episodes - start]
                parts[-1].append(play_batch(batch, mine, players, EVALUATION_SEED % 2**30 + start))
                tell(len(batch))
        returns = np.stack([np.concatenate([returns for returns, _ in seed]) for seed in parts])
        metrics = {name: np.stack([np.concatenate([values[name] for _, values in seed]) for seed in parts]) for name in parts[0][0][1]}
        return Episodes(returns, metrics)  # type: ignore[arg-type]

    return play


def _stack(worlds: list[PyTree]) -> PyTree:
    """Worlds in 64 bits, side by side in 32."""
    return jax.tree.map(lambda *leaves: np.stack(leaves).astype(np.int32 if leaves[0].dtype.kind == "i" else np.float32), *worlds)
