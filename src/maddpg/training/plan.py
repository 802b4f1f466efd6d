"""What a run is going to do and take, told before it begins."""

from __future__ import annotations

import jax

from maddpg.config import TrainingConfig
from maddpg.training.build import Parts
from maddpg.training.memory import gigabytes, require_memory


def plan(parts: Parts, from_checkpoint: bool = False) -> str:
    """What a run is going to do and take, in a line.

    `from_checkpoint`: it goes on from one, which holds its frozen teams, so that the runs that they came from may be gone.

    Raises:
        ValueError: it would not fit into memory, or a frozen team cannot be read.
    """
    training = parts.config.training
    if not from_checkpoint:
        _ = parts.frozen  # fail at once
    memory = require_memory(parts.loop, training.seeds)
    steps = training.rounds * training.round_steps
    rounded = "" if steps == training.steps else f" ({training.steps:_}, rounded up to whole rounds of {training.round_steps})"
    updates = (training.rounds - training.warmup_rounds) * training.updates
    seeds = f"{training.seeds} seed{'s' * (training.seeds > 1)} from {training.seed}"
    targets = _target_intervals(parts, training)
    return f"{steps:_} steps{rounded}, {updates:_} updates of every agent, {seeds}, {gigabytes(memory)} of memory{targets}"


def _target_intervals(parts: Parts, training: TrainingConfig) -> str:
    """For agents whose targets move every so many episodes: how many updates that is, if no episode ends early."""
    players, numbers = parts.algorithm.players, jax.device_get(parts.hyper)
    intervals = {int(numbers.target_interval[agent]) for agent in players.learners if numbers.target_by_episodes[agent]}
    updates_per_episode = training.updates * parts.spec.episode_length / training.round_steps
    return "".join(f"; targets move every {count:_} episodes, {count * updates_per_episode:g} updates" for count in sorted(intervals))
