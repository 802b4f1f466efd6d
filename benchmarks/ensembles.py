"""Policy ensembles against single policies, in both roles: `python -m benchmarks.ensembles [WORLD ...]`.

Keep-away (simple_push) and physical deception (simple_adversary), box actions, default preset, 500,000 steps, 5 seeds; K = 3 sub-policies
against single policies, trained by themselves and then crossed: every seed of one side with every other seed of the other
side (equal seeds were trained together, or began alike), 1,000 greedy episodes a pairing, a sub-policy drawn for each team and episode.
Both kinds take as many environment steps, and each sub-policy as many updates as the single policy. Intervals are 95% jackknife intervals
over the seeds of both kinds.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.arguments import add_names
from benchmarks.cache import SHELF
from maddpg.config import Config, preset
from maddpg.environments.registry import resolve
from maddpg.evaluation.crossing import cross
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.statistics import Interval, jackknife_interval
from maddpg.training.build import build

WORLDS = ("simple_push", "simple_adversary")
STEPS, SEEDS, SIZE, EPISODES = 500_000, 5, 3, 1_000
KINDS = {"single": 1, "ensemble": SIZE}
TEAMS = ("adversary", "good")


def config(world: str, kind: str) -> Config:
    """The default preset with K sub-policies or one."""
    base = preset("tuned", world)
    training = replace(base.training, steps=STEPS, seeds=SEEDS, evaluation_interval=0)
    return resolve(replace(base, algorithm=replace(base.algorithm, ensemble_size=KINDS[kind]), training=training))


def measure(world: str) -> dict[str, Any]:
    """Mean return of each team, [adversary's seed, good agents' seed], for every pairing of the kinds, and the minutes of training."""
    parts = build(config(world, "ensemble"))
    runs = {kind: SHELF.actors(f"ensembles-{world}-{kind}", config(world, kind)) for kind in KINDS}
    teams = parts.spec.teams
    team_of = np.array([teams.index(agent.team) for agent in parts.spec.agents])
    pairings = {}
    for adversary, good in itertools.product(KINDS, KINDS):
        line_up = {"adversary": runs[adversary][0], "good": runs[good][0]}
        returns = cross(parts.algorithm, parts.device_environment(), line_up, EPISODES, jax.random.key(EVALUATION_SEED)).returns
        means = np.asarray(jnp.mean(returns, axis=2))  # [adversary's seed, good agents' seed, agent]
        pairings[f"{adversary} adversary, {good} good"] = {
            team: means[..., team_of == number].mean(axis=-1).tolist() for number, team in enumerate(teams)
        }
    return {"pairings": pairings, "training_minutes": {kind: minutes for kind, (_, minutes) in runs.items()}}


def statistics(result: dict[str, Any]) -> dict[str, dict[str, Interval]]:
    """Of each pairing, and of each side's gain by being an ensemble: team -> mean and 95% jackknife interval.

    A seed that is left out is left out of all pairings, so that gains are differences of the same runs.
    """
    everyone = {kind: np.arange(SEEDS) for kind in KINDS}

    def mean(team: str, adversary: str, good: str, seeds: dict[str, np.ndarray]) -> float:
        table = np.array(result["pairings"][f"{adversary} adversary, {good} good"][team])
        np.fill_diagonal(table, np.nan)
        return float(np.nanmean(table[np.ix_(seeds[adversary], seeds[good])]))

    def interval(estimate: Callable[[dict[str, np.ndarray]], float]) -> Interval:
        left_out = [np.array([estimate(everyone | {kind: np.delete(everyone[kind], seed)}) for seed in range(SEEDS)]) for kind in KINDS]
        return jackknife_interval(estimate(everyone), left_out)

    rows: dict[str, dict[str, Interval]] = {}
    for adversary, good in itertools.product(KINDS, KINDS):
        rows[f"{adversary} | {good}"] = {team: interval(partial(mean, team, adversary, good)) for team in TEAMS}
    for opponent in KINDS:

        def adversary_gain(seeds: dict[str, np.ndarray], other: str = opponent) -> float:
            return mean("adversary", "ensemble", other, seeds) - mean("adversary", "single", other, seeds)

        def good_gain(seeds: dict[str, np.ndarray], other: str = opponent) -> float:
            return mean("good", other, "ensemble", seeds) - mean("good", other, "single", seeds)

        rows[f"gain by an ensemble | {opponent}"] = {"adversary": interval(adversary_gain)}
        rows[f"{opponent} | gain by an ensemble"] = {"good": interval(good_gain)}
    return rows


def table() -> list[str]:
    """Who plays whom, and what each side gets."""
    rows = ["| world | adversaries | good agents | return of each adversary | return of each good agent |", "|---|---|---|---|---|"]
    for world in WORLDS:
        result = SHELF.find(f"ensembles-{world}", config(world, "ensemble"))
        if result is None:
            rows.append(f"| {world} | not run yet | | | |")
            continue
        for pairing, teams in statistics(result).items():
            cells = [_cell(teams[team]) if team in teams else "" for team in TEAMS]
            rows.append(f"| {world} | {pairing} | {' | '.join(cells)} |")
    return rows


def _cell(interval: Interval) -> str:
    return f"{interval.estimate:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_names(parser, "world", WORLDS)
    for world in parser.parse_args().worlds:
        settings = config(world, "ensemble")
        if SHELF.find(f"ensembles-{world}", settings) is None:
            SHELF.write(f"ensembles-{world}", measure(world), settings)
    print("\n".join(table()))


if __name__ == "__main__":
    main()
