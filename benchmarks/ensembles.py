"""Policy ensembles against single policies, in both roles: `python -m benchmarks.ensembles [WORLD ...]`.

Keep-away (simple_push) and physical deception (simple_adversary), box actions, default preset, 500,000 steps, 5 seeds; K = 3 sub-policies
against single policies, trained by themselves and then crossed: every seed of one side with every seed of the other, 1,000 greedy episodes
a pairing, a sub-policy drawn for each team and episode. Both kinds take as many environment steps, and each sub-policy as many updates
as the single policy. Intervals are 95% bootstrap intervals over the seeds of both sides.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cache import find, trained_actors, write_result
from maddpg.config import Config, preset
from maddpg.environments.registry import resolve
from maddpg.evaluation.crossing import cross
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.training.build import build

WORLDS = ("simple_push", "simple_adversary")
STEPS, SEEDS, SIZE, EPISODES = 500_000, 5, 3, 1_000
KINDS = {"single": 1, "ensemble": SIZE}


def config(world: str, kind: str) -> Config:
    """The default preset with K sub-policies or one."""
    base = preset("tuned", world)
    training = replace(base.training, steps=STEPS, seeds=SEEDS, evaluation_interval=0)
    return resolve(replace(base, algorithm=replace(base.algorithm, ensemble_size=KINDS[kind]), training=training))


def measure(world: str) -> dict[str, Any]:
    """Mean return of each team, [adversary's seed, good agents' seed], for every pairing of the kinds."""
    parts = build(config(world, "ensemble"))
    actors = {kind: trained_actors(f"ensembles-{world}-{kind}", config(world, kind)) for kind in KINDS}
    teams = parts.environment.spec.teams
    team_of = np.array([teams.index(agent.team) for agent in parts.environment.spec.agents])
    pairings = {}
    for adversary, good in itertools.product(KINDS, KINDS):
        line_up = {"adversary": actors[adversary], "good": actors[good]}
        returns = cross(parts.algorithm, parts.environment, line_up, EPISODES, jax.random.key(EVALUATION_SEED))
        means = np.asarray(jnp.mean(returns, axis=2))  # [adversary's seed, good agents' seed, agent]
        pairings[f"{adversary} adversary, {good} good"] = {
            team: means[..., team_of == number].mean(axis=-1).tolist() for number, team in enumerate(teams)
        }
    return {"name": f"ensembles-{world}", "pairings": pairings}


def bootstrap(table: np.ndarray) -> tuple[float, float, float]:
    """Mean of [seed, seed] and a 95% interval, seeds of both sides drawn anew."""
    generator = np.random.default_rng(0)
    rows, columns = generator.integers(0, len(table), (2, 2_000, len(table)))
    draws = table[rows[:, :, None], columns[:, None, :]].mean(axis=(1, 2))
    return float(table.mean()), float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))


def table() -> list[str]:
    """Who plays whom, and what each side gets."""
    rows = ["| world | adversaries | good agents | return of each adversary | return of each good agent |", "|---|---|---|---|---|"]
    for world in WORLDS:
        result = find(f"ensembles-{world}", config(world, "ensemble"))
        if result is None:
            rows.append(f"| {world} | not run yet | | | |")
            continue
        for pairing, teams in result["pairings"].items():
            adversary, good = (side.split()[0] for side in pairing.split(", "))
            numbers = [bootstrap(np.array(teams[team])) for team in ("adversary", "good")]
            cells = [f"{mean:.2f} ({low:.2f} to {high:.2f})" for mean, low, high in numbers]
            rows.append(f"| {world} | {adversary} | {good} | {' | '.join(cells)} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="*", metavar="WORLD", default=list(WORLDS), help=f"of {', '.join(WORLDS)}; all if left out")
    for world in parser.parse_args().worlds:
        settings = config(world, "ensemble")
        if find(f"ensembles-{world}", settings) is None:
            write_result(f"ensembles-{world}", settings, measure(world))
    print("\n".join(table()))


if __name__ == "__main__":
    main()
