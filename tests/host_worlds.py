"""Small environments in Python, and runs in them. Spawned workers import them by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from maddpg.algorithm.state import assemble, hyper
from maddpg.config import AlgorithmConfig, Config, HostConfig, TrainingConfig
from maddpg.environments.host import BadEnvironment, HostStep, HostWorld
from maddpg.environments.teams import regroup
from maddpg.training.build import Parts
from maddpg.training.host import Host
from maddpg.types import AgentSpec, Categorical, EnvSpec

LENGTH, DEATH = 4, 2  # steps of an episode, and of the second agent's life
ALONE = EnvSpec("coins", (AgentSpec("left", "left", 2, (Categorical(2),)),), 1, LENGTH)
SPEC = replace(ALONE, agents=(*ALONE.agents, AgentSpec("right", "right", 3, (Categorical(3),))), mortal=True, masked=True)


class Coins:
    """Everybody earns 1 for naming its coin, 0 or 1, which it sees beside the clock; coins are drawn anew at each step.

    The second agent dies after two steps, and sees a third number, 7. Its third choice is forbidden. The first one is cut off after four.
    """

    def __init__(self, spec: EnvSpec, trouble: Callable[[int, int], None] = lambda seed, clock: None) -> None:
        self.spec, self._trouble = spec, trouble
        self._seed = self._clock = 0

    def reset(self, seed: int | None) -> HostStep:
        assert seed is not None
        self._seed, self._clock, self._random = seed, 0, np.random.default_rng(seed)
        return self._result(np.zeros(self.spec.agent_count, np.float32))

    def step(self, action: np.ndarray) -> HostStep:
        self._clock += 1
        self._trouble(self._seed, self._clock)
        living = self._alive(self._clock - 1)
        if self.spec.masked:
            assert not action[1, 2], "this is forbidden"
        return self._result(np.where(living, action[np.arange(len(living)), self._coins], 0).astype(np.float32))

    def close(self) -> None:
        pass

    def _alive(self, clock: int) -> np.ndarray:
        return np.array([clock < LENGTH, clock < DEATH][: self.spec.agent_count])

    def _result(self, reward: np.ndarray) -> HostStep:
        spec, clock, count = self.spec, self._clock, self.spec.agent_count
        self._coins = self._random.integers(0, 2, count)
        was, alive = self._alive(max(0, clock - 1)), self._alive(clock)
        observation = np.zeros((count, spec.observation_width), np.float32)
        observation[:, 0], observation[:, 1] = self._coins, clock
        mask = np.ones((count, spec.action_width), bool)
        if count > 1:
            observation[1, 2] = 7
            mask[1, 2] = False
        return HostStep(
            observation=observation * was[:, None],
            state=np.array([clock], np.float32),
            reward=reward,
            terminated=np.array([False, clock == DEATH][:count]),
            truncated=np.array([clock == LENGTH, False][:count]),
            alive=alive,
            action_mask=mask,
        )


@dataclass(frozen=True)
class Trouble:
    """Raises at the third step of the episodes whose seed is a multiple of `every`; breaks the contract in those of `bad`."""

    every: int = 0
    bad: int = 0

    def __call__(self, seed: int, clock: int) -> None:
        if clock == 3 and self.every and seed % self.every == 0:
            raise ZeroDivisionError("no coins left")
        if clock == 3 and self.bad and seed % self.bad == 0:
            raise BadEnvironment("left: the reward is nan; it must be finite")


@dataclass(frozen=True)
class Make:
    """A factory of coins."""

    spec: EnvSpec = SPEC
    trouble: Trouble = Trouble()

    def __call__(self) -> Coins:
        return Coins(self.spec, self.trouble)


TRAINING = TrainingConfig(
    steps=240,
    seed=3,
    environments=8,
    batch_size=32,
    warmup_steps=72,
    replay_capacity=240,
    log_interval=80,
    evaluation_interval=160,
    evaluation_episodes=12,
)
"""30 rounds of 8 steps, 9 of them warm-up."""

HERE = HostConfig(workers=0)


def make_parts(
    factory: Make = Make(),
    training: TrainingConfig = TRAINING,
    host: HostConfig = HERE,
    teams: dict | None = None,
    **algorithm,
) -> Parts:
    """A run in coins, with networks of 8 units."""
    table = AlgorithmConfig(**{"actor_layers": (8,), "critic_layers": (8,), **algorithm})
    config = Config("coins", algorithm=table, training=training, host=host, teams=teams or {})
    world = HostWorld(regroup(factory.spec, config.teams), factory)
    made = assemble(table, world.spec, config.teams)
    return Parts(config, world, made, hyper(made), Host(made, world, host, training))
