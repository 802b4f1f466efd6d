"""Table 5, covert communication: does Bob understand Alice, and Eve not?

An Eve that learned little proves nothing. So beside the paper's pairings an Eve learns afresh, against an Alice and a Bob that stay as they
are, with a critic that sees everything.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from maddpg.evaluation.rollout import Episodes
from maddpg.paper.study import Measure, Printed, Study, metric

BOB, EVE, MARGIN, EITHER_WAY = "Bob is right, %", "Eve is right, %", "margin", "Eve, read either way, %"


def _margin(episodes: Episodes) -> Any:
    return metric("bob_correct")(episodes) - metric("eve_correct")(episodes)


def _either_way(right: np.ndarray) -> np.ndarray:
    """There are two words: an Eve who is nearly always wrong knows as much as one who is nearly always right."""
    return np.maximum(right, 1 - right)


def _numbers(bob: float, eve: float, verified: bool = False) -> dict[str, Printed]:
    return {BOB: Printed(bob), EVE: Printed(eve), MARGIN: Printed(bob - eve, verified)}


STUDY = Study(
    name="covert",
    title="Covert communication (simple_crypto)",
    environment="simple_crypto",
    sides={"good": "Alice and Bob", "adversary": "Eve"},
    kinds=("MADDPG", "DDPG"),
    measures=(
        Measure(BOB, metric("bob_correct"), percent=True),
        Measure(EVE, metric("eve_correct"), percent=True),
        Measure(MARGIN, _margin, percent=True, signed=True),
        Measure(EITHER_WAY, metric("eve_correct"), percent=True, of_mean=_either_way),
    ),
    seeds=(5, 5),
    printed={
        ("", ("MADDPG", "MADDPG")): _numbers(96.5, 52.1),
        ("", ("MADDPG", "DDPG")): _numbers(96.8, 44.4, verified=True),
        ("", ("DDPG", "MADDPG")): _numbers(65.3, 64.3),
        ("", ("DDPG", "DDPG")): _numbers(92.7, 67.6, verified=True),
    },
    afresh={"good": "an Eve trained afresh"},
)
