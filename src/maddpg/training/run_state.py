"""Everything that a run changes, as one tree."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import jax

from maddpg.algorithm.state import TrainState
from maddpg.replay import SubPolicyRings
from maddpg.types import Availability, PyTree


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Totals:
    """Sums since the last line of metrics."""

    updates: dict[str, jax.Array]  # [learner] each, summed over updates
    reward: jax.Array  # [agent], over steps and environments
    designed_reward: jax.Array | None  # the same of what is learned from, where that differs
    episode_return: jax.Array  # [agent], over whole episodes that ended
    episodes: jax.Array  # whole episodes that ended
    lost: jax.Array  # steps that environments in Python lost


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class RunState:
    """Everything that a run changes, as one tree. With seeds side by side every field but `rounds` has a leading seed axis.

    `sub_policy` and `rings` are None unless policies are ensembles. Worlds that live in Python are no part of it: `worlds` is then empty.
    """

    learner: TrainState
    replay: jax.Array  # [row, transition]
    worlds: PyTree  # [environment, ...]
    observation: jax.Array  # [environment, agent, observation]
    state: jax.Array  # [environment, state]
    availability: Availability  # [environment, ...], at `observation`
    episode_return: jax.Array  # [environment, agent], of the episodes under way
    whole: (
        jax.Array
    )  # [environment] bool: the episode under way was not begun at random, nor is it to be cut, for the sake of staggered clocks
    totals: Totals
    episodes: jax.Array  # int32, completed since learning began
    key: jax.Array
    rounds: jax.Array  # int32, rounds done: the clock, shared by all seeds
    sub_policy: jax.Array | None = None  # [environment, agent] int32, who plays the episode under way
    rings: SubPolicyRings | None = None


_OF_A_SEED: Any = {item.name: None if item.name == "rounds" else 0 for item in fields(RunState)}
SEED_AXES = RunState(**_OF_A_SEED)
"""Which fields of a run have a seed axis, for `vmap`."""
