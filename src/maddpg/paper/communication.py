"""Table 1 and the learning curves of cooperative communication: does the listener reach the landmark that the speaker names?"""

from __future__ import annotations

from typing import Any

from maddpg.evaluation.rollout import Episodes
from maddpg.paper.study import REACHED, Measure, Printed, Study, metric, within

SQUARED = "its square"
"""A listener in the middle of the landmarks ends 0.606 from its goal in the mean, and at a mean square of 4/9. The paper's DDPG has
0.456: its column must be of squares."""
NEAR = f"within {REACHED}, %"


def _squared(episodes: Episodes) -> Any:
    return metric("final_distance")(episodes) ** 2


MEASURES = (
    *(Measure(f"within {radius}, %", within("final_distance", radius), percent=True) for radius in (0.1, 0.2, 0.3, REACHED)),
    Measure("final distance", metric("final_distance"), digits=3),
    Measure(SQUARED, _squared, digits=3),
)

STUDY = Study(
    name="communication",
    title="Cooperative communication (simple_speaker_listener)",
    environment="simple_speaker_listener",
    sides={"agents": "agents"},
    kinds=("MADDPG", "DDPG"),
    measures=MEASURES,
    seeds=(10,),
    printed={
        ("", ("MADDPG",)): {NEAR: Printed(84.0, verified=True), SQUARED: Printed(0.133, digits=3)},
        ("", ("DDPG",)): {NEAR: Printed(32.0), SQUARED: Printed(0.456, digits=3)},
    },
    curves={"reached": "share of episodes that end within 0.1", "final_distance": "distance at the end"},
)
