"""The trained teams that come with the package: `python -m benchmarks.zoo [WORLD ...]`.

Every particle world is trained with the default preset, simple_tag with what README.md says of it, as `maddpg train WORLD` does. What is
kept of a run, in src/maddpg/zoo: its configuration, its card, its evaluation, and its networks without their targets: where all are one
team those of the best evaluation on the way, since learning may fall back. A world that is there is not trained again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.arguments import add_names
from benchmarks.tables import fill
from maddpg.environments.registry import describe_environments
from maddpg.evaluation.evaluate import evaluate
from maddpg.evaluation.players import as_trained
from maddpg.report.card import write_card
from maddpg.storage.arrays import save_tree
from maddpg.storage.files import write_json
from maddpg.storage.run_folder import RunFolder
from maddpg.storage.zoo import PREFIX, ZOO, write_sums, zoo_names
from maddpg.training.build import build
from maddpg.training.saved import NO_TARGETS, TARGETS, load_networks, note_steps, trained_steps

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "zoo.md"
FLAGS = {"simple_tag": ("--gamma", "0.95", "--noise", "0.5", "--potential", "adversary:distance=-10")}
EPISODES = 1_000
WORLDS = tuple(spec.name for spec, _, _ in describe_environments())


def train(world: str) -> RunFolder:
    """A finished run in that world; one that was stopped goes on."""
    folder = RunFolder(Path("runs") / f"{PREFIX}{world}")  # its card calls it by this name
    command = (
        ["resume", str(folder.path)] if folder.config.is_file() else ["train", world, "--out", str(folder.path), *FLAGS.get(world, ())]
    )
    subprocess.run([sys.executable, "-m", "maddpg", *command], check=True)
    return folder


def keep(run: RunFolder, place: Path) -> None:
    """Put what the zoo has of a run into a new folder: where all are one team, the networks of its best evaluation, else the last ones."""
    config = run.read_config()
    parts = build(config)
    best = len(parts.spec.teams) == 1
    networks, steps = load_networks(run, config, parts.algorithm, best), trained_steps(run, config, best)
    stage, players = parts.stage(EPISODES), as_trained(parts.algorithm)
    evaluation = evaluate(
        parts.spec,
        stage.play(networks["actor"]),
        config.training.all_seeds,
        EPISODES,
        players,
        config.world.action_mode,
        scripted=stage.scripted,
    )
    stage.close()
    staged = place.with_name(f".{place.name}.part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    slim = {name: tree for name, tree in networks.items() if not name.startswith("target_")}
    save_tree(staged / run.parameters.name, slim, {**note_steps(steps), TARGETS: NO_TARGETS})
    write_json(staged / run.evaluation.name, evaluation.to_dict())
    write_card(run, config, parts.spec, steps[0], evaluation, best)  # there it has the name by which it is loaded
    for file in (run.config, run.card):
        shutil.copyfile(file, staged / file.name)
    staged.rename(place)


def table(zoo: Path = ZOO) -> list[str]:
    """One row for each team of each world."""
    rows = ["| name | team | return of an agent | random | still | scripted | KiB |", "|---" * 7 + "|"]
    for name in zoo_names(zoo):
        folder = RunFolder(zoo / name)
        spec = build(folder.read_config()).spec
        (seed,) = json.loads(folder.evaluation.read_text())["seeds"]
        for team in spec.teams:
            scores = [seed["agents"][agent.name] for agent in spec.agents if agent.team == team]
            mean = {of: sum(score[of] for score in scores) / len(scores) for of in ("mean", "random", "still", "scripted")}
            numbers = " | ".join(f"{mean[of]:.2f}" for of in ("mean", "random", "still", "scripted"))
            size = folder.parameters.stat().st_size / 1024
            rows.append(f"| `zoo:{name}` | {team} ({len(scores)}) | {numbers} | {size:.0f} |")
    return rows


def render(text: str) -> str:
    """The page with its table made anew."""
    return fill(text, {"zoo": table()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_names(parser, "world", WORLDS)
    for world in parser.parse_args().worlds:
        if not (ZOO / world).is_dir():
            keep(train(world), ZOO / world)
            write_sums(ZOO)
    PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
