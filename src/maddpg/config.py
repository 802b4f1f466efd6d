"""Every choice that decides a run, as frozen dataclasses, and the two presets.

Three tables: `world` (which variant of a particle world), `algorithm` (MADDPG itself) and `training` (how much, how many, how often).
A field's docstring is its help text on the command line. A value out of range raises `ValueError` with the value, the rule and the fix.
"""

from __future__ import annotations

import typing
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args, get_origin

from maddpg.types import ActionMode, Dynamics, Rewards

LARGEST_COUNT = 2_000_000_000  # counters live in 32 bits on the device


def _require(condition: bool, name: str, value: object, rule: str) -> None:
    """Raise `ValueError` naming the field, the value that came and what is allowed."""
    if not condition:
        raise ValueError(f"{name} = {value!r}: {rule}")


def _require_choices(table: Any) -> None:
    """Raise `ValueError` where a field with a fixed list of choices holds another."""
    for name, kind in typing.get_type_hints(type(table)).items():
        if get_origin(kind) is Literal:
            choices = get_args(kind)
            _require(getattr(table, name) in choices, name, getattr(table, name), f"must be one of {', '.join(choices)}")


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


@dataclass(frozen=True)
class AlgorithmConfig:
    """MADDPG's own choices. The defaults are the preset `tuned`; docs/deviations.md says where they leave the paper, and why."""

    actor_layers: tuple[int, ...] = (64, 64)
    """Widths of the actor's hidden layers."""
    critic_layers: tuple[int, ...] = (64, 64)
    """Widths of the critic's hidden layers."""
    critic_input: Literal["observations", "state", "both"] = "observations"
    """What the critic sees beside the actions: the observations side by side, the environment's own state, or both."""
    critic_view: Literal["all", "team", "own"] = "all"
    """Whose observations and actions an agent's critic sees: everybody's (MADDPG), its team's, or its own alone (DDPG). The state, where
    `critic_input` has it, is seen whole."""
    twin_critics: bool = True
    """Two critics for each agent; the smaller of the two is the target (Fujimoto et al. 2018)."""
    policy: Literal["deterministic", "stochastic"] = "deterministic"
    """Policy over bounded continuous actions: a point with exploration noise, or a squashed Gaussian. Discrete and simplex actions are
    always drawn (Gumbel-Softmax)."""
    estimator: Literal["straight_through", "soft"] = "straight_through"
    """What the critic is shown in the actor's loss for a discrete action: the one-hot choice, with the relaxed sample's gradient, or the
    relaxed sample itself. Simplex actions are the relaxed sample."""
    temperature: float = 1.0
    """Temperature of the Gumbel-Softmax."""
    others_actions: Literal["replay", "current"] = "replay"
    """Where the other agents' actions in the actor's loss come from: the replay (the paper's eq. 5), or their current policies."""
    minibatch: Literal["shared", "per_agent"] = "shared"
    """One minibatch for all agents, or each agent draws its own."""
    gamma: float = 0.85
    """Discount, in [0, 1]."""
    tau: float = 0.01
    """Share of the online parameters that the target parameters take up at each move, in (0, 1]; 1 copies them."""
    target_interval: int = 1
    """Learning steps between two moves of the targets."""
    target_initialisation: Literal["copy", "independent"] = "copy"
    """Whether the targets start as copies, or with weights of their own."""
    actor_rate: float = 3e-3
    """Adam's learning rate for actors."""
    critic_rate: float = 3e-3
    """Adam's learning rate for critics."""
    gradient_clip: float | None = 10.0
    """Largest norm of a gradient; nothing is clipped if left out."""
    clip_by: Literal["agent", "tensor"] = "agent"
    """Whose norm that is: of all of a network's gradients together, or of each tensor by itself."""
    logit_regulariser: float = 0.0
    """Weight of the mean squared actor output (before the squashing) in the actor's loss."""
    noise: float = 0.4
    """Standard deviation of the Gaussian exploration noise on a deterministic policy, as a share of half the action's range."""
    noise_final: float | None = None
    """The same at the end of its linear decay. Left out: no decay."""
    noise_steps: int = 500_000
    """Environment steps over which the noise decays to `noise_final`."""

    def __post_init__(self) -> None:
        _require_choices(self)
        for name in ("actor_layers", "critic_layers"):
            widths = getattr(self, name)
            _require(all(width >= 1 for width in widths), name, widths, "every hidden layer needs at least 1 unit")
        _require(self.temperature > 0, "temperature", self.temperature, "must be above 0; 1.0 is usual")
        _require(0 <= self.gamma <= 1, "gamma", self.gamma, "must lie in [0, 1]")
        _require(0 < self.tau <= 1, "tau", self.tau, "must lie in (0, 1]; 0.01 moves softly, 1 copies")
        _require(1 <= self.target_interval <= LARGEST_COUNT, "target_interval", self.target_interval, "must be at least 1")
        for name in ("actor_rate", "critic_rate"):
            _require(0 <= getattr(self, name) < 1, name, getattr(self, name), "must lie in [0, 1); 0.003 is usual")
        _require(self.gradient_clip is None or self.gradient_clip > 0, "gradient_clip", self.gradient_clip, "must be above 0, or left out")
        _require(self.logit_regulariser >= 0, "logit_regulariser", self.logit_regulariser, "must be at least 0")
        _require(self.noise >= 0, "noise", self.noise, "must be at least 0")
        _require(self.noise_final is None or self.noise_final >= 0, "noise_final", self.noise_final, "must be at least 0, or left out")
        _require(1 <= self.noise_steps <= LARGEST_COUNT, "noise_steps", self.noise_steps, "must be at least 1")


@dataclass(frozen=True)
class TrainingConfig:
    """How much is trained, how many at once, and how often what happens."""

    steps: int = 1_500_000
    """Environment steps for each seed, warm-up included; rounded up to whole rounds."""
    seed: int = 0
    """The first seed."""
    seeds: int = 1
    """How many seeds, from `seed` on, are trained side by side in one program."""
    environments: int = 100
    """Environments that run side by side for each seed."""
    collect: int = 1
    """Steps of each environment in a round, before the round's updates."""
    updates: int = 2
    """Updates of every agent in a round."""
    batch_size: int = 1024
    """Transitions in a minibatch."""
    replay_capacity: int = 1_000_000
    """Transitions that the replay holds for each seed; rounded up to whole rounds."""
    warmup_steps: int = 10_000
    """Environment steps before the first update."""
    warmup_policy: Literal["random", "policy"] = "random"
    """Who acts during the warm-up: uniformly random actions, or the untrained policy."""
    log_interval: int = 10_000
    """Environment steps between two lines of metrics.jsonl."""
    evaluation_interval: int = 50_000
    """Environment steps between two greedy evaluations during training; 0: none."""
    evaluation_episodes: int = 100
    """Episodes of each of those evaluations."""

    def __post_init__(self) -> None:
        _require_choices(self)
        counts = ("steps", "seeds", "environments", "collect", "updates", "batch_size", "replay_capacity", "log_interval")
        for name in (*counts, "evaluation_episodes"):
            value = getattr(self, name)
            _require(1 <= value <= LARGEST_COUNT, name, value, f"must lie between 1 and {LARGEST_COUNT:_}")
        _require(0 <= self.evaluation_interval <= LARGEST_COUNT, "evaluation_interval", self.evaluation_interval, "must be at least 0")
        _require(0 <= self.seed < 2**31 - self.seeds, "seed", self.seed, "must lie between 0 and 2**31 - 1")
        _require(self.warmup_steps >= 1, "warmup_steps", self.warmup_steps, "must be at least 1: an update needs something to sample")
        _require(
            self.steps > self.warmup_steps,
            "steps",
            self.steps,
            f"nothing would be learned: the warm-up alone takes {self.warmup_steps}; give more steps or a smaller warmup_steps",
        )
        _require(
            self.rounds > self.warmup_rounds,
            "steps",
            self.steps,
            f"nothing would be learned: the warm-up takes all rounds of {self.round_steps} steps; give more steps or fewer environments",
        )
        taken = self.rounds * self.round_steps
        _require(taken <= LARGEST_COUNT, "environments", self.environments, f"all rounds take {taken} steps: at most {LARGEST_COUNT:_}")

    @property
    def all_seeds(self) -> range:
        """The seeds of the run, in the order of the seed axis."""
        return range(self.seed, self.seed + self.seeds)

    @property
    def round_steps(self) -> int:
        """Environment steps in a round, over all environments of one seed."""
        return self.environments * self.collect

    @property
    def rounds(self) -> int:
        """Rounds in the whole run: `steps`, rounded up to whole rounds."""
        return -(-self.steps // self.round_steps)

    @property
    def warmup_rounds(self) -> int:
        """Rounds without an update, at the start."""
        return -(-self.warmup_steps // self.round_steps)

    @property
    def replay_rows(self) -> int:
        """Rows of the replay: `replay_capacity`, rounded up to whole rounds, and no more than the run fills."""
        return min(-(-self.replay_capacity // self.round_steps), self.rounds) * self.round_steps


@dataclass(frozen=True)
class Config:
    """Everything that decides a run."""

    environment: str
    """Name of the environment, such as simple_spread."""
    world: WorldConfig = field(default_factory=WorldConfig)
    algorithm: AlgorithmConfig = field(default_factory=AlgorithmConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


Preset = Literal["tuned", "paper"]


def preset(name: str, environment: str) -> Config:
    """The settings called `name`: `tuned`, what we measured to learn best, or `paper`, the released code's (docs/deviations.md)."""
    config = Config(environment)
    if name == "tuned":
        return config
    if name == "paper":
        return replace(
            config,
            algorithm=AlgorithmConfig(
                twin_critics=False,
                estimator="soft",
                minibatch="per_agent",
                gamma=0.95,
                tau=0.01,
                target_initialisation="independent",
                actor_rate=1e-2,
                critic_rate=1e-2,
                gradient_clip=0.5,
                clip_by="tensor",
                logit_regulariser=1e-3,
                noise=0.2,  # on box actions, which the released particle tasks do not have
            ),
            training=TrainingConfig(updates=1, warmup_steps=25_600, warmup_policy="policy"),
        )
    raise ValueError(f"preset {name!r}: it must be tuned or paper")
