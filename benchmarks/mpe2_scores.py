"""Scores of the default preset in the real mpe2 package, beside plain MADDPG: `python -m benchmarks.mpe2_scores [WORLD ...]`.

Box actions, 1.5 million steps, 5 seeds (3 in simple_tag) in one program; then 1,000 greedy episodes of each seed in mpe2, beside random,
still and scripted play. "Plain" is the same preset with one critic instead of twins. "Shaped" looks further ahead, explores more, and pays
predators for coming nearer by a potential, because touches are rare; its scores are of the world's own reward all the same. "Hunters" are
the same predators trained against scripted prey alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from benchmarks.arguments import add_names
from benchmarks.cache import SHELF
from maddpg.config import Config, RewardDesignConfig, TeamConfig, preset
from maddpg.environments.registry import resolve
from maddpg.evaluation.evaluate import evaluate
from maddpg.evaluation.players import choose_players
from maddpg.evaluation.reference import reference_play
from maddpg.storage.run_folder import RunFolder
from maddpg.training.trained import Trained

EPISODES = 1_000


@dataclass(frozen=True)
class Plan:
    """What is run in one world."""

    seeds: int = 5
    # What is trained, and who then plays whom: {} are those who played in training.
    variants: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=lambda: {"tuned": ({},), "plain": ({},)})


WORLDS = {
    "simple_spread": Plan(),
    "simple_speaker_listener": Plan(),
    "simple": Plan(),
    # The competitive half: each trained side with the other, and against scripted play, beside scripted and random players in its place.
    "simple_tag": Plan(
        seeds=3,
        variants={
            "shaped": (
                {},
                {"good": "scripted"},
                {"adversary": "scripted"},
                {"good": "random", "adversary": "scripted"},
                {"good": "scripted", "adversary": "scripted"},
            ),
            "hunters": ({},),
        },
    ),
}


CHANGES: Mapping[str, Mapping[str, Any]] = {
    "tuned": {},
    "plain": {"twin_critics": False},
    "shaped": {"gamma": 0.95, "noise": 0.5},
    "hunters": {"gamma": 0.95, "noise": 0.5},
}


def config(world: str, variant: str) -> Config:
    """The default preset with what the variant changes."""
    base = preset("tuned", world)
    training = replace(base.training, steps=1_500_000, seeds=WORLDS[world].seeds, evaluation_interval=100_000)
    design = RewardDesignConfig(potential=("adversary:distance=-10",) if variant in ("shaped", "hunters") else ())
    teams = {"good": TeamConfig(player="scripted")} if variant == "hunters" else {}
    algorithm = replace(base.algorithm, **CHANGES[variant])
    return resolve(replace(base, algorithm=algorithm, training=training, reward_design=design, teams=teams))


def in_mpe2(config: Config, line_ups: tuple[Mapping[str, str], ...], result: Trained) -> dict[str, Any]:
    """Evaluations in the real mpe2, one for each line-up."""
    play = reference_play(config, result.algorithm, result.environment, result.learner.actor, lambda _: None)
    spec, seeds = result.environment.spec, config.training.all_seeds
    mode = str(config.world.action_mode)
    evaluations = [
        evaluate(spec, play, seeds, EPISODES, choose_players(result.algorithm, who), mode, f"mpe2:{spec.name}") for who in line_ups
    ]
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
    add_names(parser, "world", WORLDS)
    for world in parser.parse_args().worlds:
        for variant, line_ups in WORLDS[world].variants.items():
            settings = config(world, variant)

            def summarise(
                result: Trained, _: RunFolder, settings: Config = settings, line_ups: tuple[Mapping[str, str], ...] = line_ups
            ) -> dict[str, Any]:
                return in_mpe2(settings, line_ups, result)

            show(SHELF.trained(f"mpe2-scores-{world}-{variant}", settings, summarise))


if __name__ == "__main__":
    main()
