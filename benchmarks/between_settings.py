"""What lies between the paper's setting and ours, one setting at a time: `python -m benchmarks.between_settings [TABLE ...]`.

Covert communication and physical deception (N = 2), MADDPG on both sides, 5 seeds in one program, 1,000 greedy episodes of each, after
300,000 steps or as many as in the paper's table: our setting and the paper's, and between them one of our settings at a time replaced by
the paper's, and the other way round for the one that matters. What is there already is not run again; the tables in docs/paper.md are made
anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks import paper
from benchmarks.arguments import add_names
from benchmarks.cache import RESULTS
from benchmarks.tables import fill
from maddpg.config import Config
from maddpg.paper import FULL, Size, covert, deception
from maddpg.paper.reproduce import Piece, Workshop
from maddpg.paper.study import Study
from maddpg.paper.tables import NOT_RUN, cell, of_seeds
from maddpg.training.shelf import Shelf

SHELF = Shelf(RESULTS, paper.SHELF.runs)
SIZE = Size(300_000, 1_000)
SEEDS, BOTH = range(5), ("MADDPG", "MADDPG")
HEARD = 0.55
"""A Bob who is right in more steps than this has heard something: guessing gives a half, with a standard error of 1.6 points."""


@dataclass(frozen=True)
class Variant:
    """A setting with something changed."""

    about: str
    """What the table calls it."""
    setting: str = "tuned"
    algorithm: Mapping[str, Any] = field(default_factory=dict)
    world: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    size: Size = SIZE
    in_the_paper: bool = False
    """Whether it is the setting itself at full length, which stands in the paper's table."""


@dataclass(frozen=True)
class Comparison:
    """Variants of a study's run."""

    study: Study
    world: str
    """Which of the study's worlds."""
    variants: Mapping[str, Variant]
    counts: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    """Heading -> what is counted over seeds of the measures' means, beside the study's measures."""

    def piece(self, name: str) -> tuple[Piece, Shelf]:
        """The run of a variant and its play, and where its result lies."""
        variant = self.variants[name]
        if variant.in_the_paper:
            return Workshop(self.study, paper.SHELF, FULL, variant.setting, self.world, SEEDS).together(BOTH), paper.SHELF
        changes = {variant.setting: partial(_change, variant)}
        study = replace(self.study, worlds={name: self.study.worlds[self.world]}, changes=changes)  # the run's name has the variant's in it
        return Workshop(study, SHELF, variant.size, variant.setting, name, SEEDS).together(BOTH), SHELF

    def table(self) -> list[str]:
        """A row for each variant: what is counted, and the study's measures."""
        measures = self.study.measures
        headings = ("setting", *self.counts, *(measure.heading for measure in measures))
        rows = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
        for name, variant in self.variants.items():
            piece, shelf = self.piece(name)
            result = piece.find(shelf)
            if result is None:
                rows.append(f"| {variant.about} | {NOT_RUN} |{' |' * (len(headings) - 2)}")
                continue
            cells = [count(result["means"]) for count in self.counts.values()]
            cells += [cell(measure, measure.possible(of_seeds([result["means"][measure.heading]]))) for measure in measures]
            rows.append(f"| {variant.about} | {' | '.join(cells)} |")
        return rows


def _change(variant: Variant, config: Config) -> Config:
    tables = {name: replace(getattr(config, name), **getattr(variant, name)) for name in ("algorithm", "world", "training")}
    return replace(config, **tables)


def _talk(means: Mapping[str, Any]) -> str:
    bob = np.array(means[covert.BOB])
    return f"{np.sum(bob > HEARD)} of {len(bob)}"


MUTE = {"logit_regulariser": 0.0}
RATES = {"actor_rate": 1e-2, "critic_rate": 1e-2}
CLIPPED = {"gradient_clip": 0.5, "clip_by": "tensor"}
GAME = Variant(
    "and the paper's dynamics, rewards, actions and discount",
    algorithm={"gamma": 0.95},
    world={"dynamics": "openai", "rewards": "openai", "action_mode": "simplex"},
)
TABLES: dict[str, Comparison] = {
    "covert": Comparison(
        covert.STUDY,
        "",
        {
            "unregularised": Variant("tuned, without a regulariser", algorithm=MUTE),
            "gamma": Variant("and a discount of 0.95", algorithm=MUTE | {"gamma": 0.95}),
            "rates": Variant("and learning rates of 0.01", algorithm=MUTE | RATES),
            "clip": Variant("and gradients clipped to 0.5 by tensor", algorithm=MUTE | CLIPPED),
            "one critic": Variant("and one critic", algorithm=MUTE | {"twin_critics": False}),
            "minibatch": Variant("and a minibatch for each agent", algorithm=MUTE | {"minibatch": "per_agent"}),
            "start": Variant(
                "and one update a round, a policy's warm-up, targets of their own weights",
                algorithm=MUTE | {"target_initialisation": "independent"},
                training={"updates": 1, "warmup_steps": 25_600, "warmup_policy": "policy"},
            ),
            "regularised": Variant("tuned, with the paper's regulariser, 0.001", algorithm={"logit_regulariser": 1e-3}),
            "paper": Variant("paper", "paper"),
            "paper unregularised": Variant("paper, without a regulariser", "paper", MUTE),
        },
        {"seeds that talk": _talk},
    ),
    "deception": Comparison(
        deception.STUDY,
        "N = 2",
        {
            "tuned": Variant("tuned"),
            "gamma": Variant("and a discount of 0.95", algorithm={"gamma": 0.95}),
            "actions": Variant("and actions on the simplex", world={"action_mode": "simplex"}),
            "dynamics": Variant("and the released code's dynamics", world={"dynamics": "openai"}),
            "rewards": Variant("and the released code's rewards", world={"rewards": "openai"}),
            "world": Variant("and both", world={"dynamics": "openai", "rewards": "openai"}),
            "one critic": Variant("and one critic", algorithm={"twin_critics": False}),
            "rates": Variant("and learning rates of 0.01", algorithm=RATES),
            "clip": Variant("and gradients clipped to 0.5 by tensor", algorithm=CLIPPED),
            "minibatch": Variant("and a minibatch for each agent", algorithm={"minibatch": "per_agent"}),
            "game": GAME,
            "paper": Variant("paper", "paper"),
            "tuned long": Variant("tuned, 625,000 steps", size=FULL, in_the_paper=True),
            "game long": replace(GAME, about=f"{GAME.about}, 625,000 steps", size=FULL),
            "paper long": Variant("paper, 625,000 steps", "paper", size=FULL, in_the_paper=True),
        },
    ),
}
"""Table -> its variants, each named as its run is."""


def render(text: str) -> str:
    """The page with its tables made anew from the committed results."""
    return fill(text, {f"{name}-settings": comparison.table() for name, comparison in TABLES.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_names(parser, "table", TABLES)
    for comparison in map(TABLES.__getitem__, parser.parse_args().tables):
        for piece, shelf in map(comparison.piece, comparison.variants):
            if piece.find(shelf) is None:
                shelf.write(piece.name, piece.make(), *piece.configs)
        print("\n".join(comparison.table()))
    paper.PAGE.write_text(render(paper.PAGE.read_text()))


if __name__ == "__main__":
    main()
