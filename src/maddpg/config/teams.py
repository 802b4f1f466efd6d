"""What is special about one team: who its agents are, who plays them, what their critics see, and numbers of their own."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from maddpg.config.algorithm import AlgorithmConfig
from maddpg.config.checks import require, require_choices

PlayerKind = Literal["learning", "frozen", "random", "scripted"]


@dataclass(frozen=True)
class TeamConfig:
    """One team, where it differs from what the table `algorithm` says. What is left out is the same for all teams."""

    agents: tuple[str, ...] | None = None
    """The names of its agents. Left out: those that the environment puts on a team of this name."""
    player: PlayerKind = "learning"
    """Who plays it while the others learn: it learns too, it is frozen as it was in the run `run`, or it plays at random or by script."""
    run: str | None = None
    """The folder of the run that a frozen team comes from. Seeds are matched in order, again from the first where there are fewer."""
    critic_view: Literal["all", "team", "own"] | None = None
    """Whom its agents' critics see."""
    critic_sees: tuple[str, ...] | None = None
    """The same, as names of teams or agents; an agent's critic always sees the agent itself."""
    actor_rate: float | None = None
    """As in the table `algorithm`, and so are the fields below."""
    critic_rate: float | None = None
    gamma: float | None = None
    tau: float | None = None
    target_interval: int | None = None
    target_unit: Literal["updates", "episodes"] | None = None
    logit_regulariser: float | None = None
    noise: float | None = None
    noise_final: float | None = None
    noise_steps: int | None = None
    inference_rate: float | None = None
    inference_entropy: float | None = None

    def __post_init__(self) -> None:
        require_choices(self)
        # The same ranges. What a number goes with may stand in the table `algorithm`: that is looked at when the two are put together.
        AlgorithmConfig(**{"inference": True, "noise_final": 0.0, **self.numbers})
        frozen = self.player == "frozen"
        require(not frozen or self.run is not None, "player", self.player, "also needs run=RUN, the folder of the run that it comes from")
        require(frozen or self.run is None, "run", self.run, "a frozen team comes from a run, and no other does; leave it out")
        require(
            self.critic_view is None or self.critic_sees is None,
            "critic_sees",
            self.critic_sees,
            "critic_view says the same in other words; give one of the two",
        )
        learned = self.numbers.keys() | {name for name in ("critic_view", "critic_sees") if getattr(self, name) is not None}
        require(
            self.player == "learning" or not learned,
            "player",
            self.player,
            f"a team that does not learn has no {', '.join(sorted(learned))}; take that out, or let player be learning",
        )

    @property
    def numbers(self) -> dict[str, Any]:
        """The settings of the algorithm that this team has of its own."""
        shared = {item.name for item in fields(AlgorithmConfig)} - {"critic_view"}  # a view is no number: it makes another program
        return {item.name: value for item in fields(self) if item.name in shared and (value := getattr(self, item.name)) is not None}
