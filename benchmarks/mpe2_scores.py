"""Scores of the default preset in the real mpe2 package, beside plain MADDPG: `python -m benchmarks.mpe2_scores [WORLD ...]`.

Box actions, 1.5 million steps, 5 seeds in one program; then 1,000 greedy episodes of each seed in mpe2, beside random, still and scripted
play. "Plain" is the same preset with one critic instead of twins. In simple_tag each trained side also meets scripted opponents.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.cache import trained
from maddpg.config import Config, preset
from maddpg.environments.registry import resolve
from maddpg.evaluation.evaluate import evaluate
from maddpg.evaluation.players import choose_players
from maddpg.evaluation.reference import reference_play
from maddpg.storage.run_folder import RunFolder
from maddpg.training.run import Trained

EPISODES = 1_000
SEEDS = 5
WORLDS: dict[str, tuple[Mapping[str, str], ...]] = {  # whom the trained agents play with: {} is each other
    "simple_spread": ({},),
    "simple_speaker_listener": ({},),
    "simple": ({},),
    "simple_tag": (
        {},
        {"good": "scripted"},
        {"adversary": "scripted"},
        {"good": "random", "adversary": "scripted"},
        {"good": "scripted", "adversary": "scripted"},
    ),
}


def config(world: str, twin_critics: bool) -> Config:
    """The default preset, with two critics or one."""
    base = preset("tuned", world)
    training = replace(base.training, steps=1_500_000, seeds=SEEDS, evaluation_interval=100_000)
    return resolve(replace(base, algorithm=replace(base.algorithm, twin_critics=twin_critics), training=training))


def in_mpe2(config: Config, line_ups: tuple[Mapping[str, str], ...], result: Trained) -> dict[str, Any]:
    """Evaluations in the real mpe2, one for each line-up."""
    play = reference_play(config, result.algorithm, result.environment, result.learner.actor, lambda _: None)
    spec, seeds = result.environment.spec, config.training.all_seeds
    mode = str(config.world.action_mode)
    evaluations = [evaluate(spec, play, seeds, EPISODES, choose_players(spec, who), mode, f"mpe2:{spec.name}") for who in line_ups]
    return {"steps_per_second": result.steps_per_second, "evaluations": [evaluation.to_dict() for evaluation in evaluations]}


def show(summary: dict[str, Any]) -> None:
    """One line for each line-up and agent: mean over seeds, its standard error, and every seed."""
    print(f"{summary['name']}: {summary['steps']:_} steps, {summary['updates']:_} updates, {summary['training_minutes']:.1f} minutes")
    for evaluation in summary["evaluations"]:
        for agent, who in evaluation["players"].items():
            if who == "learned" or "learned" not in evaluation["players"].values():
                scores = [seed["agents"][agent] for seed in evaluation["seeds"]]
                means = np.array([score["mean"] for score in scores])
                error = f" +- {means.std(ddof=1) / np.sqrt(len(means)):.2f}" if len(means) > 1 else ""
                others = sorted({f"{name} {player}" for name, player in evaluation["players"].items() if player != "learned"})
                yardsticks = ", ".join(f"{name} {scores[0][name]:.2f}" for name in ("random", "still", "scripted"))
                against = f" with {', '.join(others)}" if others else ""
                print(f"  {agent}{against}: {means.mean():.2f}{error} (seeds {', '.join(f'{mean:.2f}' for mean in means)}); {yardsticks}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="*", default=list(WORLDS), help=f"of {', '.join(WORLDS)}; all if left out")
    for world in parser.parse_args().worlds:
        for name, twin_critics in (("tuned", True), ("plain", False)):
            settings = config(world, twin_critics)

            def summarise(result: Trained, _: RunFolder, settings: Config = settings, world: str = world) -> dict[str, Any]:
                return in_mpe2(settings, WORLDS[world], result)

            show(trained(f"mpe2-scores-{world}-{name}", settings, summarise))


if __name__ == "__main__":
    main()
