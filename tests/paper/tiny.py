"""A study of tiny runs, and results that nobody trained for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from maddpg.config import Config
from maddpg.evaluation.rollout import Episodes
from maddpg.paper.reproduce import Piece, Workshop
from maddpg.paper.settings import Size
from maddpg.paper.study import Measure, Study, metric
from maddpg.training.shelf import Shelf

SIZE = Size(steps=30_000, episodes=12, most_seeds=2, settings=("tuned",))
"""More steps than any warm-up; what is trained here takes fewer."""


def tiny(config: Config) -> Config:
    """Networks of a few units, 400 steps, and little of everything."""
    small = replace(config.algorithm, actor_layers=(8,), critic_layers=(8,))
    amount = {"steps": 400, "environments": 10, "warmup_steps": 50, "batch_size": 16}
    evaluations = {"evaluation_interval": 200, "evaluation_episodes": 10}
    return replace(config, algorithm=small, training=replace(config.training, **amount, **evaluations))


def _return_of_the_good_agent(episodes: Episodes) -> Any:
    return episodes.returns[..., 1]


PUSH = Study(
    name="push",
    title="Keep-away",
    environment="simple_push",
    sides={"good": "good agent", "adversary": "adversary"},  # the environment has the adversary first
    kinds=("MADDPG", "DDPG"),
    measures=(
        Measure("return of the good agent", _return_of_the_good_agent, digits=2),
        Measure("succeeds, %", metric("agent_success"), percent=True),
    ),
    seeds=(10,),
    together=False,
    changes={"tuned": tiny},
)
FRESH = replace(PUSH, name="fresh", kinds=("DDPG",), together=True, afresh={"good": "a fresh adversary"})
"""Its only run is one of those of `PUSH`."""
LISTENER = Study(
    name="listener",
    title="Communication",
    environment="simple_speaker_listener",
    sides={"agents": "agents"},
    kinds=("MADDPG", "inferred policies"),
    measures=(Measure("reached, %", metric("reached"), percent=True), Measure("distance", metric("final_distance"), digits=3)),
    seeds=(10,),
    curves={"reached": "share that reaches it"},
)


def shelf_in(folder: Path, said: list[str] | None = None) -> Shelf:
    """A shelf in this folder; `said` hears what it says."""
    return Shelf(folder / "results", folder / "runs", say=(said if said is not None else []).append)


def curves(*names: str) -> dict[str, Any]:
    """Of two seeds at two steps: 1 and 3, then 5 and 7; of each further name ten more."""
    tables = {name: [[10 * row + 1, 10 * row + 3], [10 * row + 5, 10 * row + 7]] for row, name in enumerate(("return", *names))}
    return {"evaluation": {"steps": [200, 400], **tables}}


def workshop(shelf: Shelf, study: Study, setting: str = "tuned", world: str = "", seeds: range = range(2), size: Size = SIZE) -> Workshop:
    """The pieces of a study for these seeds."""
    return Workshop(study, shelf, size, setting, world, seeds)


def put(piece: Piece, shelf: Shelf, means: Mapping[str, Any], **more: Any) -> None:
    """A result that nobody trained for; of what is not given the means are zeros."""
    every = {heading: [0.0] for heading in piece.headings} | means
    shelf.write(piece.name, {"training_minutes": 1.5, "episodes": piece.episodes, "means": every, **more}, *piece.configs)
