"""Reward design: what agents learn from in place of the environment's reward (docs/reward_design.md). All for ONE environment.

    designed_i = sum_j mixing_ij * (sum_t weight_t * term_tj)  +  gamma_i * Phi_i(x') - Phi_i(x)

Shaping comes after mixing, so that in each agent's shaping stands its own discount: mixed with another's, it would change what is optimal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from maddpg.config import RewardDesignConfig
from maddpg.config.reward_design import weights
from maddpg.names import unknown_name
from maddpg.types import EnvSpec, PyTree

Measure = Callable[[PyTree], dict[str, jax.Array]]
"""State -> the step that led to it in measures, each a scalar or [agent]; reward terms are called reward/NAME and sum to the reward."""
Potential = Callable[[PyTree, jax.Array], jax.Array]
"""(state, observation [agent, observation]) -> Phi, [agent] or a scalar that holds for all."""
Mixing = Float[np.ndarray, "agent agent"]
"""Row i says what agent i learns from: the sum over j of mixing[i, j] * reward[j]."""

TERM = "reward/"  # how the names of reward terms begin among the metrics


def own(spec: EnvSpec) -> Mixing:
    """Everyone's own reward."""
    return np.eye(spec.agent_count)


def team_sum(spec: EnvSpec) -> Mixing:
    """The sum over the agent's team."""
    team = np.array([agent.team for agent in spec.agents])
    return (team[:, None] == team).astype(float)


def team_mean(spec: EnvSpec) -> Mixing:
    """The mean over the agent's team."""
    return _means(team_sum(spec))


def all_sum(spec: EnvSpec) -> Mixing:
    """The sum over everybody."""
    return np.ones((spec.agent_count, spec.agent_count))


def all_mean(spec: EnvSpec) -> Mixing:
    """The mean over everybody."""
    return _means(all_sum(spec))


SHARING: Mapping[str, Callable[[EnvSpec], Mixing]] = {
    "own": own,
    "team_mean": team_mean,
    "team_sum": team_sum,
    "all_mean": all_mean,
    "all_sum": all_sum,
}


def local_global(shared: Mixing, own_share: float) -> Mixing:
    """`own_share` of the agent's own reward, and the rest of the shared one."""
    return own_share * np.eye(len(shared)) + (1 - own_share) * shared


def zero_sum(spec: EnvSpec) -> Mixing:
    """The agent's own reward less the mean of the agents on other teams.

    With two teams of any sizes, or more of one size, the teams' mean rewards then sum to zero, whatever was mixed before. With teams of one
    size the agents' rewards do too. With three teams or more that differ in size neither holds.

    Raises:
        ValueError: there is only one team.
    """
    others = 1 - team_sum(spec)
    if not others.any():
        raise ValueError(f"reward_zero_sum: all agents of {spec.name} are on one team, {spec.teams[0]!r}; leave it out, or make teams")
    return np.eye(spec.agent_count) - _means(others)


def compose(*mixings: Mixing) -> Mixing:
    """One mixing after another, the first one first."""
    return reduce(lambda done, following: following @ done, mixings)


def mix(mixing: Mixing, reward: Float[Array, " agent"]) -> Float[Array, " agent"]:
    """What everyone learns from. Not as a matrix product: accelerators round those to fewer digits."""
    return jnp.sum(jnp.asarray(mixing, reward.dtype) * reward[None], axis=1)


def weighted_terms(metrics: Measure, weight: Mapping[str, float]) -> Callable[[PyTree], jax.Array]:
    """State -> [agent], the sum of the reward terms in `weight`, each times its number."""

    def reward(state: PyTree) -> jax.Array:
        measured = metrics(state)
        return reduce(jnp.add, [number * measured[TERM + name] for name, number in weight.items()])

    return reward


def shaping(
    gamma: Float[Array, " agent"],
    terminated: Bool[Array, " agent"],
    potential: Float[Array, " agent"],
    next_potential: Float[Array, " agent"],
) -> Float[Array, " agent"]:
    """F = gamma * Phi(x') - Phi(x): Q* becomes Q* - Phi, so what is optimal stays so (Ng, Harada and Russell 1999, theorem 1).

    Devlin and Kudenko (2011) show the same for the Nash equilibria of many agents, each with a potential of its own. It takes the learner's
    own discount, and Phi(x') = 0 exactly where the learner takes the next value to be 0: at a termination, not at a time limit.
    """
    return gamma * jnp.where(terminated, 0.0, next_potential) - potential


def state_potential(global_state: Callable[[PyTree], jax.Array], function: Callable[[jax.Array], jax.Array]) -> Potential:
    """A potential of the state as one vector: `function` of [state], as `Environment.global_state` gives it."""
    return lambda state, _: function(global_state(state))


def observation_potential(function: Callable[[jax.Array], jax.Array]) -> Potential:
    """A potential of the joint observation: `function` of [agent, observation], padded with zeros."""
    return lambda _, observation: function(observation)


def metric_potential(words: tuple[str, ...], spec: EnvSpec, metrics: Measure, names: Sequence[str]) -> Potential:
    """The sum of measures of the world, each times a number, for everybody (`distance=-1`), a team or an agent (`adversary:distance=-1`).

    A measure with an agent axis counts for each agent by itself.

    Args:
        words: as in `RewardDesignConfig.potential`.
        spec: for the names of teams and agents.
        metrics: the measures.
        names: of what `metrics` returns.

    Raises:
        ValueError: a measure, team or agent that does not exist.
    """
    parts: list[tuple[str, np.ndarray]] = []
    for word, weight in weights("potential", words).items():
        whose, _, name = word.rpartition(":")
        if name not in names:
            raise ValueError(f"potential = {word}={weight:g}: {_unknown('metric', name, names, spec)}")
        for_whom = [not whose or whose in (agent.name, agent.team) for agent in spec.agents]
        if not any(for_whom):
            known = dict.fromkeys((*spec.teams, *spec.names))
            raise ValueError(f"potential = {word}={weight:g}: {unknown_name('team or agent', whose, known)}")
        parts.append((name, weight * np.array(for_whom)))

    def potential(state: PyTree, _: jax.Array) -> jax.Array:
        measured = metrics(state)
        return reduce(jnp.add, [jnp.asarray(weight, jnp.float32) * measured[name].astype(jnp.float32) for name, weight in parts])

    return potential


@dataclass(frozen=True, eq=False)
class RewardDesign:
    """What agents learn from in place of the environment's reward: `shape` of what `earn` gives, of one step of one environment.

    What is None leaves the reward as it is.
    """

    terms: Callable[[PyTree], jax.Array] | None = None
    """True state after the step -> [agent], in place of the environment's reward."""
    mixing: Mixing | None = None
    potential: Potential | None = None

    def earn(
        self, reward: Float[Array, " agent"], next_state: PyTree, alive: Bool[Array, " agent"] | None = None
    ) -> Float[Array, " agent"]:
        """What a step earns: weighed terms, mixed.

        Args:
            reward: the environment's.
            next_state: what the step really led to, not a state after a reset.
            alive: who acted, everybody if None: no term pays the others, as no environment does.
        """
        if self.terms is not None:
            reward = self.terms(next_state).astype(reward.dtype)
            if alive is not None:
                reward = jnp.where(alive, reward, 0.0)
        return reward if self.mixing is None else mix(self.mixing, reward)

    def shape(
        self,
        gamma: Float[Array, " agent"],
        earned: Float[Array, " agent"],
        terminated: Bool[Array, " agent"],
        state: PyTree,
        observation: Float[Array, "agent observation"],
        next_state: PyTree,
        next_observation: Float[Array, "agent observation"],
    ) -> Float[Array, " agent"]:
        """What was earned, with shaping.

        Args:
            gamma: the learners' discounts.
            earned: what `earn` gave.
            terminated: whose world ended. Time limits have no part in it.
            state: of the environment, before the step.
            observation: before the step.
            next_state: what the step really led to, not a state after a reset.
            next_observation: of that state.
        """
        if self.potential is None:
            return earned
        before, after = (
            jnp.broadcast_to(self.potential(*where), earned.shape).astype(earned.dtype)
            for where in ((state, observation), (next_state, next_observation))
        )
        return earned + shaping(gamma, terminated, before, after)


def reward_design(
    config: RewardDesignConfig, spec: EnvSpec, metrics: Measure, reset: Callable[[jax.Array], tuple[PyTree, jax.Array]]
) -> RewardDesign | None:
    """The design that `config` describes, None where it describes nothing.

    Args:
        config: the choices.
        spec: agents and teams.
        metrics: the environment's.
        reset: the environment's, from which the names of the metrics follow; nothing is run.

    Raises:
        ValueError: a reward term, measure, team or agent that does not exist, a mixing of another size, or zero-sum without an opponent.
    """
    if not config.active:
        return None
    names = list(jax.eval_shape(lambda key: metrics(reset(key)[0]), jax.random.key(0)))
    return RewardDesign(
        _terms(config, spec, metrics, names),
        _mixing(config, spec),
        metric_potential(config.potential, spec, metrics, names) if config.potential else None,
    )


def _terms(config: RewardDesignConfig, spec: EnvSpec, metrics: Measure, names: Sequence[str]) -> Callable[[PyTree], jax.Array] | None:
    given = weights("reward_terms", config.reward_terms)
    known = [name.removeprefix(TERM) for name in names if name.startswith(TERM)]
    for name in given:
        if name not in known:
            raise ValueError(f"reward_terms = {name}={given[name]:g}: {_unknown('reward term', name, known, spec)}")
    if all(number == 1 for number in given.values()):
        return None  # the environment's own sum, to the last bit
    return weighted_terms(metrics, dict.fromkeys(known, 1.0) | given)


def _mixing(config: RewardDesignConfig, spec: EnvSpec) -> Mixing | None:
    count = spec.agent_count
    if config.reward_mixing:
        if len(config.reward_mixing) != count**2:
            raise ValueError(
                f"reward_mixing: {len(config.reward_mixing)} numbers came; {spec.name} has {count} agents, so give {count} rows of "
                f"{count}, {count**2} numbers in all, such as {' '.join(f'{number:g}' for number in own(spec).ravel())} for everyone's own"
            )
        mixing = np.array(config.reward_mixing).reshape(count, count)
    else:
        mixing = local_global(SHARING[config.reward_sharing](spec), config.reward_own_share)
        if config.reward_zero_sum:
            if config.reward_sharing in ("all_mean", "all_sum"):
                raise ValueError(
                    f"reward_zero_sum with reward_sharing = {config.reward_sharing!r}: nobody can win what everybody shares; "
                    "give reward_sharing = team_mean, or leave out one of the two"
                )
            mixing = compose(mixing, zero_sum(spec))
    return None if np.array_equal(mixing, own(spec)) else mixing


def _means(matrix: Mixing) -> Mixing:
    return matrix / matrix.sum(axis=1, keepdims=True)


def _unknown(kind: str, name: str, known: Sequence[str], spec: EnvSpec) -> str:
    return unknown_name(kind, name, known) if known else f"{spec.name} reports no {kind}s; leave it out"
