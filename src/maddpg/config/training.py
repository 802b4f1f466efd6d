"""How much, how many, how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from maddpg.config.checks import LARGEST_COUNT, require, require_choices

FIRST_EVALUATION_SEED = 2_000_000_000
"""Seeds of runs lie below it. Evaluations have those from here on, so that they play no episode that anybody was trained on."""


@dataclass(frozen=True)
class TrainingConfig:
    """How much is trained, how many at once, and how often what happens."""

    steps: int = 1_500_000
    """Environment steps for each seed, warm-up included; rounded up to whole rounds."""
    seed: int = 0
    """The first seed."""
    seeds: int = 1
    """How many seeds, from `seed` on, are trained side by side in one program."""
    environments: int = 100
    """Environments that run side by side for each seed."""
    collect: int = 1
    """Steps of each environment in a round, before the round's updates."""
    updates: int = 2
    """Updates of every agent in a round."""
    batch_size: int = 1024
    """Transitions in a minibatch."""
    replay_capacity: int = 1_000_000
    """Transitions that the replay holds for each seed; rounded up to whole rounds."""
    warmup_steps: int = 10_000
    """Environment steps before the first update."""
    warmup_policy: Literal["random", "policy"] = "random"
    """Who acts during the warm-up: uniformly random actions, or the untrained policy."""
    log_interval: int = 10_000
    """Environment steps between two lines of metrics.jsonl."""
    evaluation_interval: int = 50_000
    """Environment steps between two greedy evaluations during training; 0: none."""
    evaluation_episodes: int = 100
    """Episodes of each of those evaluations."""

    def __post_init__(self) -> None:
        require_choices(self)
        counts = ("steps", "seeds", "environments", "collect", "updates", "batch_size", "replay_capacity", "log_interval")
        for name in (*counts, "evaluation_episodes"):
            value = getattr(self, name)
            require(1 <= value <= LARGEST_COUNT, name, value, f"must lie between 1 and {LARGEST_COUNT:_}")
        require(0 <= self.evaluation_interval <= LARGEST_COUNT, "evaluation_interval", self.evaluation_interval, "must be at least 0")
        within = 0 <= self.seed <= FIRST_EVALUATION_SEED - self.seeds
        last = f"{FIRST_EVALUATION_SEED - 1:_}"
        require(within, "seed", self.seed, f"every seed must lie between 0 and {last}; those beyond are for evaluations")
        require(self.warmup_steps >= 1, "warmup_steps", self.warmup_steps, "must be at least 1: an update needs something to sample")
        require(
            self.steps > self.warmup_steps,
            "steps",
            self.steps,
            f"nothing would be learned: the warm-up alone takes {self.warmup_steps}; give more steps or a smaller warmup_steps",
        )
        require(
            self.rounds > self.warmup_rounds,
            "steps",
            self.steps,
            f"nothing would be learned: the warm-up takes all rounds of {self.round_steps} steps; give more steps or fewer environments",
        )
        taken = self.rounds * self.round_steps
        require(taken <= LARGEST_COUNT, "environments", self.environments, f"all rounds take {taken} steps: at most {LARGEST_COUNT:_}")
        learned = self.rounds * self.updates
        require(learned <= LARGEST_COUNT, "updates", self.updates, f"all rounds take {learned} updates: at most {LARGEST_COUNT:_}")

    @property
    def all_seeds(self) -> range:
        """The seeds of the run, in the order of the seed axis."""
        return range(self.seed, self.seed + self.seeds)

    @property
    def round_steps(self) -> int:
        """Environment steps in a round, over all environments of one seed."""
        return self.environments * self.collect

    @property
    def rounds(self) -> int:
        """Rounds in the whole run: `steps`, rounded up to whole rounds."""
        return -(-self.steps // self.round_steps)

    @property
    def warmup_rounds(self) -> int:
        """Rounds without an update, at the start."""
        return -(-self.warmup_steps // self.round_steps)

    @property
    def most_rounds(self) -> int:
        """Rounds after which a counter of steps or of updates may be full, however long one likes to go on."""
        return LARGEST_COUNT // max(self.round_steps, self.updates)

    @property
    def most_replay_rows(self) -> int:
        """Rows of the replay of a run whose end nobody knows: `replay_capacity`, rounded up to whole rounds."""
        return min(-(-self.replay_capacity // self.round_steps), self.most_rounds) * self.round_steps

    @property
    def replay_rows(self) -> int:
        """Rows of the replay: so many, and no more than the run fills."""
        return min(self.most_replay_rows, self.rounds * self.round_steps)
