"""Where whole episodes are played: on the device, or in environments in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from maddpg.algorithm.state import Algorithm
from maddpg.config import Config
from maddpg.environments.contract import Environment
from maddpg.environments.host import HostWorld
from maddpg.environments.vector.configured import open_vector
from maddpg.evaluation.evaluate import CHOOSING_SEED, EVALUATION_SEED, Play, device_play
from maddpg.evaluation.host_play import HostPlayers
from maddpg.evaluation.players import SubPolicy
from maddpg.evaluation.rollout import make_rollout
from maddpg.types import PyTree

CHOOSING_EPISODE = 2**20
"""In Python: the number of the first episode of an evaluation while training, beyond those of all others."""


@dataclass(frozen=True)
class Stage:
    """Plays whole episodes of one environment. Nothing is compiled or started before the first."""

    scripted: bool
    """Whether the environment has hand-written play."""
    play: Callable[[PyTree], Play]
    """Actors [seed, agent, ...] -> episodes with them."""
    watch: Callable[[PyTree], Play]
    """The same while they are trained, in other episodes: those by which the best networks are chosen must not be those that judge them."""
    close: Callable[[], None]
    """End what was started."""


def make_stage(
    config: Config, algorithm: Algorithm, environment: Environment | HostWorld, episodes: int, sub_policy: SubPolicy = "drawn"
) -> Stage:
    """A stage with so many episodes at once. `sub_policy` says who of an ensemble plays."""
    if isinstance(environment, Environment):
        rollout = make_rollout(algorithm, environment, episodes, sub_policy)
        return Stage(
            environment.scripted is not None,
            lambda actor: device_play(rollout, actor),
            lambda actor: device_play(rollout, actor, CHOOSING_SEED),
            lambda: None,
        )
    count = min(episodes, config.training.environments)
    host = HostPlayers(
        algorithm,
        lambda: open_vector(environment, config.host, count, config.host.worker_count, EVALUATION_SEED),
        sub_policy,
    )
    return Stage(
        False,
        lambda actor: lambda players, episodes: host.play(actor, players, episodes),
        lambda actor: lambda players, episodes: host.play(actor, players, episodes, first=CHOOSING_EPISODE),
        host.close,
    )
