"""From a configuration to the parts of its run."""

from __future__ import annotations

from dataclasses import dataclass

from maddpg.algorithm.rewards import reward_design
from maddpg.algorithm.state import Algorithm, Hyper, assemble, hyper
from maddpg.config import Config
from maddpg.environments.contract import Environment
from maddpg.environments.registry import make_environment
from maddpg.training.fused import Fused


@dataclass(frozen=True)
class Parts:
    """What a run is made of."""

    environment: Environment
    algorithm: Algorithm
    hyper: Hyper
    fused: Fused


def build(config: Config) -> Parts:
    """Put a resolved configuration's parts together; nothing is compiled yet.

    Raises:
        ValueError: settings that do not go together, or names that the environment does not have.
    """
    environment = make_environment(config)
    algorithm = assemble(config.algorithm, environment.spec, config.teams)
    episode = config.training.environments * environment.spec.episode_length
    if config.algorithm.inference and config.training.replay_capacity < episode:
        raise ValueError(
            f"replay_capacity = {config.training.replay_capacity}: models of others learn from the latest episode of every environment, "
            f"{episode} transitions; give at least so many, or fewer environments"
        )
    design = reward_design(config.reward_design, environment.spec, environment.metrics, environment.reset)
    return Parts(environment, algorithm, hyper(algorithm), Fused(algorithm, environment, config.training, design))
