"""What saved runs came to: their final evaluations and their evaluations while they trained, for a comparison."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maddpg.config import Config
from maddpg.environments.registry import is_particle_world, make_environment, variant
from maddpg.environments.teams import team_of
from maddpg.evaluation.comparison import Comparison, Contender, compare
from maddpg.names import unknown_name
from maddpg.settings import to_dict
from maddpg.storage.files import read_json
from maddpg.storage.zoo import find_run

OF_THE_WORLD = ("environment", "arguments", "world", "host")
OF_THE_SEED = ("seed", "seeds")
EVERYBODY = "all agents"


@dataclass(frozen=True)
class Outcome:
    """A finished run."""

    name: str
    config: Config
    seeds: list[dict[str, Any]]  # of evaluation.json
    lines: list[dict[str, Any]]  # evaluation lines of metrics.jsonl
    sides: dict[str, list[str]]  # team -> those of its agents who learned; all agents together where there is one team

    @property
    def task(self) -> str:
        """The world, with all that decides it."""
        return json.dumps([self.config.environment, variant(self.config)], sort_keys=True)

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the algorithm, by path: no seeds, and nothing of the world but its channel."""
        tables = {name: table for name, table in to_dict(self.config).items() if name not in OF_THE_WORLD}
        tables["training"] = {name: value for name, value in tables["training"].items() if name not in OF_THE_SEED}
        return dict(_flat(tables))


def read_outcome(folder: Path) -> Outcome:
    """A run from its folder.

    Raises:
        ValueError: it is no run, its training has not ended, or its evaluation is damaged.
    """
    run = find_run(folder)
    config = run.read_config()
    if not run.evaluation.is_file():
        raise ValueError(f"{folder} holds no {run.evaluation.name}: its training has not ended; `maddpg resume {folder}` goes on with it")
    evaluation = read_json(run.evaluation)
    try:
        learned = [name for name, player in evaluation["players"].items() if player == "learned"]
        seeds = [_final(seed, learned) for seed in evaluation["seeds"]]
        sides = _sides(config, learned)
        lines = [json.loads(text) for text in run.metrics.read_text().splitlines()] if run.metrics.is_file() else []
        return Outcome(str(folder), config, seeds, [line for line in lines if line["kind"] == "evaluation"], sides)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{folder}: its evaluation cannot be read ({type(error).__name__}: {error})") from error


def compare_runs(outcomes: Sequence[Outcome], metric: str = "score", team: str | None = None) -> list[Comparison]:
    """Every side's scores compared; runs of the same settings but for seed and world count as one algorithm.

    Args:
        outcomes: in the order of the comparison; the first one's algorithm is the one that others are compared with.
        metric: score, the return as a share of what scripted play gains on random play, and the plain return where teams compete or nobody
            has written any; return; or one of the world's metrics.
        team: whose; all teams', in a comparison each, if left out.

    Raises:
        ValueError: there is nothing to compare: another metric, other teams, a task that some algorithm lacks, or one seed twice.
    """
    sides = [side for side in outcomes[0].sides if all(side in outcome.sides for outcome in outcomes)]
    if not sides:
        raise ValueError(
            f"{outcomes[0].name} has learning teams {', '.join(outcomes[0].sides)}, and there is none that all runs have; compare worlds "
            "with the same teams"
        )
    if team is not None and team not in sides:
        raise ValueError(unknown_name("team", team, sides))
    tasks = list(dict.fromkeys(outcome.task for outcome in outcomes))
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(json.dumps(outcome.settings, sort_keys=True), []).append(outcome)
    for group in groups.values():
        _require_whole(group, tasks, outcomes)
    return [_compare_side(side, list(groups.values()), tasks, metric) for side in ([team] if team else sides)]


def _compare_side(side: str, groups: list[list[Outcome]], tasks: list[str], metric: str) -> Comparison:
    outcomes = [outcome for group in groups for outcome in group]
    # Where teams compete the yardsticks have other opponents than the trained, and scripted play may be no better than random play.
    normalised = (metric == "score" and side == EVERYBODY) and all(
        seed["agents"][agent]["normalised"] is not None for outcome in outcomes for seed in outcome.seeds for agent in outcome.sides[side]
    )
    if metric == "score" and not normalised and len(tasks) > 1:
        raise ValueError(
            "returns of different worlds are on a common scale only where one team plays and has scripted play beside it; compare each "
            "world's runs apart"
        )
    steps = [_common_steps([outcome for outcome in outcomes if outcome.task == task]) for task in tasks]
    drawn = all(len(each) > 1 for each in steps)

    def values(outcome: Outcome, rows: Sequence[dict[str, Any]]) -> list[float]:
        """The score of each row: a seed's final evaluation, or a line of metrics.jsonl."""
        yardsticks = {seed["seed"]: seed["agents"] for seed in outcome.seeds}
        return [_value(row, yardsticks[row["seed"]], outcome.sides[side], metric, normalised) for row in rows]

    def curves(outcome: Outcome, steps: np.ndarray) -> list[list[float]]:
        by_seed = {seed["seed"]: {line["steps"]: line for line in outcome.lines if line["seed"] == seed["seed"]} for seed in outcome.seeds}
        return [values(outcome, [lines[step] for step in steps.tolist()]) for lines in by_seed.values()]

    contenders = []
    first = groups[0][0].settings
    for group in groups:
        settings = group[0].settings
        differs = {name: settings.get(name) for name in dict.fromkeys((*first, *settings)) if settings.get(name) != first.get(name)}
        of_task = [[outcome for outcome in group if outcome.task == task] for task in tasks]
        contenders.append(
            Contender(
                name=Path(group[0].name).name + (f" and {len(group) - 1} more" if len(group) > 1 else ""),
                runs=tuple(outcome.name for outcome in group),
                differs=differs,
                scores=[np.concatenate([values(outcome, outcome.seeds) for outcome in same]) for same in of_task],
                curves=[np.concatenate([curves(outcome, at) for outcome in same]) for same, at in zip(of_task, steps, strict=True)]
                if drawn
                else (),
            )
        )
    name = "return" if metric == "score" else metric
    return compare(side, name, normalised, _task_names(tasks), contenders, steps if drawn else ())


def _value(row: Mapping[str, Any], yardsticks: Mapping[str, Any], agents: Sequence[str], metric: str, normalised: bool) -> float:
    """A number for the agents of one side: the mean over them, where each has its own."""
    if metric not in ("score", "return"):
        if metric not in row["metrics"]:
            raise ValueError(unknown_name("metric", metric, ["score", "return", *row["metrics"]]))
        found = row["metrics"][metric]
        return float(np.mean([found[agent] for agent in agents]) if isinstance(found, dict) else found)
    returns = [row["return"][agent] for agent in agents]
    if normalised:
        marks = [(yardsticks[agent]["random"], yardsticks[agent]["scripted"]) for agent in agents]
        returns = [(value - random) / (scripted - random) for value, (random, scripted) in zip(returns, marks, strict=True)]
    return float(np.mean(returns))


def _common_steps(outcomes: Sequence[Outcome]) -> np.ndarray:
    """The steps at which all seeds of all runs were evaluated."""
    seen = [{line["steps"] for line in outcome.lines if line["seed"] == seed["seed"]} for outcome in outcomes for seed in outcome.seeds]
    return np.array(sorted(set.intersection(*seen)), int)


def _require_whole(group: list[Outcome], tasks: list[str], outcomes: Sequence[Outcome]) -> None:
    """Raise `ValueError` where an algorithm lacks a task that others have, or has a seed twice: that would be no other run."""
    for task in tasks:
        mine = [outcome for outcome in group if outcome.task == task]
        if not mine:
            other = next(outcome for outcome in outcomes if outcome.task == task)
            where = f"{other.config.environment}, as {other.name} has it"
            raise ValueError(f"{group[0].name} has no run of the same settings in {where}: give one, or leave it out")
        seen: dict[int, str] = {}
        for outcome in mine:
            for seed in (each["seed"] for each in outcome.seeds):
                if seed in seen:
                    raise ValueError(f"{outcome.name} and {seen[seed]} are of the same settings and seed {seed}; give one of them")
                seen[seed] = outcome.name


def _final(seed: Mapping[str, Any], learned: Sequence[str]) -> dict[str, Any]:
    """A seed's final evaluation in the form of a line of metrics.jsonl, with the yardsticks of those who learned."""
    agents = {name: {mark: seed["agents"][name][mark] for mark in ("random", "scripted", "normalised")} for name in learned}
    returns = {name: float(seed["agents"][name]["mean"]) for name in learned}
    return {"seed": int(seed["seed"]), "metrics": dict(seed["metrics"]), "agents": agents, "return": returns}


def _sides(config: Config, learned: list[str]) -> dict[str, list[str]]:
    """Team -> its agents that learned."""
    if is_particle_world(config):
        teams = {agent.name: agent.team for agent in make_environment(config).spec.agents}
    else:  # nobody's code is run for a table
        given = {name: team for team, settings in config.teams.items() for name in settings.agents or ()}
        teams = {name: given.get(name, team_of(name)) for name in learned}
    sides: dict[str, list[str]] = {}
    for name in learned:
        sides.setdefault(teams[name], []).append(name)
    return sides if len(set(teams.values())) > 1 else {EVERYBODY: learned}


def _task_names(tasks: Sequence[str]) -> list[str]:
    """Each world's name, and what tells it from others of the same name."""
    read = [json.loads(task) for task in tasks]
    names = []
    for environment, settings in read:
        others = [other for name, other in read if name == environment and other != settings]
        differing = [name for name, value in settings.items() if any(other.get(name) != value for other in others)]
        names.append(" ".join([environment, *(f"{name}={settings[name]}" for name in differing)]))
    return names


def _flat(tables: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", list(value) if isinstance(value, tuple) else value
