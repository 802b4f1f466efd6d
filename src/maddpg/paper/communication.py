"""Table 1 and the learning curves of cooperative communication: does the listener reach the landmark that the speaker names?"""

from __future__ import annotations

from maddpg.paper.study import Measure, Printed, Study, metric, within

NEAR = "within 0.45, %"
MEASURES = (
    *(Measure(f"within {radius}, %", within("final_distance", radius), percent=True) for radius in (0.1, 0.2, 0.3, 0.45)),
    Measure("final distance", metric("final_distance"), digits=3),
)
CURVES = {"reached": "share of episodes that end within 0.1", "final_distance": "distance at the end"}

STUDY = Study(
    name="communication",
    title="Cooperative communication (simple_speaker_listener)",
    environment="simple_speaker_listener",
    sides={"agents": "agents"},
    kinds=("MADDPG", "DDPG"),
    measures=MEASURES,
    seeds=(10,),
    # The text does not say how near a landmark is reached. A listener that hears nothing and goes to the middle of the landmarks, as DDPG's
    # does, ends as often within 0.45 of the goal as the paper's DDPG reaches it.
    printed={
        ("", ("MADDPG",)): {NEAR: Printed(84.0, verified=True), "final distance": Printed(0.133, digits=3)},
        ("", ("DDPG",)): {NEAR: Printed(32.0, verified=True), "final distance": Printed(0.456, digits=3)},
    },
    curves=CURVES,
)
