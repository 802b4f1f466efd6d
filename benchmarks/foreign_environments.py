"""Environments that are not ours: `python -m benchmarks.foreign_environments [TASK ...]`.

spread: the real mpe2, trained in by the loop for environments in Python, beside the compiled loop's agents after the same number of steps,
and the same with a channel over which everybody tells everybody a symbol; 3 seeds, default preset, 1,000 greedy episodes in mpe2 for each.
multiwalker, pursuit, cheetah: 100 greedy episodes of each seed, beside random play and the best constant action (`constant_play`), of
    the networks at the end and of those of each seed's best evaluation on the way.
jaxmarl-tag, jaxmarl-smax: in the compiled loop, 1,000 greedy episodes of each seed.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arguments import add_names
from benchmarks.cache import SHELF
from benchmarks.constant_play import yardsticks
from benchmarks.tables import fill, over_seeds
from examples.pursuit import convolution
from maddpg.algorithm.networks import Network
from maddpg.config import ChannelConfig, Config, HostConfig, RewardDesignConfig, TrainingConfig, WorldConfig, preset
from maddpg.environments.host import HostWorld
from maddpg.environments.registry import is_particle_world, resolve
from maddpg.environments.vector.configured import open_vector
from maddpg.evaluation.evaluate import EVALUATION_SEED, evaluate
from maddpg.evaluation.host_play import HostPlayers
from maddpg.evaluation.players import as_trained, choose_players
from maddpg.evaluation.reference import reference_play
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import Parts
from maddpg.training.saved import load_actors
from maddpg.training.trained import Trained

PAGE = Path(__file__).parent.parent / "docs" / "environments.md"
PICTURE = PAGE.parent / "images" / "environments.png"


@dataclass(frozen=True)
class Task:
    """One environment, and how it is trained in."""

    environment: str
    training: TrainingConfig
    algorithm: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the default preset."""
    episodes: int = 100
    arguments: Mapping[str, Any] = field(default_factory=dict)
    world: WorldConfig = field(default_factory=WorldConfig)
    host: HostConfig = field(default_factory=HostConfig)
    channel: ChannelConfig = field(default_factory=ChannelConfig)
    reward_design: RewardDesignConfig = field(default_factory=RewardDesignConfig)
    actor: Network | None = None
    team: str | None = None
    """Whose return is shown; everybody's if left out."""
    against: Mapping[str, str] = field(default_factory=dict)
    """Who plays whom in the evaluation, instead of those who were trained."""
    curve: bool = False
    """Whether its learning curve, its yardsticks with it, is shown."""


SPREAD = TrainingConfig(steps=500_000, seeds=3, evaluation_interval=100_000)
FAR = {"gamma": 0.99, "tau": 0.005, "actor_rate": 3e-4, "critic_rate": 1e-3, "noise": 0.2}
WIDE = {"actor_layers": (128, 128), "critic_layers": (128, 128)}
UNREGULARISED: dict[str, Any] = {"logit_regulariser": 0.0}  # as these were measured; the default is better for choices
MANY = TrainingConfig(environments=32, batch_size=256, warmup_steps=10_000, evaluation_interval=50_000, evaluation_episodes=16)
WATCHING = ("steps", "seeds", "evaluation_interval", "evaluation_episodes")  # stand in the table, or say how it is looked at
CHEETAH = "gymnasium_robotics.envs.multiagent_mujoco.mujoco_multi:parallel_env"
TASKS = {
    "spread": Task("mpe2:simple_spread_v3", SPREAD, episodes=1_000, arguments={"continuous_actions": True}),
    "spread-compiled": Task("simple_spread", SPREAD, episodes=1_000, world=WorldConfig(action_mode="box")),
    "spread-channel": Task(
        "mpe2:simple_spread_v3",
        SPREAD,
        episodes=1_000,
        arguments={"continuous_actions": True},
        algorithm=UNREGULARISED,
        channel=ChannelConfig(channel_senders=("all",)),
    ),
    # Falling costs 100 where a step forward brings 0.1: the reward is learned from at a twentieth.
    "multiwalker": Task(
        "pettingzoo:sisl.multiwalker_v9",
        replace(MANY, steps=700_000, updates=8),
        FAR | WIDE | {"noise_final": 0.05},
        reward_design=RewardDesignConfig(reward_mixing=(0.05, 0, 0, 0, 0.05, 0, 0, 0, 0.05)),
        curve=True,
    ),
    "pursuit": Task(
        "pettingzoo:sisl.pursuit_v5",
        replace(MANY, steps=400_000, updates=2, replay_capacity=100_000),
        {"gamma": 0.95, "actor_rate": 1e-3, "critic_rate": 1e-3, "critic_layers": (128, 128), "logit_regulariser": 1e-3},
        arguments={"n_pursuers": 4, "n_evaders": 10, "x_size": 8, "y_size": 8, "max_cycles": 200, "shared_reward": False},
        actor=convolution(7, 7, 3, channels=16, hidden=(64,)),
        curve=True,
    ),
    "cheetah": Task(
        CHEETAH,
        replace(MANY, steps=200_000, updates=8, seeds=3),
        FAR | WIDE | {"actor_rate": 1e-3},
        arguments={"scenario": "HalfCheetah", "agent_conf": "2x3"},
        curve=True,
    ),
    "jaxmarl-tag": Task(
        "jaxmarl:MPE_simple_tag_v3", SPREAD, {"gamma": 0.95} | UNREGULARISED, episodes=1_000, team="adversary", against={"agent": "random"}
    ),
    "jaxmarl-smax": Task(
        "jaxmarl:HeuristicEnemySMAX", SPREAD, {"gamma": 0.99} | UNREGULARISED, episodes=1_000, arguments={"scenario": "3m"}
    ),
}


def config(name: str) -> Config:
    """The default preset in a task's environment, with what differs."""
    task = TASKS[name]
    base = preset("tuned", task.environment)
    algorithm = replace(base.algorithm, **task.algorithm)
    parts = {name: getattr(task, name) for name in ("arguments", "world", "training", "host", "channel", "reward_design")}
    return resolve(replace(base, algorithm=algorithm, **parts))


def summarise(name: str, result: Trained, folder: RunFolder) -> dict[str, Any]:
    """The greedy evaluation, beside the yardsticks; and the learning curve."""
    task, settings, algorithm = TASKS[name], config(name), result.algorithm
    play, scripted = result.play(), result.stage.scripted
    if is_particle_world(settings):
        play = reference_play(settings, algorithm, result.environment, result.learner.actor, lambda _: None)
    players = choose_players(algorithm, task.against, scripted) if task.against else as_trained(algorithm)
    evaluation = evaluate(algorithm.spec, play, settings.training.all_seeds, task.episodes, players, scripted=scripted)
    summary = {"steps_per_second": result.steps_per_second, "evaluation": evaluation.to_dict(), "curve": curve(folder)}
    if task.curve and isinstance(result.parts.environment, HostWorld):
        summary |= {"best": best_evaluation(name, result.parts, folder), **yardsticks(result, task.episodes)}
    return summary


def best_evaluation(name: str, parts: Parts, folder: RunFolder) -> dict[str, Any]:
    """The same of the networks of each seed's best evaluation while it trained, in episodes that did not choose them."""
    task, settings, world = TASKS[name], parts.config, parts.environment
    assert isinstance(world, HostWorld)
    count = min(task.episodes, settings.training.environments)
    players = HostPlayers(
        parts.algorithm, lambda: open_vector(world, settings.host, count, settings.host.worker_count, EVALUATION_SEED + 1)
    )
    play = partial(players.play, load_actors(folder, settings, parts.algorithm, best=True))
    evaluation = evaluate(parts.spec, play, settings.training.all_seeds, task.episodes, as_trained(parts.algorithm))
    players.close()
    return evaluation.to_dict()


def curve(folder: RunFolder) -> list[list[float]]:
    """Steps, and every seed's greedy return at that time, mean over agents."""
    returns: dict[int, list[float]] = defaultdict(list)
    for line in map(json.loads, folder.metrics.read_text().splitlines()):
        if line["kind"] == "evaluation":
            returns[line["steps"]].append(float(np.mean(list(line["return"].values()))))
    return [[steps, *values] for steps, values in returns.items()]


def table() -> list[str]:
    """One row for each task that has been run."""
    rows = ["| environment | steps | at the end | best networks | random | best constant action | steps/s | minutes |", "|---" * 8 + "|"]
    for name, task in TASKS.items():
        run = SHELF.find(f"foreign-environments-{name}", config(name))
        if run is None:
            rows.append(f"| {_title(task)} | {task.training.steps:_} | not run yet | | | | | |")
            continue
        seeds = _scores(task, run["evaluation"])
        best = _mean(_scores(task, run["best"])) if "best" in run else ""
        random = _score(run["random"]) if "random" in run else f"{np.mean([score['random'] for score in seeds[0]]):.2f}"
        constant = _score(run["best_constant"]) if "best_constant" in run else ""
        cost = f"{run['steps_per_second']:,.0f} | {run['training_minutes']:.0f}"
        rows.append(f"| {_title(task)} | {run['steps']:_} | {_mean(seeds)} | {best} | {random} | {constant} | {cost} |")
    return rows


def settings_table() -> list[str]:
    """What each task is trained with beside the defaults, as one types it."""
    rows = ["| environment | beside the defaults |", "|---|---|"]
    for name, task in TASKS.items():
        parts = [f"`{' '.join(flags)}`"] if (flags := _flags(name)) else []
        parts += ["an actor of [examples/pursuit.py](../examples/pursuit.py)"] if task.actor else []
        rows.append(f"| {_title(task)} | {', '.join(parts) or 'nothing'} |")
    return rows


def draw() -> None:
    """Learning curves beside the yardsticks."""
    from matplotlib.figure import Figure

    runs = {name: SHELF.find(f"foreign-environments-{name}", config(name)) for name, task in TASKS.items() if task.curve}
    done = {name: run for name, run in runs.items() if run is not None}
    if not done:
        return
    figure = Figure(figsize=(4 * len(done), 3.2), layout="constrained")
    for axes, (name, run) in zip(np.atleast_1d(figure.subplots(1, len(done))), done.items(), strict=True):
        steps, *seeds = np.array(run["curve"]).T
        axes.plot(steps / 1000, np.array(seeds).T, color="tab:blue", alpha=0.7)
        for yardstick, style in (("random", ":"), ("best_constant", "--")):
            axes.axhline(run[yardstick]["mean"], color="black", linestyle=style, label=yardstick.replace("_", " "))
        axes.set(title=name, xlabel="thousand environment steps", ylabel="return of greedy episodes")
        axes.legend(fontsize="small")
    figure.savefig(PICTURE, dpi=120)


def render(text: str) -> str:
    """The page with its table made anew."""
    return fill(text, {"trained": table(), "trained-with": settings_table()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_names(parser, "task", TASKS)
    parser.add_argument("--tables", action="store_true", help="train nothing, make table and figure from what is there")
    given = parser.parse_args()
    for name in () if given.tables else given.tasks:
        keep: Callable[[Trained, RunFolder], dict[str, Any]] = partial(summarise, name)
        SHELF.trained(f"foreign-environments-{name}", config(name), keep, TASKS[name].actor)
    PAGE.write_text(render(PAGE.read_text()))
    draw()


def _scores(task: Task, evaluation: Mapping[str, Any]) -> list[list[Mapping[str, float]]]:
    """Of each seed the scores of the agents that are shown."""
    return [[score for agent, score in seed["agents"].items() if agent.startswith(task.team or "")] for seed in evaluation["seeds"]]


def _mean(seeds: Sequence[Sequence[Mapping[str, float]]]) -> str:
    """Mean over agents and seeds, with its interval over seeds, or of one seed the standard error over episodes."""
    means = [float(np.mean([score["mean"] for score in scores])) for scores in seeds]
    error = float(np.mean([score["standard_error"] for score in seeds[0]]))
    return f"{over_seeds(means)} ({len(means)} seeds)" if len(means) > 1 else f"{means[0]:.2f} ± {error:.2f} (1 seed)"


def _score(score: Mapping[str, float]) -> str:
    return f"{score['mean']:.2f} ± {score['standard_error']:.2f}"


def _flags(name: str) -> list[str]:
    """The flags of a task's settings that are not the default preset's."""
    here, usual = config(name), resolve(preset("tuned", TASKS[name].environment))
    found = []
    for table in ("world", "algorithm", "training", "reward_design", "channel", "host"):
        mine, default = getattr(here, table), getattr(usual, table)
        for item in fields(mine):
            value = getattr(mine, item.name)
            if value != getattr(default, item.name) and item.name not in WATCHING:
                words = value if isinstance(value, tuple) else (value,)
                found.append(" ".join([f"--{item.name.replace('_', '-')}", *map(_word, words)]))
    return found


def _word(value: float | str) -> str:
    """A value as one types it."""
    return value if isinstance(value, str) else f"{value:_}" if isinstance(value, int) else f"{value:g}"


def _title(task: Task) -> str:
    name = task.environment if task.environment != CHEETAH else "gymnasium-robotics' multi-agent MuJoCo"
    made = ", ".join(f"{name}={value}" for name, value in task.arguments.items() if name != "continuous_actions")
    parts = [name, made, "compiled loop, played in mpe2" if ":" not in task.environment else ""]
    parts.append(f"a channel of {task.channel.channel_size} symbols" if task.channel.channel_senders else "")
    parts.append(f"{task.team} against {' '.join(task.against.values())} play" if task.team else "")
    return ", ".join(part for part in parts if part)


if __name__ == "__main__":
    main()
