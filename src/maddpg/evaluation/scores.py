"""From episodes to the table that is printed: means, standard errors and a normalised score."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from maddpg.types import AnyArray


@dataclass(frozen=True)
class AgentScore:
    """One agent of one seed: its mean return beside three yardsticks, each in the same environment and action mode."""

    mean: float
    standard_error: float
    random: float
    still: float
    scripted: float | None  # None where nobody has written any play

    @property
    def normalised(self) -> float | None:
        """0 is random play, 1 scripted play; None where those two cannot be told apart."""
        distance = 0.0 if self.scripted is None else self.scripted - self.random
        return (self.mean - self.random) / distance if abs(distance) > 1e-6 else None


@dataclass(frozen=True)
class SeedScore:
    """One seed of a run."""

    seed: int
    agents: dict[str, AgentScore]
    metrics: dict[str, Any]  # name -> mean over episodes, a number or {agent: number}


@dataclass(frozen=True)
class Evaluation:
    """A run's seeds, played greedily."""

    environment: str
    episodes: int
    action_mode: str | None  # of a particle world
    players: dict[str, str]  # agent -> who played it in the "mean" column
    seeds: list[SeedScore]
    lost_episodes: int = 0  # of all who played, to environments in Python that failed; others were played instead

    def to_dict(self) -> dict[str, Any]:
        """Plain tables for JSON."""
        tables = asdict(self)
        for seed, score in zip(tables["seeds"], self.seeds, strict=True):
            for name, agent in score.agents.items():
                seed["agents"][name]["normalised"] = agent.normalised
        return tables


def score_agents(
    names: tuple[str, ...], returns: AnyArray, random: AnyArray, still: AnyArray, scripted: AnyArray | None
) -> dict[str, AgentScore]:
    """Scores of every agent from returns [episode, agent] of the team and of the yardsticks."""
    return {
        name: AgentScore(
            mean=float(returns[:, index].mean()),
            standard_error=float(returns[:, index].std(ddof=1) / np.sqrt(len(returns))) if len(returns) > 1 else float("nan"),
            random=float(random[:, index].mean()),
            still=float(still[:, index].mean()),
            scripted=None if scripted is None else float(scripted[:, index].mean()),
        )
        for index, name in enumerate(names)
    }


def mean_metrics(names: tuple[str, ...], metrics: dict[str, AnyArray]) -> dict[str, Any]:
    """Means over episodes of each metric, by agent where it has an agent axis."""
    result: dict[str, Any] = {}
    for name, values in sorted(metrics.items()):
        mean = np.asarray(values, float).mean(axis=0)
        result[name] = float(mean) if mean.ndim == 0 else {agent: float(value) for agent, value in zip(names, mean, strict=True)}
    return result
