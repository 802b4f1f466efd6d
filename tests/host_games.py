"""Games in Python, as people write them, whose values and best actions are known."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv


class Sacrifice(ParallelEnv):
    """Three moments. In the first, the first of two may give its life; else both earn 1 at every moment, to the end.

    Then it earns nothing, and the other 1 and afterwards 5 at each moment. They see which moment it is, and whether the other lives.
    Every third game breaks down in its last moment, from which nothing can be learned.
    """

    def __init__(self, breaks: bool = True) -> None:
        self.possible_agents = ["squad_0", "squad_1"]
        self.max_cycles, self.breaks = 3, breaks
        self.sight, self.choice = spaces.Box(0, 1, (4,)), spaces.Discrete(2)

    def observation_space(self, agent):
        return self.sight

    def action_space(self, agent):
        return self.choice

    def reset(self, seed=None, options=None):
        self.agents, self.clock = self.possible_agents[:], 0
        self.breaks_down = self.breaks and np.random.default_rng(seed).random() < 1 / 3
        return self.look(self.agents), {agent: {} for agent in self.agents}

    def look(self, agents):
        moment, together = np.arange(3) == self.clock, len(self.agents) == 2
        return {agent: np.append(moment, together).astype(np.float32) for agent in agents}

    def step(self, actions):
        if self.clock == 2 and self.breaks_down:
            raise RuntimeError("the bridge fell")
        acted, alone = self.agents[:], len(self.agents) == 1
        died = self.clock == 0 and actions["squad_0"] == 1
        rewards = dict.fromkeys(acted, 5.0 if alone else 1.0)
        self.clock += 1
        terminations = dict.fromkeys(acted, self.clock == 3)
        if died:
            rewards["squad_0"], terminations["squad_0"] = 0.0, True
        self.agents = [agent for agent in acted if not terminations[agent]]
        return self.look(acted), rewards, terminations, dict.fromkeys(acted, False), {agent: {} for agent in acted}


BEST = {"left": (1, 2, 0), "right": (1, 0, 1)}
"""The right choice by what is seen."""
AIM = {
    "left": ((0.0, -1.0, 0.25), (0.0, -0.5, -1.0), (0.25, -0.25, -0.75)),
    "right": ((0.5, 1.5), (0.25, 1.0), (1.5, 1.0)),
}
"""The right number by what is seen and what is chosen."""


class Aiming(ParallelEnv):
    """Each sees its own card of three, and gives a choice and a number: 2 for the right choice, less the number's squared error for it."""

    def __init__(self) -> None:
        self.possible_agents = ["left", "right"]
        self.max_cycles = 4
        self.sight = spaces.Discrete(3)
        self.deeds = {
            "left": spaces.Tuple((spaces.Discrete(3), spaces.Box(-1.5, 0.5, (1,)))),
            "right": spaces.Dict({"move": spaces.Discrete(2, start=3), "aim": spaces.Box(0.0, 2.0, (1,))}),
        }

    def observation_space(self, agent):
        return self.sight

    def action_space(self, agent):
        return self.deeds[agent]

    def reset(self, seed=None, options=None):
        self.agents, self.clock, self.generator = self.possible_agents[:], 0, np.random.default_rng(seed)
        return self.deal(), {agent: {} for agent in self.agents}

    def deal(self):
        self.cards = {agent: int(self.generator.integers(3)) for agent in self.possible_agents}
        return self.cards

    def step(self, actions):
        choice, number = actions["left"]
        move, aim = actions["right"]["move"] - 3, actions["right"]["aim"]
        rewards = {"left": self.pay("left", choice, number), "right": self.pay("right", move, aim)}
        self.clock += 1
        acted, over = self.agents, self.clock == self.max_cycles
        self.agents = [] if over else acted
        return self.deal(), rewards, dict.fromkeys(acted, False), dict.fromkeys(acted, over), {agent: {} for agent in acted}

    def pay(self, agent, choice, number):
        card = self.cards[agent]
        return 2.0 * (choice == BEST[agent][card]) - float(number[0] - AIM[agent][card][choice]) ** 2


class Regulator(gymnasium.Env):
    """A point on a line is moved by what is done, and costs the squares of its place and of the move. It never ends by itself."""

    observation_space = spaces.Box(-10.0, 10.0, (1,))
    action_space = spaces.Box(-1.0, 1.0, (1,))

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.uniform(-1.0, 1.0, 1)
        return self.place.astype(np.float32), {}

    def step(self, action):
        cost = float(self.place[0] ** 2 + action[0] ** 2)
        self.place = np.clip(self.place + action, -10, 10)
        return self.place.astype(np.float32), -cost, False, False, {}


ROW_GETS = np.array([[2.0, 1.0, -9.0], [4.0, -2.0, 0.0], [9.0, 0.0, -6.0]])
"""What the one who moves first gets, and the other loses, by both moves. The third reply tempts where it is forbidden."""
ALLOWED = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]], np.int8)
"""The replies to each first move that are allowed."""


class Reply(AECEnv):
    """Two moves: one chooses a row and then, seeing that, the other a column. What is forbidden raises."""

    def __init__(self) -> None:
        self.metadata = {"name": "reply_v0", "is_parallelizable": False}
        self.render_mode, self.max_cycles = None, 1
        self.possible_agents = ["row", "column"]
        self.sight = spaces.Dict({"observation": spaces.Box(0, 1, (4,)), "action_mask": spaces.Box(0, 1, (3,), np.int8)})
        self.choice = spaces.Discrete(3)

    def observation_space(self, agent):
        return self.sight

    def action_space(self, agent):
        return self.choice

    def observe(self, agent):
        moves = agent == self.agent_selection
        given = np.append(moves, np.arange(3) == self.given).astype(np.float32)
        allowed = np.ones(3, np.int8) if self.given is None else ALLOWED[self.given]
        return {"observation": given, "action_mask": allowed * moves}

    def reset(self, seed=None, options=None):
        self.agents, self.given = self.possible_agents[:], None
        self.rewards, self._cumulative_rewards = dict.fromkeys(self.agents, 0.0), dict.fromkeys(self.agents, 0.0)
        self.terminations, self.truncations = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}
        self.agent_selection = "row"

    def step(self, action):
        agent = self.agent_selection
        if self.terminations[agent]:
            self._was_dead_step(action)
            return
        self._clear_rewards()
        if agent == "row":
            self.given, self.agent_selection = int(action), "column"
            return
        assert ALLOWED[self.given, action], "a forbidden reply"
        paid = ROW_GETS[self.given, action]
        self.rewards = {"row": paid, "column": -paid}
        self._accumulate_rewards()
        self.terminations = dict.fromkeys(self.agents, True)
        self.agent_selection = "row"
