"""Environments in Python, in worker processes: `python -m benchmarks.python_environments [TASK ...]`.

spread: the real mpe2, trained in by the loop for environments in Python, beside the compiled loop's agents after the same number of steps,
and the same with a channel over which everybody tells everybody a symbol; 3 seeds, default preset, 1,000 greedy episodes in mpe2 for each.
The others: one seed, 100 greedy episodes, beside random play and the best constant action: of standing still and 32 random ones, the one
with the best mean over 20 episodes, played for 100 more.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cache import find, trained
from benchmarks.tables import fill, spread
from maddpg.algorithm.actions import random_action
from maddpg.config import ChannelConfig, Config, HostConfig, TrainingConfig, WorldConfig, preset
from maddpg.environments.host import HostWorld
from maddpg.environments.registry import resolve
from maddpg.environments.vector.configured import open_vector
from maddpg.evaluation.evaluate import EVALUATION_SEED, evaluate
from maddpg.evaluation.host_play import HostPlayers
from maddpg.evaluation.players import Player, as_trained, everybody
from maddpg.evaluation.reference import reference_play
from maddpg.storage.run_folder import RunFolder
from maddpg.training.run import Trained

PAGE = Path(__file__).parent.parent / "docs" / "environments.md"
TRIED, TRIAL_EPISODES = 32, 20


@dataclass(frozen=True)
class Task:
    """One environment, and how long it is trained in."""

    environment: str
    training: TrainingConfig
    episodes: int = 100
    arguments: dict[str, Any] = field(default_factory=dict)
    world: WorldConfig = field(default_factory=WorldConfig)
    host: HostConfig = field(default_factory=HostConfig)
    channel: ChannelConfig = field(default_factory=ChannelConfig)
    gamma: float = 0.85


SPREAD = TrainingConfig(steps=500_000, seeds=3, evaluation_interval=100_000)
LONG = TrainingConfig(steps=1_000_000, environments=32, warmup_steps=20_000, updates=2, evaluation_interval=100_000, evaluation_episodes=32)
TASKS = {
    "spread": Task("mpe2:simple_spread_v3", SPREAD, 1_000, {"continuous_actions": True}),
    "spread-compiled": Task("simple_spread", SPREAD, 1_000, world=WorldConfig(action_mode="box")),
    "spread-channel": Task(
        "mpe2:simple_spread_v3", SPREAD, 1_000, {"continuous_actions": True}, channel=ChannelConfig(channel_senders=("all",))
    ),
    "multiwalker": Task("pettingzoo:sisl.multiwalker_v9", LONG, gamma=0.99),
}


def config(name: str) -> Config:
    """The default preset in a task's environment."""
    task = TASKS[name]
    base = preset("tuned", task.environment)
    algorithm = replace(base.algorithm, gamma=task.gamma)
    return resolve(
        replace(
            base,
            arguments=task.arguments,
            world=task.world,
            algorithm=algorithm,
            training=task.training,
            host=task.host,
            channel=task.channel,
        )
    )


def summarise(name: str, result: Trained, _: RunFolder) -> dict[str, Any]:
    """The greedy evaluation, beside the yardsticks."""
    task, settings, algorithm = TASKS[name], config(name), result.algorithm
    seeds = settings.training.all_seeds
    play, scripted = result.play(), result.stage.scripted
    if not isinstance(result.parts.environment, HostWorld):
        play = reference_play(settings, algorithm, result.environment, result.learner.actor, lambda _: None)
    evaluation = evaluate(algorithm.spec, play, seeds, task.episodes, as_trained(algorithm), scripted=scripted)
    summary = {"steps_per_second": result.steps_per_second, "evaluation": evaluation.to_dict()}
    if isinstance(result.parts.environment, HostWorld) and task.episodes < 1_000:
        summary["best_constant"] = best_constant(result, task.episodes)
    return summary


def best_constant(result: Trained, episodes: int) -> dict[str, float]:
    """Mean return of all agents, and its standard error over episodes, of the best action that every agent takes at every step."""
    algorithm, settings, world = result.algorithm, result.parts.config, result.parts.environment
    assert isinstance(world, HostWorld)
    count = min(episodes, settings.training.environments)
    players = HostPlayers(algorithm, lambda: open_vector(world, settings.host, count, settings.host.worker_count, EVALUATION_SEED))
    drawn = jax.vmap(lambda layout: random_action(layout, jax.random.key(0), TRIED), out_axes=1)(algorithm.layout)
    candidates = [players.still, *jnp.asarray(drawn)]

    def play(action: jax.Array, episodes: int) -> np.ndarray:
        players.still = action
        returns = players.play(result.learner.actor, everybody(algorithm.spec, Player.STILL), episodes).returns
        return np.asarray(returns[0]).mean(axis=1)

    best = max(candidates, key=lambda action: float(play(action, TRIAL_EPISODES).mean()))
    returns = play(best, episodes)
    players.close()
    return {"mean": float(returns.mean()), "standard_error": float(returns.std(ddof=1) / np.sqrt(len(returns)))}


def table() -> list[str]:
    """One row for each task that has been run."""
    rows = ["| environment | steps | trained | random | best constant action | steps/s | minutes |", "|---" * 7 + "|"]
    for name, task in TASKS.items():
        run = find(f"python-environments-{name}", config(name))
        where = f"{task.environment}{', compiled loop, played in mpe2' if ':' not in task.environment else ''}"
        where += f", a channel of {task.channel.channel_size} symbols" if task.channel.channel_senders else ""
        if run is None:
            rows.append(f"| {where} | {task.training.steps:_} | not run yet | | | | |")
            continue
        seeds = run["evaluation"]["seeds"]
        means = [float(np.mean([agent["mean"] for agent in seed["agents"].values()])) for seed in seeds]
        scores = list(seeds[0]["agents"].values())
        error = float(np.mean([score["standard_error"] for score in scores]))
        mine = f"{spread(means)} ({len(means)} seeds)" if len(means) > 1 else f"{means[0]:.2f} ± {error:.2f} (1 seed)"
        best = run.get("best_constant")
        constant = f"{best['mean']:.2f} ± {best['standard_error']:.2f}" if best else ""
        random = f"{np.mean([score['random'] for score in scores]):.2f}"
        cost = f"{run['steps_per_second']:,.0f} | {run['training_minutes']:.0f}"
        rows.append(f"| {where} | {run['steps']:_} | {mine} | {random} | {constant} | {cost} |")
    return rows


def render(text: str) -> str:
    """The page with its table made anew."""
    return fill(text, {"trained": table()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", metavar="TASK", default=list(TASKS), help=f"of {', '.join(TASKS)}; all if left out")
    parser.add_argument("--tables", action="store_true", help="train nothing, make the table from what is there")
    given = parser.parse_args()
    for name in () if given.tables else given.tasks:
        keep: Callable[[Trained, RunFolder], dict[str, Any]] = partial(summarise, name)
        trained(f"python-environments-{name}", config(name), keep)
    PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
