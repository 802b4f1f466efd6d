"""What agents learn from in place of the environment's reward (docs/reward_design.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from maddpg.config.checks import require, require_choices


@dataclass(frozen=True)
class RewardDesignConfig:
    """A reward built from the environment's. Only learning sees it: returns in metrics and evaluations are the environment's own."""

    reward_terms: tuple[str, ...] = ()
    """Weights of a particle world's reward terms, such as `catch=1 boundary=0.5`; terms that are not named keep weight 1."""
    reward_sharing: Literal["own", "team_mean", "team_sum", "all_mean", "all_sum"] = "own"
    """Each agent's reward: its own, or the mean or the sum of its team's or of everybody's."""
    reward_own_share: float = 0.0
    """Share of an agent's own reward beside the shared one, in [0, 1]: a local ratio. 1 is selfish, 0 is what `reward_sharing` says."""
    reward_zero_sum: bool = False
    """Whether the mean reward of the agents on other teams is taken from an agent's own."""
    reward_mixing: tuple[float, ...] = ()
    """Any mixing: a matrix of agents by agents, row by row; agent i learns from the sum over j of row i times reward j."""
    potential: tuple[str, ...] = ()
    """Potential-based shaping by the world's metrics: weights such as `distance=-1`, or for one team `adversary:distance=-1`."""

    def __post_init__(self) -> None:
        require_choices(self)
        require(0 <= self.reward_own_share <= 1, "reward_own_share", self.reward_own_share, "must lie in [0, 1]")
        require(
            self.reward_own_share == 0 or self.reward_sharing != "own",
            "reward_own_share",
            self.reward_own_share,
            "there is nothing to mix the own reward with; give reward_sharing too, such as team_mean",
        )
        finite = all(math.isfinite(number) for number in self.reward_mixing)
        require(finite, "reward_mixing", self.reward_mixing, "must be finite numbers")
        clash = bool(self.reward_mixing) and (self.reward_sharing != "own" or self.reward_zero_sum)
        require(not clash, "reward_mixing", self.reward_mixing, "says all there is to say about sharing; leave out the other one")
        for name in ("reward_terms", "potential"):
            weights(name, getattr(self, name))

    @property
    def active(self) -> bool:
        """Whether anything differs from the environment's reward."""
        return self != RewardDesignConfig()


def weights(name: str, words: tuple[str, ...]) -> dict[str, float]:
    """NAME=NUMBER words as a table.

    Raises:
        ValueError: a word of another form, a number that is not finite, or a name given twice.
    """
    table: dict[str, float] = {}
    for word in words:
        key, equals, number = word.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        require(bool(key and equals) and math.isfinite(value), name, word, "must be NAME=NUMBER, such as distance=-1")
        require(key not in table, name, word, f"{key} is there twice; give it once")
        table[key] = value
    return table
