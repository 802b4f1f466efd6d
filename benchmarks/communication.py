"""What trained agents say and what it is worth: `python -m benchmarks.communication [RUN ...]`.

Default preset, 500,000 steps, 5 seeds in one program. simple_speaker_listener and simple_reference with discrete actions: the bits of a
symbol about the goals, and the fall in return when messages are cut or shuffled between episodes. simple_spread with box actions, without
and with a channel over which everybody tells everybody one of 4 symbols. 2,000 greedy episodes of each seed, on the device. The tables go
into docs/communication.md.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arguments import add_names
from benchmarks.cache import SHELF
from benchmarks.tables import fill, over_seeds
from maddpg.config import ChannelConfig, Config, WorldConfig, preset
from maddpg.environments.registry import resolve
from maddpg.evaluation.communication import measure_messages
from maddpg.evaluation.evaluate import evaluate
from maddpg.evaluation.players import as_trained
from maddpg.storage.run_folder import RunFolder
from maddpg.training.trained import Trained

PAGE = Path(__file__).parent.parent / "docs" / "communication.md"
STEPS, SEEDS, EPISODES = 500_000, 5, 2_000
RUNS: dict[str, tuple[str, WorldConfig, ChannelConfig]] = {
    "speaker-listener": ("simple_speaker_listener", WorldConfig(action_mode="discrete"), ChannelConfig()),
    "reference": ("simple_reference", WorldConfig(action_mode="discrete"), ChannelConfig()),
    "spread": ("simple_spread", WorldConfig(), ChannelConfig()),
    "spread-channel": ("simple_spread", WorldConfig(), ChannelConfig(channel_senders=("all",), channel_size=4)),
}


def config(name: str) -> Config:
    """The default preset in one of the worlds."""
    world, variant, channel = RUNS[name]
    base = preset("tuned", world)
    training = replace(base.training, steps=STEPS, seeds=SEEDS, evaluation_interval=50_000)
    return resolve(replace(base, world=variant, training=training, channel=channel))


def summarise(settings: Config, result: Trained, _: RunFolder) -> dict[str, Any]:
    """The greedy evaluation, and what is said."""
    spec, algorithm = result.environment.spec, result.algorithm
    mode, seeds = str(settings.world.action_mode), settings.training.all_seeds
    summary: dict[str, Any] = {"evaluation": evaluate(spec, result.play(), seeds, EPISODES, as_trained(algorithm), mode).to_dict()}
    if any(agent.message_size for agent in spec.agents):
        measured = measure_messages(algorithm, result.environment, result.learner.actor, EPISODES)
        summary["messages"] = [each.to_dict() for each in measured]
    return summary


def language() -> list[str]:
    """Bits and falls in the worlds with messages of their own, and the first seed's language."""
    rows = [
        "| world | sender | secret | entropy | bits | chance | ceiling |",
        "|---|---|---|---|---|---|---|",
    ]
    languages: list[str] = []
    for name in ("speaker-listener", "reference"):
        run = SHELF.find(f"communication-{name}", config(name))
        if run is None:
            rows.append(f"| {RUNS[name][0]} | not run yet | | | | | |")
            continue
        first = run["messages"][0]
        for sender, said in first["senders"].items():
            for secret in said["secrets"]:
                each = [seed["senders"][sender] for seed in run["messages"]]
                numbers = [
                    [seed["entropy"] for seed in each],
                    [seed["secrets"][secret]["bits"] for seed in each],
                    [seed["secrets"][secret]["chance"] for seed in each],
                    [seed["secrets"][secret]["ceiling"] for seed in each],
                ]
                rows.append(f"| {RUNS[name][0]} | {sender} | {secret} | {' | '.join(map(over_seeds, numbers))} |")
        falls = [
            [_team(seed["returns"]["as sent"]) for seed in run["messages"]],
            *([_team(seed["falls"][kind]) for seed in run["messages"]] for kind in ("cut", "shuffled")),
        ]
        languages += [
            "",
            f"{RUNS[name][0]}, all messages together:",
            "",
            "| return as sent | fall when cut | fall when shuffled |",
            "|---|---|---|",
        ]
        languages.append(f"| {' | '.join(map(over_seeds, falls))} |")
        for sender, said in first["senders"].items():
            secret, telling = max(said["secrets"].items(), key=lambda item: item[1]["bits"] * (", " not in item[0]))
            languages += ["", f"{RUNS[name][0]}, seed {run['config']['training']['seed']}: {sender}'s symbol and {secret}, episodes", ""]
            languages += [f"| symbol | {' | '.join(telling['options'])} |", "|---" * (1 + len(telling["options"])) + "|"]
            languages += [
                f"| {symbol} | {' | '.join(map(str, row))} |" for symbol, row in zip(said["symbols"], telling["language"], strict=True)
            ]
    return rows + languages


def channel() -> list[str]:
    """simple_spread without and with a channel."""
    rows = ["| simple_spread | return | fall when cut | fall when shuffled | entropy of a symbol |", "|---|---|---|---|---|"]
    for name, about in (("spread", "without a channel"), ("spread-channel", "with a channel of 4 symbols")):
        run = SHELF.find(f"communication-{name}", config(name))
        if run is None:
            rows.append(f"| {about} | not run yet | | | |")
            continue
        returns = [float(np.mean([agent["mean"] for agent in seed["agents"].values()])) for seed in run["evaluation"]["seeds"]]
        cells = [over_seeds(returns), "", "", ""]
        if "messages" in run:
            falls = [[_team(seed["falls"][kind]) for seed in run["messages"]] for kind in ("cut", "shuffled")]
            entropies = [float(np.mean([said["entropy"] for said in seed["senders"].values()])) for seed in run["messages"]]
            cells = [over_seeds(returns), *map(over_seeds, falls), over_seeds(entropies)]
        rows.append(f"| {about} | {' | '.join(cells)} |")
    return rows


def _team(estimates: dict[str, dict[str, float]]) -> float:
    """The mean over agents."""
    return float(np.mean([estimate["mean"] for estimate in estimates.values()]))


def render(text: str) -> str:
    """The page with its tables made anew."""
    return fill(text, {"language": language(), "channel": channel()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_names(parser, "run", RUNS)
    parser.add_argument("--tables", action="store_true", help="train nothing, make the tables from what is there")
    given = parser.parse_args()
    for name in () if given.tables else given.runs:
        settings = config(name)

        def keep(result: Trained, folder: RunFolder, settings: Config = settings) -> dict[str, Any]:
            return summarise(settings, result, folder)

        SHELF.trained(f"communication-{name}", settings, keep)
    PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
