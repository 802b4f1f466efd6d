"""From a configuration to the parts of its run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from maddpg.algorithm.networks import Network
from maddpg.algorithm.rewards import reward_design
from maddpg.algorithm.state import Algorithm, Hyper, assemble, hyper
from maddpg.config import Config
from maddpg.environments.contract import Environment
from maddpg.environments.host import HostWorld
from maddpg.environments.registry import Typed, make_environment
from maddpg.evaluation.players import SubPolicy
from maddpg.evaluation.stage import Stage, make_stage
from maddpg.training.frozen import load_frozen
from maddpg.training.fused import Fused
from maddpg.training.host import Host
from maddpg.training.loop import Loop
from maddpg.types import EnvSpec, PyTree


@dataclass(frozen=True)
class Parts:
    """What a run is made of."""

    config: Config
    environment: Environment | HostWorld
    algorithm: Algorithm
    hyper: Hyper
    loop: Loop
    typed: Typed | None = None

    @property
    def spec(self) -> EnvSpec:
        """Of the environment."""
        return self.environment.spec

    @cached_property
    def frozen(self) -> dict[int, PyTree]:
        """The actors of frozen teams, as `load_frozen` reads them and raises: read once, so that what was looked at is what plays."""
        return load_frozen(self.algorithm, self.config.training.seeds, self.typed)

    def device_environment(self) -> Environment:
        """The environment, where it runs on the device; `ValueError` where it does not."""
        if isinstance(self.environment, HostWorld):
            raise ValueError(f"{self.config.environment} runs in Python: this is for worlds on the device; `maddpg envs` lists them")
        return self.environment

    def stage(self, episodes: int, sub_policy: SubPolicy = "drawn") -> Stage:
        """Where so many whole episodes are played at once. `sub_policy` says who of an ensemble plays."""
        return make_stage(self.config, self.algorithm, self.environment, episodes, sub_policy)


def build(
    config: Config, typed: Typed | None = None, actor: Network | None = None, critic: Network | None = None, open_ended: bool = False
) -> Parts:
    """Put a resolved configuration's parts together; nothing is compiled or started yet.

    Args:
        config: everything that decides the run.
        typed: the environment's factory, if it is one that somebody typed.
        actor: a network of one's own in place of the perceptron; `critic` too (docs/changing.md).
        open_ended: it may train for longer than `config` says, so that its replay is as large as `replay_capacity`.

    Raises:
        ValueError: settings that do not go together, or names that the environment does not have.
    """
    environment = make_environment(config, typed)
    spec, training = environment.spec, config.training
    algorithm = assemble(config.algorithm, spec, config.teams, actor, critic)
    has_script = isinstance(environment, Environment) and environment.scripted is not None
    if algorithm.players.who("scripted").any() and not has_script:
        raise ValueError(f"player = 'scripted': nobody has written any play for {spec.name}; give learning, frozen or random")
    episode = training.environments * spec.episode_length
    if config.algorithm.inference and training.replay_capacity < episode:
        raise ValueError(
            f"replay_capacity = {training.replay_capacity}: models of others learn from the latest episode of every environment, "
            f"{episode} transitions; give at least so many, or fewer environments"
        )
    loop: Loop
    if isinstance(environment, Environment):
        design = reward_design(config.reward_design, spec, environment.metrics, environment.reset)
        loop = Fused(algorithm, environment, training, design, open_ended)
    else:
        design = reward_design(config.reward_design, spec, lambda _: {}, lambda key: ((), key))
        loop = Host(algorithm, environment, config.host, training, design, open_ended)
    return Parts(config, environment, algorithm, hyper(algorithm), loop, typed)
