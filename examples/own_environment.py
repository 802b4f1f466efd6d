"""An environment of one's own, from zero to a trained team: two carriers lift a plank and must keep it level.

python examples/own_environment.py
"""

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from maddpg import MADDPG


class Plank(ParallelEnv):
    """Each carrier sees how high both ends are, and lifts its own; both are paid for height and lose by any tilt."""

    def __init__(self, steps: int = 20) -> None:
        self.possible_agents = ["carrier_0", "carrier_1"]  # what stands before the number is the team
        self.sight, self.lift = spaces.Box(-1.0, 2.0, (2,), np.float32), spaces.Box(-0.1, 0.1, (1,), np.float32)
        self.max_cycles = steps

    def observation_space(self, agent: str) -> spaces.Box:
        return self.sight

    def action_space(self, agent: str) -> spaces.Box:
        return self.lift

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        self.agents, self.clock = list(self.possible_agents), 0
        self.ends = np.random.default_rng(seed).uniform(0.0, 0.5, 2)  # a generator of its own: equal seeds, equal episodes
        return self._observe(), {agent: {} for agent in self.agents}

    def step(self, actions: dict) -> tuple[dict, dict, dict, dict, dict]:
        self.ends = np.clip(self.ends + np.array([actions[agent][0] for agent in self.possible_agents]), 0.0, 1.0)
        self.clock += 1
        reward = float(self.ends.mean() - 3.0 * abs(self.ends[0] - self.ends[1]))
        everyone, late = self.agents, self.clock == self.max_cycles
        if late:
            self.agents = []  # time is up: truncated, not terminated, so what comes after still counts
        return (
            self._observe(),
            dict.fromkeys(everyone, reward),
            dict.fromkeys(everyone, False),
            dict.fromkeys(everyone, late),
            {agent: {} for agent in everyone},
        )

    def _observe(self) -> dict:
        return {name: np.roll(self.ends, -place).astype(np.float32) for place, name in enumerate(self.possible_agents)}


def main(steps: int = 30_000) -> None:
    with MADDPG(Plank, seed=0) as team:
        team.learn(steps, callback=lambda _, progress: print(f"{progress.steps:>7,} steps", progress.episode_return))
        score = team.evaluate(episodes=100).seeds[0].agents["carrier_0"]
        print(f"return of an episode: trained {score.mean:.1f}, random {score.random:.1f}, still {score.still:.1f}")
        team.save("runs/plank")
        print("next to each other:", team.predict({agent: np.array([0.2, 0.2]) for agent in team.agents}))


if __name__ == "__main__":
    main()
