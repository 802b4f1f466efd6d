"""Table 3, predator-prey: how often predators touch prey that is faster by 30% and by 100%."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from maddpg.config import Config, RewardDesignConfig
from maddpg.evaluation.rollout import Episodes
from maddpg.paper.study import Measure, Printed, Study, metric
from maddpg.particles.scenarios.simple_tag import CATCH

TOUCHES = "touches an episode"
WORLDS = {
    "prey 30% faster": {},
    # Damping holds the prey of the first world at 1.23 times its top speed of 1.3; here it is about as much.
    "prey 100% faster": {"prey_speed": 2.0, "prey_acceleration": 6.0},
}


def as_in_the_paper(config: Config) -> Config:
    """Wider networks, and as many obstacles as predators (N = L = 3); both are remembered from the appendix."""
    wide = replace(config.algorithm, actor_layers=(128, 128), critic_layers=(128, 128))
    return replace(config, algorithm=wide, world=replace(config.world, obstacles=3))


def as_we_do(config: Config) -> Config:
    """Touches are rare: a longer view, more noise, and a potential that leads predators to the prey (docs/reward_design.md)."""
    algorithm = replace(config.algorithm, gamma=0.95, noise=0.5)
    return replace(config, algorithm=algorithm, reward_design=RewardDesignConfig(potential=("adversary:distance=-10",)))


def _reward(episodes: Episodes) -> Any:
    return CATCH * metric("touches")(episodes)


def _touches(slow: float, fast: float, verified: bool = False) -> dict[str, dict[str, Printed]]:
    return {
        "prey 30% faster": {TOUCHES: Printed(slow, verified=verified)},
        "prey 100% faster": {TOUCHES: Printed(fast, digits=3)},
    }


PRINTED = {
    ("MADDPG", "MADDPG"): _touches(11.0, 0.202),
    ("MADDPG", "DDPG"): _touches(16.1, 0.405, verified=True),
    ("DDPG", "MADDPG"): _touches(10.3, 0.298, verified=True),
    ("DDPG", "DDPG"): _touches(9.4, 0.321),
}

STUDY = Study(
    name="predator-prey",
    title="Predator-prey (simple_tag)",
    environment="simple_tag",
    sides={"adversary": "predators", "good": "prey"},
    kinds=("MADDPG", "DDPG"),
    measures=(
        Measure(TOUCHES, metric("touches"), digits=3),
        Measure("a predator's reward for them", _reward, digits=2),
        Measure("prey outside the field, % of steps", metric("prey_outside"), percent=True),
    ),
    seeds=(3,),
    worlds=WORLDS,
    printed={(world, line_up): numbers[world] for world in WORLDS for line_up, numbers in PRINTED.items()},
    changes={"paper": as_in_the_paper, "tuned": as_we_do},
)
