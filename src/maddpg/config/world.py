"""Which variant of a particle world."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from maddpg.types import ActionMode, Dynamics, Rewards


@dataclass(frozen=True)
class WorldConfig:
    """A particle world's variant. What is left out has the world's own default; what a world does not have is refused."""

    action_mode: ActionMode | None = None
    """box: forces and messages in [0, 1] (mpe2's continuous actions); simplex: a point of the simplex for the move and one for the message
    (the released code's actions); discrete: one move and one message. Default: box, and simplex in simple_crypto."""
    dynamics: Dynamics = "mpe2"
    """Whether a position moves with the velocity before the forces of this step (mpe2) or after (openai, the paper's)."""
    rewards: Rewards = "mpe2"
    """The rewards of the mpe2 package, or of the paper's released environments (openai)."""
    episode_length: int = 25
    """Steps of an episode."""
    terminate_on_success: bool | None = None
    """Whether an episode ends for good once the agents have done what they were to do (simple, simple_reference, simple_speaker_listener,
    simple_spread). Published numbers, and mpe2 unless told otherwise, play on."""
    local_ratio: float | None = None
    """Share of the agent's own reward where a world mixes it with the team's (simple_spread, simple_reference), in [0, 1]."""
    agents: int | None = None
    """Number of agents; in mixed worlds of the good ones."""
    adversaries: int | None = None
    """Number of adversaries."""
    landmarks: int | None = None
    """Number of landmarks."""
    obstacles: int | None = None
    """Number of obstacles."""
    food: int | None = None
    """Number of food places (simple_world_comm)."""
    forests: int | None = None
    """Number of forests (simple_world_comm)."""
    prey_speed: float | None = None
    """Largest speed of the prey where a predator's is 1.0 (simple_tag): 1.3 in mpe2, 2.0 in the paper's second predator-prey table."""
    prey_acceleration: float | None = None
    """Acceleration of the prey (simple_tag) where a predator's is 3.0."""

    def given(self) -> dict[str, Any]:
        """The fields that were set, as keyword arguments for the world."""
        return {name: value for name, value in asdict(self).items() if value is not None}
