"""Whose policies the critic knows, in cooperative communication: `python -m benchmarks.inference [VARIANT ...]`.

simple_speaker_listener, box actions, default preset, 500,000 steps, 10 seeds in one program; then 1,000 greedy episodes of each seed in the
real mpe2. A critic with the others' true policies (MADDPG), with models of them (the paper's section 4.2), with its own observation and
action alone (DDPG), and MADDPG whose actor's loss takes the others' current actions. docs/images/inference.png shows how far the models are
from the policies while both learn.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.arguments import add_names
from benchmarks.cache import RESULTS, SHELF
from benchmarks.mpe2_scores import in_mpe2
from benchmarks.tables import over_seeds
from maddpg.algorithm.state import assemble, init
from maddpg.config import Config, preset
from maddpg.environments.particles import from_scenario
from maddpg.environments.registry import resolve
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.evaluation.players import Player, everybody
from maddpg.evaluation.rollout import make_rollout
from maddpg.paper.curves import RETURN, read_curves
from maddpg.particles import World, make_scenario
from maddpg.particles.actions import Intention
from maddpg.particles.play import go_to
from maddpg.storage.files import write_json
from maddpg.storage.run_folder import RunFolder
from maddpg.training.trained import Trained

WORLD = "simple_speaker_listener"
STEPS, SEEDS, EPISODES = 500_000, 10, 10_000
SOLVED = -10.0
"""A seed whose return is at least this has solved the task: `deaf_listener` says what can be had without listening."""
DEAF = RESULTS / "deaf-listener.json"
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "maddpg": ("MADDPG: the others' true policies", {}),
    "inferred": ("inferred policies (section 4.2)", {"inference": True}),
    "ddpg": ("DDPG: own observation and action alone", {"critic_view": "own"}),
    "current": ("the others' current actions in the actor's loss", {"others_actions": "current"}),
}
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "inference.png"


def config(variant: str) -> Config:
    """The default preset with one thing changed."""
    base = preset("tuned", WORLD)
    training = replace(base.training, steps=STEPS, seeds=SEEDS, evaluation_interval=25_000)
    return resolve(replace(base, algorithm=replace(base.algorithm, **VARIANTS[variant][1]), training=training))


def summarise(settings: Config, result: Trained, folder: RunFolder) -> dict[str, Any]:
    """The evaluation in mpe2; the curve of greedy returns; and, of models, the curve of every pair's numbers: mean over seeds."""
    curves = read_curves(folder.metrics)
    evaluated, models = curves["evaluation"], curves.get("models", {"steps": []})
    return {
        **in_mpe2(settings, ({},), result),
        "curve": [[steps, *values] for steps, values in zip(evaluated["steps"], evaluated[RETURN], strict=True)],
        "models": {
            name: [[steps, float(np.mean(values)), float(np.std(values))] for steps, values in zip(models["steps"], curve, strict=True)]
            for name, curve in models.items()
            if name != "steps"
        },
    }


def table() -> list[str]:
    """Seeds solved, mean with its interval, and every seed, for README."""
    rows = ["| critic | seeds solved | return | seeds |", "|---|---|---|---|"]
    for variant, (about, _) in VARIANTS.items():
        run = SHELF.find(f"inference-{variant}", config(variant))
        if run is None:
            rows.append(f"| {about} | not run yet | | |")
            continue
        means = sorted(seed["agents"]["listener_0"]["mean"] for seed in run["evaluations"][0]["seeds"])
        seeds = ", ".join(f"{mean:.1f}" for mean in means)
        rows.append(f"| {about} | {sum(mean >= SOLVED for mean in means)} of {len(means)} | {over_seeds(means)} | {seeds} |")
    deaf = deaf_listener()
    rows.append(f"| none: a listener that goes to the middle, by script | | {deaf['mean']:.2f} ± {deaf['standard_error']:.2f} | |")
    return rows


def deaf_listener() -> dict[str, float]:
    """Return of a listener that goes to the middle of the landmarks, whatever it hears: mean and standard error, on the device."""
    if DEAF.is_file():
        return json.loads(DEAF.read_text())
    scenario = make_scenario(WORLD)

    def script(_: jax.Array, world: World) -> Intention:
        middle = jnp.broadcast_to(world.landmark.mean(axis=0), world.position.shape)
        return Intention(go_to(scenario.bodies, world, middle), jnp.zeros_like(world.message))

    environment = from_scenario(replace(scenario, script=script))
    algorithm = assemble(preset("tuned", WORLD).algorithm, environment.spec)
    actor = init(algorithm, jax.random.key(0)).actor
    nobody_learned = jax.tree.map(lambda leaf: leaf[None], actor)
    players = jnp.asarray(everybody(environment.spec, Player.SCRIPTED))[None]
    rollout = make_rollout(algorithm, environment, EPISODES)
    returns = np.asarray(rollout(nobody_learned, players, jax.random.key(EVALUATION_SEED)[None]).returns)[0, :, 1]
    result = {"episodes": EPISODES, "mean": float(returns.mean()), "standard_error": float(returns.std(ddof=1) / np.sqrt(EPISODES))}
    write_json(DEAF, result)
    return result


def draw() -> None:
    """KL of each model of a policy to that policy, over training."""
    from matplotlib.figure import Figure

    run = SHELF.find("inference-inferred", config("inferred"))
    if run is None:
        return
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, curve in run["models"].items():
        kind, learner, other = name.split("/")
        steps, mean, deviation = np.array(curve).T
        axes, label = (left if kind == "inference_kl" else right), f"{learner}'s model of {other}"
        axes.plot(steps, mean, label=label)
        axes.fill_between(steps, np.maximum(mean - deviation, 0), mean + deviation, alpha=0.2)
    left.set(title="KL(policy || model), nats", xlabel="environment steps")
    right.set(title="error of the means, in halves of the range", xlabel="environment steps")
    left.legend(fontsize="small")
    figure.savefig(PICTURE, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_names(parser, "variant", VARIANTS)
    for variant in parser.parse_args().variants:
        settings = config(variant)

        def keep(result: Trained, folder: RunFolder, settings: Config = settings) -> dict[str, Any]:
            return summarise(settings, result, folder)

        SHELF.trained(f"inference-{variant}", settings, keep)
    print("\n".join(table()))
    draw()


if __name__ == "__main__":
    main()
