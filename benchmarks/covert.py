"""What keeps Alice and Bob from talking, in covert communication: `python -m benchmarks.covert [VARIANT ...]`.

simple_crypto, MADDPG on both sides, 300,000 steps, 5 seeds in one program, 1,000 greedy episodes of each: our setting and the paper's, and
between them one of our settings at a time replaced by the paper's, and the other way round for the one that matters. What is there
already is not run again; the table in docs/paper.md is made anew.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks import paper
from benchmarks.arguments import add_names
from benchmarks.cache import RESULTS
from benchmarks.tables import fill
from maddpg.config import Config
from maddpg.paper import Size
from maddpg.paper.covert import BOB, STUDY
from maddpg.paper.reproduce import Piece, Workshop
from maddpg.paper.tables import cell, of_seeds
from maddpg.training.shelf import Shelf

SHELF = Shelf(RESULTS, paper.SHELF.runs)
SIZE = Size(300_000, 1_000, 5)
CHANCE = 0.55
"""A Bob who is right in more steps than this has heard something: guessing gives a half, with a standard error of 1.6 points."""
VARIANTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "unregularised": ("tuned", "tuned, without a regulariser", {"logit_regulariser": 0.0}),
    "gamma": ("tuned", "and a discount of 0.95", {"logit_regulariser": 0.0, "gamma": 0.95}),
    "rates": ("tuned", "and learning rates of 0.01", {"logit_regulariser": 0.0, "actor_rate": 1e-2, "critic_rate": 1e-2}),
    "clip": ("tuned", "and gradients clipped to 0.5 by tensor", {"logit_regulariser": 0.0, "gradient_clip": 0.5, "clip_by": "tensor"}),
    "one critic": ("tuned", "and one critic", {"logit_regulariser": 0.0, "twin_critics": False}),
    "minibatch": ("tuned", "and a minibatch for each agent", {"logit_regulariser": 0.0, "minibatch": "per_agent"}),
    "regularised": ("tuned", "tuned, with the paper's regulariser, 0.001", {"logit_regulariser": 1e-3}),
    "paper": ("paper", "paper", {}),
    "paper unregularised": ("paper", "paper, without a regulariser", {"logit_regulariser": 0.0}),
}
"""Variant -> the setting that it changes, what the table calls it, and the change."""


def piece(variant: str) -> Piece:
    """The run of a variant and its play."""
    setting, _, values = VARIANTS[variant]
    study = replace(STUDY, worlds={variant: {}}, changes={setting: partial(_change, values)})  # the variant's name is in that of the run
    return Workshop(study, SHELF, SIZE, setting, variant, range(5)).together(("MADDPG", "MADDPG"))


def _change(values: dict[str, Any], config: Config) -> Config:
    return replace(config, algorithm=replace(config.algorithm, **values))


def table() -> list[str]:
    """A row for each variant: in how many seeds Bob hears anything, and the study's measures."""
    headings = ("setting", "seeds that talk", *(measure.heading for measure in STUDY.measures))
    rows = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for variant, (_, about, _) in VARIANTS.items():
        result = piece(variant).find(SHELF)
        if result is None:
            rows.append(f"| {about} | not run yet |{' |' * len(STUDY.measures)}")
            continue
        bob = np.array(result["means"][BOB])
        cells = (cell(measure, measure.possible(of_seeds([result["means"][measure.heading]]))) for measure in STUDY.measures)
        rows.append(f"| {about} | {np.sum(bob > CHANCE)} of {len(bob)} | {' | '.join(cells)} |")
    return rows


def render(text: str) -> str:
    """The page with its table made anew from the committed results."""
    return fill(text, {"covert-settings": table()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_names(parser, "variant", VARIANTS)
    variants = parser.parse_args().variants
    for variant in variants:
        one = piece(variant)
        if one.find(SHELF) is None:
            SHELF.write(one.name, one.make(), *one.configs)
    print("\n".join(table()))
    paper.PAGE.write_text(render(paper.PAGE.read_text()))


if __name__ == "__main__":
    main()
