"""Table 2, cooperative navigation: how far from the landmarks agents are, and how often they bump into each other."""

from __future__ import annotations

from typing import Any

from maddpg.evaluation.rollout import Episodes
from maddpg.paper.study import Measure, Printed, Study, metric

DISTANCE, COLLISIONS = "distance, sum over landmarks", "collisions an episode"


def _summed(episodes: Episodes) -> Any:
    """The world tells the mean over landmarks."""
    covered = episodes.returns.shape[-1]  # as many landmarks as agents
    return covered * metric("distance")(episodes)


def _numbers(distance: float, collisions: float) -> dict[str, Printed]:
    return {DISTANCE: Printed(distance, digits=3), COLLISIONS: Printed(collisions, digits=3)}


STUDY = Study(
    name="navigation",
    title="Cooperative navigation (simple_spread)",
    environment="simple_spread",
    sides={"agents": "agents"},
    kinds=("MADDPG", "DDPG"),
    measures=(Measure(DISTANCE, _summed, digits=3), Measure(COLLISIONS, metric("collisions"), digits=3)),
    seeds=(3,),
    worlds={"N = 3": {"agents": 3}, "N = 6": {"agents": 6}},
    printed={
        ("N = 3", ("MADDPG",)): _numbers(1.767, 0.209),
        ("N = 3", ("DDPG",)): _numbers(1.858, 0.375),
        ("N = 6", ("MADDPG",)): _numbers(3.345, 1.366),
        ("N = 6", ("DDPG",)): _numbers(3.350, 1.585),
    },
    curves={"distance": "distance, mean over landmarks", "collisions": "collisions an episode"},
)
