"""MADDPG's own choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from maddpg.config.checks import LARGEST_COUNT, require, require_choices, require_finite

MOST_LAYERS, WIDEST_LAYER = 32, 65_536
"""What no network reaches, and what can still be planned before any memory is taken."""

LARGEST_ENSEMBLE = 64
"""Sub-policies of an agent."""


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
    target_action: Literal["sample", "relaxed", "mode"] = "sample"
    """The next action in the critic's target, where a policy is drawn: the draw itself, the relaxed sample behind a discrete draw, or the
    most likely action."""
    minibatch: Literal["shared", "per_agent"] = "shared"
    """One minibatch for all agents, or each agent draws its own."""
    agent_order: Literal["together", "in_turn"] = "together"
    """Whether all agents take a learning step at once, or one after another, each seeing the targets that those before it have moved."""
    gamma: float = 0.85
    """Discount, in [0, 1]."""
    tau: float = 0.01
    """Share of the online parameters that the target parameters take up at each move, in (0, 1]; 1 copies them."""
    target_interval: int = 1
    """Learning steps, or completed episodes, between two moves of the targets."""
    target_unit: Literal["updates", "episodes"] = "updates"
    """What `target_interval` counts: learning steps, or episodes completed since learning began, over all environments of a seed."""
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
    logit_regulariser: float | None = None
    """Weight of the mean squared actor output in the actor's loss: of the logits of agents that choose (discrete and simplex actions), of
    all outputs, before the squashing, of agents whose actions are boxes. Left out: 0.001 for logits, since a softmax that saturates
    neither explores nor learns, and 0 for boxes."""
    noise: float = 0.4
    """Standard deviation of the Gaussian exploration noise on a deterministic policy, as a share of half the action's range."""
    noise_final: float | None = None
    """The same at the end of its linear decay. Left out: no decay."""
    noise_steps: int = 500_000
    """Environment steps over which the noise decays to `noise_final`."""
    value_after_death: Literal["zero", "team"] = "zero"
    """What an agent that terminates before its team is worth from then on: nothing, or its team's return (it earns its living team-mates'
    mean reward, so an early death for the team's good pays)."""
    inference: bool = False
    """Whether each agent learns models of the others' policies, and its critic's target uses those instead of the policies themselves
    (the paper's section 4.2)."""
    inference_layers: tuple[int, ...] = (64, 64)
    """Widths of a model's hidden layers."""
    inference_rate: float | None = None
    """Adam's learning rate for the models. Left out: the actors'."""
    inference_entropy: float = 1e-3
    """Weight of the model's entropy in its objective (lambda in the paper's eq. 7)."""
    ensemble_size: int = 1
    """Sub-policies of each agent, one of which plays a whole episode (the paper's section 4.3)."""
    ensemble_index: Literal["team", "agent"] = "team"
    """Whether one index is drawn for a whole team, as in the paper's experiments, or one for each agent."""
    ensemble_target: Literal["recorded", "drawn"] = "recorded"
    """Whose next action stands in the critic's target: that of the sub-policies that played the transition, or of sub-policies drawn
    afresh."""

    def __post_init__(self) -> None:
        require_choices(self)
        for name in ("actor_layers", "critic_layers", "inference_layers"):
            widths = getattr(self, name)
            require(all(width >= 1 for width in widths), name, widths, "every hidden layer needs at least 1 unit")
            within = len(widths) <= MOST_LAYERS and all(width <= WIDEST_LAYER for width in widths)
            require(within, name, widths, f"there may be {MOST_LAYERS} hidden layers, of {WIDEST_LAYER:_} units each")
        require(self.temperature > 0, "temperature", self.temperature, "must be above 0; 1.0 is usual")
        require(0 <= self.gamma <= 1, "gamma", self.gamma, "must lie in [0, 1]")
        require(0 < self.tau <= 1, "tau", self.tau, "must lie in (0, 1]; 0.01 moves softly, 1 copies")
        require(1 <= self.target_interval <= LARGEST_COUNT, "target_interval", self.target_interval, "must be at least 1")
        for name in ("actor_rate", "critic_rate", "inference_rate"):
            rate = getattr(self, name)
            require(rate is None or 0 <= rate < 1, name, rate, "must lie in [0, 1); 0.003 is usual")
        require(self.gradient_clip is None or self.gradient_clip > 0, "gradient_clip", self.gradient_clip, "must be above 0, or left out")
        regulariser = self.logit_regulariser
        require(regulariser is None or regulariser >= 0, "logit_regulariser", regulariser, "must be at least 0, or left out")
        require(self.noise >= 0, "noise", self.noise, "must be at least 0")
        require(self.noise_final is None or self.noise_final >= 0, "noise_final", self.noise_final, "must be at least 0, or left out")
        require(1 <= self.noise_steps <= LARGEST_COUNT, "noise_steps", self.noise_steps, "must be at least 1")
        require(self.inference_entropy >= 0, "inference_entropy", self.inference_entropy, "must be at least 0; 0.001 is the paper's")
        require_finite(self)
        defaults = type(self).__dataclass_fields__
        used = self.noise_final is not None or self.noise_steps == defaults["noise_steps"].default
        require(used, "noise_steps", self.noise_steps, "says how long noise decays, and it does not; give noise_final too, or leave it out")
        for name in ("inference_layers", "inference_rate", "inference_entropy"):
            used = self.inference or getattr(self, name) == defaults[name].default
            require(used, name, getattr(self, name), "says something about inferred policies only; give inference too, or leave it out")
        for name in ("ensemble_index", "ensemble_target"):
            used = self.ensemble_size > 1 or getattr(self, name) == defaults[name].default
            require(used, name, getattr(self, name), "says something about ensembles only; give ensemble_size too, or leave it out")
        within = 1 <= self.ensemble_size <= LARGEST_ENSEMBLE
        require(within, "ensemble_size", self.ensemble_size, f"must lie between 1 and {LARGEST_ENSEMBLE}; the paper has 2 or 3")
