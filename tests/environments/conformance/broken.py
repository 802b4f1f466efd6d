"""A tiny world in which all is right, and deliberately broken ones, each with one fault."""

from __future__ import annotations

import random

import gymnasium
import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from tests.environments.foreign.worlds import Auction, Rounds

LENGTH = 6
AGENTS = ["ant_0", "ant_1"]


class Right(ParallelEnv):
    """Two ants see random numbers for six steps and earn what they see; then time is up. Nothing is wrong with it."""

    def __init__(self, size=2, agents=AGENTS):
        self.metadata = {"name": "right_v0"}
        self.possible_agents = list(agents)
        self.sights = dict.fromkeys(agents, spaces.Box(-1, 1, (size,)))
        self.choices = dict.fromkeys(agents, spaces.Discrete(3))

    def observation_space(self, agent):
        return self.sights[agent]

    def action_space(self, agent):
        return self.choices[agent]

    def reset(self, seed=None, options=None):
        self.generator = np.random.default_rng(seed)
        self.clock, self.agents = 0, self.possible_agents[:]
        return self.by_agent(self.look), self.by_agent(lambda _: {})

    def step(self, actions):
        self.clock += 1
        over = self.clock == LENGTH
        told = (
            self.by_agent(self.look),
            self.by_agent(lambda agent: self.earn(actions[agent])),
            self.by_agent(lambda _: False),
            self.by_agent(lambda _: over),
            self.by_agent(lambda _: {}),
        )
        self.agents = [] if over else self.agents
        return told

    def by_agent(self, tell):
        return {agent: tell(agent) for agent in self.agents}

    def look(self, agent):
        return self.generator.uniform(-1, 1, self.sights[agent].shape).astype(np.float32)

    def earn(self, action):
        return float(action - 1)

    def close(self):
        pass


class RaisesWhenMade(Right):
    def __init__(self):
        raise RuntimeError("no board")


class NoAgents(Right):
    def __init__(self):
        super().__init__(agents=[])


class AgentTwice(Right):
    def __init__(self):
        super().__init__(agents=["ant_0", "ant_0"])


class NumberedAgents(Right):
    def __init__(self):
        super().__init__(agents=[0, 1])


class NoSeed(Right):
    def reset(self):
        return super().reset()


class NoSpace(Right):
    def observation_space(self, agent):
        return {"ant_0": self.sights["ant_0"]}[agent]


class UnboundedAction(Right):
    def __init__(self, space=spaces.Box(-np.inf, np.inf, (1,))):  # noqa: B008
        super().__init__()
        self.choices["ant_1"] = space

    def earn(self, action):
        return 1.0


class UnsupportedAction(UnboundedAction):
    def __init__(self):
        super().__init__(spaces.Text(5))


class SpaceThatWavers(Right):
    """Another number of choices at each call."""

    calls = 0

    def action_space(self, agent):
        self.calls += 1
        return spaces.Discrete(2 + self.calls % 2)


class SpaceMadeAnew(Right):
    def observation_space(self, agent):
        return spaces.Box(-1, 1, (2,))


class SpaceFromReset(Right):
    """The choices are known after the first reset only."""

    def reset(self, seed=None, options=None):
        self.choices = dict.fromkeys(AGENTS, spaces.Discrete(4))
        return super().reset(seed)


class OldReset(Right):
    def reset(self, seed=None, options=None):
        return super().reset(seed)[0]


class OldStep(Right):
    def step(self, actions):
        observations, rewards, dones, _, infos = super().step(actions)
        return observations, rewards, dones, infos


class StepRaises(Right):
    def step(self, actions):
        if self.clock == 2:
            raise KeyError("ant_7")
        return super().step(actions)


class Changes(Right):
    """A world whose third step is changed."""

    def step(self, actions):
        told = super().step(actions)
        if self.clock == 3:
            self.change(*told)
        return told


class NotANumber(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        observations["ant_1"][1] = np.nan


class ShapeThatChanges(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        observations["ant_1"] = observations["ant_1"][:1]


class OutsideItsSpace(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        observations["ant_1"][0] = 3.5


class AnotherType(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        observations["ant_1"] = observations["ant_1"].astype(np.float64)


class NoObservation(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        del observations["ant_1"]


class StrangeObservation(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        observations["bee"] = observations["ant_1"]


class NoReward(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        del rewards["ant_1"]


class InfiniteReward(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        rewards["ant_1"] = np.inf


class RewardInWords(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        rewards["ant_1"] = "much"


class StrangeReward(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        rewards["bee"] = 1.0


class NoTermination(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        del terminations["ant_1"]


class EndForEachLimb(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        truncations["ant_1"] = np.array([True, False])


class BothEnds(Changes):
    def change(self, observations, rewards, terminations, truncations, infos):
        terminations["ant_1"] = truncations["ant_1"] = True
        self.agents = ["ant_0"]


class EndsAndStays(Changes):
    """The end of `ant_1` is repeated until time is up, and it stays in agents."""

    def step(self, actions):
        told = super().step(actions | {"ant_1": 0})
        told[2]["ant_1"] = self.clock >= 3
        if self.clock > 3:
            del told[0]["ant_1"], told[1]["ant_1"]
        return told

    def change(self, *told):
        pass


class LeavesWithoutAnEnd(Changes):
    def change(self, *told):
        self.agents = ["ant_0"]


class Revives(Changes):
    """`ant_1` dies in the third step and is back after the fourth."""

    def step(self, actions):
        told = super().step(actions | {"ant_1": 0})
        if self.clock == 4:
            self.agents = list(AGENTS)
            told[0]["ant_1"] = self.look("ant_1")
        return told

    def change(self, observations, rewards, terminations, truncations, infos):
        terminations["ant_1"] = True
        self.agents = ["ant_0"]


class PaysTheDead(Changes):
    def step(self, actions):
        told = super().step(actions | {"ant_1": 0})
        if self.clock > 3:
            told[1]["ant_1"] = 5.0
        return told

    def change(self, observations, rewards, terminations, truncations, infos):
        terminations["ant_1"] = True
        self.agents = ["ant_0"]


class ShowsTheDead(PaysTheDead):
    def step(self, actions):
        told = super().step(actions)
        told[1].pop("ant_1") if self.clock > 3 else None
        if self.clock > 3:
            told[0]["ant_1"] = self.look("ant_1")
        return told


class Stranger(Changes):
    def step(self, actions):
        self.agents = list(AGENTS)
        return super().step(actions)

    def change(self, *told):
        self.agents = [*AGENTS, "bee"]


class OverAtReset(Right):
    def reset(self, seed=None, options=None):
        told = super().reset(seed)
        self.agents = []
        return told


class NeverEnds(Right):
    def step(self, actions):
        self.clock = 0
        return super().step(actions)


class LongerThanDeclared(Right):
    max_cycles = LENGTH - 2


class TimeAsTermination(Right):
    def step(self, actions):
        observations, rewards, terminations, truncations, infos = super().step(actions)
        return observations, rewards, truncations, terminations, infos


class OtherEachTime(Right):
    """Seeds do not matter."""

    def reset(self, seed=None, options=None):
        return super().reset(None)


class GlobalLuck(Right):
    """Seeded, but from the generator that all share."""

    def reset(self, seed=None, options=None):
        np.random.seed(seed)  # noqa: NPY002
        return super().reset(seed)

    def look(self, agent):
        return np.random.uniform(-1, 1, 2).astype(np.float32)  # noqa: NPY002


class PythonLuck(Right):
    def reset(self, seed=None, options=None):
        random.seed(seed)
        return super().reset(seed)

    def look(self, agent):
        return np.full(2, random.random(), np.float32)


class DeafToSeeds(Right):
    def reset(self, seed=None, options=None):
        return super().reset(5)


class Shared(Right):
    """What reset makes is kept by the class, for all instances."""

    def reset(self, seed=None, options=None):
        Shared.luck = np.random.default_rng(seed)
        return super().reset(seed)

    def look(self, agent):
        return Shared.luck.uniform(-1, 1, 2).astype(np.float32)


class SharedClock(Right):
    """A step of one instance is a step of all."""

    def reset(self, seed=None, options=None):
        SharedClock.ticks = 0
        return super().reset(seed)

    def step(self, actions):
        SharedClock.ticks += 1
        return super().step(actions)

    def look(self, agent):
        return super().look(agent) / (1 + SharedClock.ticks)


class OtherEachInstance(Right):
    """No two instances are alike."""

    made = 0

    def __init__(self):
        super().__init__()
        OtherEachInstance.made += 1
        self.number = OtherEachInstance.made

    def look(self, agent):
        return super().look(agent) / self.number


class Remembers(Right):
    """An episode depends on how many there were."""

    episodes = 0

    def reset(self, seed=None, options=None):
        self.episodes += 1
        return super().reset(seed)

    def look(self, agent):
        return super().look(agent) / self.episodes


class Huge(Right):
    def step(self, actions):
        told = super().step(actions)
        told[1]["ant_1"] *= 5000
        return told


class Unrewarding(Right):
    def step(self, actions):
        told = super().step(actions)
        told[1].update(ant_0=0.0, ant_1=0)
        return told


class OneUnrewarded(Right):
    def step(self, actions):
        told = super().step(actions)
        told[1]["ant_1"] = 0.0
        return told


class FarAway(Right):
    """Large numbers in the first column, and always the same one in the second."""

    def __init__(self):
        super().__init__()
        self.sights = dict.fromkeys(AGENTS, spaces.Box(-9999, 9999, (2,)))

    def look(self, agent):
        return np.array([1000, 0], np.float32) * super().look(agent) + np.array([0, 7], np.float32)


class Masked(Right):
    """An action mask in each info."""

    def __init__(self, mask=(1, 0, 1), begin=0, end=99):
        super().__init__()
        self.mask, self.begin, self.end = mask, begin, end

    def tell(self, infos):
        if self.begin <= self.clock < self.end and "ant_1" in infos:
            infos["ant_1"]["action_mask"] = np.array(self.mask, np.int8)

    def reset(self, seed=None, options=None):
        told = super().reset(seed)
        self.tell(told[1])
        return told

    def step(self, actions):
        assert self.clock < self.begin or self.clock >= self.end or self.mask[actions["ant_1"]], "it was forbidden"
        told = super().step(actions)
        self.tell(told[4])
        return told


ONLY = Right()


def the_same_again():
    return ONLY


class NoMetadata(Auction):
    def __init__(self):
        super().__init__()
        del self.metadata

    def __getattribute__(self, name):
        if name == "metadata":
            raise AttributeError(name)
        return super().__getattribute__(name)


class SelectsAStranger(Auction):
    def step(self, action):
        super().step(action)
        if len(self.given) == 2:
            self.agent_selection = "nobody"
            self.terminations["nobody"] = self.truncations["nobody"] = False


class DiesAmidTheRound(Rounds):
    """Says that it can be played in rounds, and ends an agent before the round is over."""

    def step(self, action):
        super().step(action)
        if len(self.given) == 1:
            self.terminations["bidder_1"] = True


class OldGymReset(gymnasium.Env):
    """The observation alone, of two numbers: it could be taken for an observation and an info."""

    observation_space = spaces.Box(-1, 1, (2,))
    action_space = spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        return self.np_random.uniform(-1, 1, 2).astype(np.float32)

    def step(self, action):
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), float(action), False, False, {}


class OldGymStep(OldGymReset):
    def reset(self, seed=None, options=None):
        return super().reset(seed=seed), {}

    def step(self, action):
        observation, reward, _, _, info = super().step(action)
        return observation, reward, False, info


class OldGymSeed(OldGymStep):
    def reset(self):
        return super().reset()
