"""The preset `paper` beside the published plots of the paper's released code: `python -m benchmarks.released_code`.

60,000 episodes of 25 steps, 10 seeds, the released environments' dynamics and rewards, soft actions. The figure is the mean training
return of an episode for each agent over the last 1,000 episodes, with the policy's own noise, as the original prints it. The published
plots are those of wsjeon/maddpg-rllib, 10 trials of openai/maddpg, read by eye to about 3%.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.cache import SHELF
from maddpg.config import Config, WorldConfig, preset
from maddpg.environments.registry import resolve
from maddpg.storage.run_folder import RunFolder
from maddpg.training.trained import Trained

EPISODES, LAST = 60_000, 1_000
WORLDS = {  # what must be seen, what was published
    "simple": ("-6.2 to -6.8", "-6.5"),
    "simple_speaker_listener": ("-14 to -22 on at least 7 seeds", "mean -20: six at -14.5 to -18, two at -20 to -22, two stuck at -30"),
    "simple_spread": ("-135 to -146", "-140 (-136 to -144)"),
}


def config(world: str) -> Config:
    """The released code's settings, in the released environments."""
    base = preset("paper", world)
    return resolve(
        replace(
            base,
            world=WorldConfig(action_mode="simplex", dynamics="openai", rewards="openai"),
            # A line of metrics for each 1,000 episodes, so that the last one is the figure.
            training=replace(base.training, steps=25 * EPISODES, seeds=10, log_interval=25 * LAST, evaluation_interval=0),
        )
    )


def last_returns(result: Trained, folder: RunFolder) -> dict[str, Any]:
    """Each seed's mean training return over the last 1,000 episodes, by agent."""
    lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    return {
        "returns": {str(line["seed"]): line["return"] for line in lines if line["kind"] == "training" and line["steps"] == result.steps}
    }


def main() -> None:
    for world, (expected, published) in WORLDS.items():
        summary = SHELF.trained(f"released-code-{world}", config(world), last_returns)
        seeds = [float(np.mean(list(returns.values()))) for returns in summary["returns"].values()]
        mean, error = np.mean(seeds), np.std(seeds, ddof=1) / np.sqrt(len(seeds))
        print(f"{world}: {mean:.2f} +- {error:.2f} (standard error over {len(seeds)} seeds); published {published}; expected {expected}")
        print(f"  seeds: {', '.join(f'{seed:.1f}' for seed in sorted(seeds))}; {summary['training_minutes']:.1f} minutes")


if __name__ == "__main__":
    main()
