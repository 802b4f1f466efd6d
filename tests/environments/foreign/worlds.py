"""Small foreign environments, each with what an adapter may get wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import gymnasium
import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv


@dataclass(frozen=True)
class Frame:
    """What a reset or a step gives; observations may also stand for those who just ended."""

    agents: tuple
    observations: Mapping
    rewards: Mapping = field(default_factory=dict)
    terminations: Mapping = field(default_factory=dict)
    truncations: Mapping = field(default_factory=dict)
    infos: Mapping = field(default_factory=dict)
    state: object = None


def frame(clock, agents, dead=(), cut=(), **changes):
    """A frame in which all is well: observations [clock, place in the alphabet], rewards 10 * clock + that place."""
    everyone = (*agents, *dead, *cut)
    places = {agent: ord(str(agent)[0]) - ord("a") for agent in everyone}
    given = {
        "observations": {agent: np.array([clock, place], np.float32) for agent, place in places.items()},
        "rewards": {agent: 10 * clock + place for agent, place in places.items()},
        "terminations": {agent: agent in dead for agent in everyone},
        "truncations": {agent: agent in cut for agent in everyone},
        "infos": {agent: {} for agent in everyone},
    }
    return Frame(tuple(agents), **given | changes)


class Film(ParallelEnv):
    """Plays the frames that it is given, whatever is done; remembers seeds and actions."""

    def __init__(self, frames, possible_agents=("a", "b", "c"), observation_space=None, action_space=None):
        self.metadata = {"name": "film_v0"}
        self.frames = frames
        self.possible_agents = list(possible_agents)
        self.seen_as = observation_space or spaces.Box(-100, 100, (2,))
        self.done_by = action_space or spaces.Discrete(3)
        self.seeds, self.actions, self.clock, self.closed = [], [], 0, False

    def observation_space(self, agent):
        return self.seen_as[agent] if isinstance(self.seen_as, dict) else self.seen_as

    def action_space(self, agent):
        return self.done_by[agent] if isinstance(self.done_by, dict) else self.done_by

    def reset(self, seed=None, options=None):
        self.seeds.append(seed)
        self.clock, now = 0, self.frames[0]
        self.agents = list(now.agents)
        return now.observations, now.infos

    def step(self, actions):
        self.actions.append(actions)
        self.clock += 1
        now = self.frames[self.clock]
        self.agents = list(now.agents)
        return now.observations, now.rewards, now.terminations, now.truncations, now.infos

    def state(self):
        return self.frames[self.clock].state

    def close(self):
        self.closed = True


class Auction(AECEnv):
    """A game in turns. Each bids 0 to 3 in turn; a bid pays the bidder itself and costs the next its half; four bids, and it is over.

    A bid of 3 is forbidden to who bid it before. With `early`, the first bidder is out after its first bid, and stays on until its turn.
    """

    def __init__(self, bidders=2, early=False, bids=None, masks=True):
        self.metadata = {"name": "auction_v0", "is_parallelizable": False}
        self.render_mode = None
        self.possible_agents = [f"bidder_{index}" for index in range(bidders)]
        self.early = early
        self.bids = spaces.Discrete(4) if bids is None else bids
        self.masks = masks

    def observation_space(self, agent):
        given = spaces.Box(0, 3, (4,), np.int8)
        if not self.masks:
            return given
        return spaces.Dict({"action_mask": spaces.Box(0, 1, (4,), np.int8), "observation": given})

    def action_space(self, agent):
        return self.bids

    def observe(self, agent):
        given = np.array(self.given + [0] * (4 - len(self.given)), np.int8)
        if not self.masks:
            return given
        mask = np.ones(4, np.int8) * (agent == self.agent_selection)
        mask[3] = mask[3] and agent not in self.high
        return {"observation": given, "action_mask": mask}

    def reset(self, seed=None, options=None):
        self.agents = self.possible_agents[:]
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}
        self.given, self.high = [], set()
        self.agent_selection = self.agents[0]

    def step(self, action):
        agent = self.agent_selection
        place = self.agents.index(agent)
        following = self.agents[(place + 1) % len(self.agents)]
        if self.terminations[agent]:
            # `_was_dead_step` would go back to who moved last.
            self._was_dead_step(action)
            self.agent_selection = following
            return
        assert action != 3 or agent not in self.high
        self.high |= {agent} if action == 3 else set()
        self.given.append(int(action))
        self._clear_rewards()
        self.rewards[agent] = float(action)
        self.rewards[following] = -action / 2
        self._cumulative_rewards[agent] = 0.0
        self._accumulate_rewards()
        if len(self.given) == 4:
            self.terminations = dict.fromkeys(self.agents, True)
        elif self.early and len(self.given) == 1:
            self.terminations[agent] = True
        self.agent_selection = following


class Rounds(Auction):
    """The same agents, but the world moves once when all have acted, and says so: a bid pays at the end of the round."""

    def __init__(self):
        super().__init__()
        self.metadata = {"name": "rounds_v0", "is_parallelizable": True}

    def observe(self, agent):
        return super().observe(agent) | {"action_mask": np.ones(4, np.int8)}

    def step(self, action):
        if self.terminations[self.agent_selection]:
            self._was_dead_step(action)
            return
        self.given.append(int(action))
        self._clear_rewards()
        if len(self.given) % 2 == 0:
            self.rewards = dict(zip(self.agents, map(float, self.given[-2:]), strict=True))
            self.terminations = dict.fromkeys(self.agents, len(self.given) == 4)
        self.agent_selection = self.agents[len(self.given) % 2]


class Walk(gymnasium.Env):
    """A line: +1 or -1; the episode ends for good at 3."""

    def __init__(self, start=0):
        self.start = start
        self.observation_space = spaces.Box(-10, 10, (1,))
        self.action_space = spaces.Discrete(2, start=-1)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.start
        return np.array([self.place], np.float32), {}

    def step(self, action):
        self.place += 1 if action == 0 else -1
        return np.array([self.place], np.float32), float(self.place), self.place >= 3, False, {}


def one_hot(spec, *choices):
    """[agent, action] with the option of that number in the one choice of each agent."""
    action = np.zeros((spec.agent_count, spec.action_width), np.float32)
    action[np.arange(len(choices)), choices] = 1
    return action
