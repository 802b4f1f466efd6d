"""A single-agent environment of Gymnasium in the form of PettingZoo's parallel ones: the case N = 1."""

from __future__ import annotations

from typing import Any

import gymnasium

AGENT = "agent"


class SingleAgent:
    """A Gymnasium environment with its one agent under the name `agent`. Termination and truncation stay apart, as they came."""

    def __init__(self, environment: gymnasium.Env) -> None:
        self.env = environment
        self.possible_agents = [AGENT]
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> gymnasium.Space:
        """What the agent sees."""
        del agent
        return self.env.observation_space

    def action_space(self, agent: str) -> gymnasium.Space:
        """What the agent does."""
        del agent
        return self.env.action_space

    def reset(self, seed: int | None = None) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begin an episode: observations and infos by name."""
        observation, info = self.env.reset(seed=seed)
        self.agents = [AGENT]
        return {AGENT: observation}, {AGENT: info}

    def step(self, actions: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        """One step: observations, rewards, terminations, truncations and infos by name."""
        observation, reward, terminated, truncated, info = self.env.step(actions[AGENT])
        if terminated or truncated:
            self.agents = []
        return {AGENT: observation}, {AGENT: reward}, {AGENT: terminated}, {AGENT: truncated}, {AGENT: info}

    def close(self) -> None:
        """Give back what the environment holds."""
        self.env.close()
