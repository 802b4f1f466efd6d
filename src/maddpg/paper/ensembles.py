"""The ensembles of section 5.4 against single policies, in both roles: keep-away, physical deception, predator-prey."""

from __future__ import annotations

from dataclasses import replace

from maddpg.paper import deception, predator_prey
from maddpg.paper.study import Measure, Study, metric

KEEP_AWAY = Study(
    name="ensembles-keep-away",
    title="Ensembles in keep-away (simple_push)",
    environment="simple_push",
    sides={"good": "good agent", "adversary": "adversary"},
    kinds=("MADDPG", "ensemble of 3"),
    measures=(
        Measure("good agent succeeds, %", metric("agent_success"), percent=True),
        Measure("steps of the adversary on the goal", metric("adversary_on_goal"), digits=2),
        Measure("collisions an episode", metric("collisions"), digits=2),
    ),
    seeds=(5,),
    together=False,
)
DECEPTION = replace(
    deception.STUDY,
    name="ensembles-deception",
    title="Ensembles in physical deception (simple_adversary)",
    kinds=("MADDPG", "ensemble of 3"),
    worlds={"N = 2": deception.WORLDS["N = 2"]},
    printed={},
    together=False,
)
PREDATOR_PREY = replace(
    predator_prey.STUDY,
    name="ensembles-predator-prey",
    title="Ensembles in predator-prey (simple_tag)",
    kinds=("MADDPG", "ensemble of 2"),
    worlds={"prey 30% faster": predator_prey.WORLDS["prey 30% faster"]},
    printed={},
    together=False,
)
