"""A tiny run that several tests look at, and the command line in this process."""

from __future__ import annotations

import pytest

SEEDS, AGENTS = (3, 4), ("adversary_0", "agent_0")
ROUND, WARM_UP, ROUNDS = 10, 15, 35  # steps of a round; rounds of the warm-up, and of the whole run
LINES = (100, 200, 300, 350)  # the steps at which lines of metrics are due
EVALUATIONS = (200, 350)
SMALL = (
    "--actor-layers 8 --critic-layers 8 --batch-size 32 --environments 10 --warmup-steps 145 --steps 345 --seed 3 --seeds 2 "
    "--log-interval 100 --evaluation-interval 200 --evaluation-episodes 20"
)


def command(line: str, *words: object) -> int:
    """Run `maddpg` with this line, and with words that may hold spaces; its exit code."""
    from maddpg.cli import main

    with pytest.raises(SystemExit) as ended:
        main([*line.split(), *map(str, words)])
    return ended.value.code


def train_small(*words: object) -> int:
    """`maddpg train` of the tiny run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("maddpg.cli.running.FINAL_EPISODES", 40)
        return command(f"train simple_push {SMALL}", *words)
