"""What the design of a reward does to a team, and the tables of docs/reward_design.md: `python -m benchmarks.reward_design [RUN ...]`.

Box actions, default preset with minibatches of 256, 300,000 steps, 5 seeds in one program; then 1,000 greedy episodes of each seed. Every
number is of the environment's own reward and measures, whatever was learned from. In simple_tag predators and prey learn together, with a
discount of 0.95 and noise of 0.5 because touches are rare; then the predators meet scripted prey, the same opponent with every reward.
`--tables` trains nothing and makes the tables from what is there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arguments import add_names
from benchmarks.cache import SHELF
from benchmarks.tables import fill, over_seeds
from maddpg.config import Config, RewardDesignConfig, preset
from maddpg.environments.registry import resolve
from maddpg.evaluation.evaluate import evaluate
from maddpg.evaluation.players import choose_players
from maddpg.storage.run_folder import RunFolder
from maddpg.training.trained import Trained

PAGE = Path(__file__).parent.parent / "docs" / "reward_design.md"
STEPS, SEEDS, EVALUATION_INTERVAL, EPISODES = 300_000, 5, 20_000, 1_000


@dataclass(frozen=True)
class Example:
    """One reward in one world."""

    world: str
    about: str
    design: RewardDesignConfig = field(default_factory=RewardDesignConfig)


def in_spread(about: str, **design: Any) -> Example:
    """A reward for simple_spread."""
    return Example("simple_spread", about, RewardDesignConfig(**design))


def in_tag(about: str, **design: Any) -> Example:
    """A reward for the predators of simple_tag."""
    return Example("simple_tag", about, RewardDesignConfig(**design))


EXAMPLES: Mapping[str, Example] = {
    "spread-own": in_spread("the world's own: coverage for all, collisions for those who collide"),
    "spread-all-mean": in_spread("`all_mean`: collisions are everybody's too", reward_sharing="all_mean"),
    "spread-coverage": in_spread("`collisions=0`: coverage alone", reward_terms=("collisions=0",)),
    # What the world's parameter local_ratio = 1 would pay, with the raw reward left as it is.
    "spread-selfish": in_spread("`coverage=0 collisions=2`: one's own collisions alone", reward_terms=("coverage=0", "collisions=2")),
    "spread-shaped": in_spread("with `distance=-10`", potential=("distance=-10",)),  # about the value: 1.5 * distance / (1 - gamma)
    "spread-misled": in_spread("with `distance=10`, the wrong way round", potential=("distance=10",)),
    "tag-shared": in_tag("the world's own: every predator is paid for every catch"),
    # A third of the world's own: the scale of the selfish reward, so that the two differ in nothing but who is paid.
    "tag-mean": in_tag("`assist=0` and `team_mean`: each a third of every catch", reward_terms=("assist=0",), reward_sharing="team_mean"),
    "tag-selfish": in_tag("`assist=0`: each for its own catches", reward_terms=("assist=0",)),
    "tag-shaped": in_tag("with `adversary:distance=-10`", potential=("adversary:distance=-10",)),
    "tag-selfish-shaped": in_tag(
        "selfish, with `adversary:distance=-10`", reward_terms=("assist=0",), potential=("adversary:distance=-10",)
    ),
}
MEASURES = {"simple_spread": ("distance", "collisions", "occupied"), "simple_tag": ("touches", "distance")}
ALGORITHM: Mapping[str, Mapping[str, Any]] = {"simple_spread": {}, "simple_tag": {"gamma": 0.95, "noise": 0.5}}
OPPONENTS: Mapping[str, Mapping[str, str]] = {"simple_spread": {}, "simple_tag": {"good": "scripted"}}  # in the final evaluation
TABLES: Mapping[str, tuple[tuple[str, ...], ...]] = {  # marker in the page -> its tables, each of one world
    "sharing": (("spread-own", "spread-all-mean", "spread-coverage", "spread-selfish"),),
    "tag": (("tag-shared", "tag-mean", "tag-selfish"),),
    "shaping": (("spread-own", "spread-shaped", "spread-misled"), ("tag-shared", "tag-shaped", "tag-selfish", "tag-selfish-shaped")),
}


def config(name: str) -> Config:
    """The default preset with one example's reward."""
    example = EXAMPLES[name]
    base = preset("tuned", example.world)
    training = replace(base.training, steps=STEPS, seeds=SEEDS, batch_size=256, evaluation_interval=EVALUATION_INTERVAL)
    algorithm = replace(base.algorithm, **ALGORITHM[example.world])
    return resolve(replace(base, algorithm=algorithm, training=training, reward_design=example.design))


def summarise(settings: Config, result: Trained, folder: RunFolder) -> dict[str, Any]:
    """The final evaluation, and the raw returns of those while it trained: seed -> [steps, mean return of the learners]."""
    mode = str(settings.world.action_mode)
    play, players = result.play(), choose_players(result.algorithm, OPPONENTS[settings.environment])
    evaluation = evaluate(result.environment.spec, play, settings.training.all_seeds, EPISODES, players, mode).to_dict()
    curves: dict[str, list[list[float]]] = {}
    for line in map(json.loads, folder.metrics.read_text().splitlines()):
        if line["kind"] == "evaluation":
            mean = float(np.mean([line["return"][agent] for agent in learners(evaluation)]))
            curves.setdefault(str(line["seed"]), []).append([line["steps"], mean])
    return {"steps_per_second": result.steps_per_second, "evaluation": evaluation, "curves": curves}


def learners(evaluation: Mapping[str, Any]) -> list[str]:
    """The agents that were trained."""
    return [agent for agent, player in evaluation["players"].items() if player == "learned"]


def table(names: tuple[str, ...]) -> list[str]:
    """One row for each reward: mean over seeds and standard error of the raw return at the end, and of measures.

    Where nobody else learned, also of the return while it learned.
    """
    world = EXAMPLES[names[0]].world
    measures, alone = MEASURES[world], not OPPONENTS[world]
    while_learning = ("mean return while learning",) if alone else ()
    titles = ("learned from", "return", *while_learning, *(f"`{measure}`" for measure in measures), "seeds")
    rows = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for name in names:
        summary = SHELF.find(f"reward-design-{name}", config(name))
        about = f"{EXAMPLES[name].world}: {EXAMPLES[name].about}"
        if summary is None:
            rows.append(f"| {about} | not run yet{' |' * (len(titles) - 1)}")
            continue
        seeds, agents = summary["evaluation"]["seeds"], learners(summary["evaluation"])
        final = [float(np.mean([seed["agents"][agent]["mean"] for agent in agents])) for seed in seeds]
        learning = [float(np.mean([value for _, value in curve])) for curve in summary["curves"].values()]
        cells = [
            over_seeds(final),
            *([over_seeds(learning)] if alone else []),
            *(over_seeds([seed["metrics"][measure] for seed in seeds]) for measure in measures),
        ]
        rows.append(f"| {about} | {' | '.join(cells)} | {', '.join(f'{value:.1f}' for value in sorted(final))} |")
    return rows


def render(text: str) -> str:
    """The page with its tables made anew."""
    return fill(text, {marker: "\n\n".join("\n".join(table(names)) for names in tables).splitlines() for marker, tables in TABLES.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_names(parser, "run", EXAMPLES)
    parser.add_argument("--tables", action="store_true", help="train nothing")
    given = parser.parse_args()
    for name in () if given.tables else given.runs:
        settings = config(name)

        def keep(result: Trained, folder: RunFolder, settings: Config = settings) -> dict[str, Any]:
            return summarise(settings, result, folder)

        summary = SHELF.trained(f"reward-design-{name}", settings, keep)
        print(f"{name}: {summary['steps']:_} steps in {summary['training_minutes']:.1f} minutes", flush=True)
        PAGE.write_text(render(PAGE.read_text()))
    PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
