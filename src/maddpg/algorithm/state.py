"""What MADDPG is made of: its static parts, its traced numbers, and the state that learning changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Key

from maddpg.algorithm.actions import ActionLayout, action_layout, output_valid
from maddpg.algorithm.networks import Network, mlp
from maddpg.algorithm.optimisers import optimiser
from maddpg.algorithm.teams import Players, assign_players
from maddpg.algorithm.views import CriticView, critic_view, view_mask
from maddpg.config import AlgorithmConfig, TeamConfig
from maddpg.types import AgentSpec, Box, EnvSpec, PyTree


@dataclass(frozen=True)
class Algorithm:
    """The static parts of one run's MADDPG, put together once by `assemble`."""

    config: AlgorithmConfig
    spec: EnvSpec
    players: Players
    layout: ActionLayout
    view: CriticView  # a row for each learner
    actor: Network
    critic: Network
    model: Network  # of another agent's policy
    optimiser: optax.GradientTransformation
    teams: Mapping[str, TeamConfig] = field(default_factory=dict)

    @property
    def others(self) -> np.ndarray:
        """[learner, other] int: all agents but the learner itself."""
        count = self.spec.agent_count
        return np.array([[other for other in range(count) if other != agent] for agent in self.players.learners], int)


SOFTMAX_REGULARISER = 1e-3
"""Of agents that choose, if nothing else is configured; the released code's."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Hyper:
    """The numbers that may vary without another compilation, one for each agent: every field is [agent]."""

    actor_rate: jax.Array
    critic_rate: jax.Array
    gamma: jax.Array
    tau: jax.Array
    target_interval: jax.Array
    target_by_episodes: jax.Array  # bool: the interval counts completed episodes, not learning steps
    logit_regulariser: jax.Array
    noise: jax.Array
    noise_final: jax.Array
    noise_steps: jax.Array
    inference_rate: jax.Array
    inference_entropy: jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """All that learning changes.

    Leaves of an actor are [agent, member, ...], a row for every agent, whoever plays it. The others have rows for learners only: a critic
    [learner, critic, ...] (one critic, or twins), the actors' optimisers [learner, member, ...], models of others [learner, other, ...].
    """

    actor: PyTree
    critic: PyTree
    target_actor: PyTree
    target_critic: PyTree
    actor_optimiser: PyTree
    critic_optimiser: PyTree
    updates: jax.Array  # int32, learning steps taken
    target_boundaries: jax.Array  # [learner] int32, boundaries of the target's interval that had passed when it last moved
    model: PyTree = None
    target_model: PyTree = None
    model_optimiser: PyTree = None


def assemble(
    config: AlgorithmConfig,
    spec: EnvSpec,
    teams: Mapping[str, TeamConfig] | None = None,
    actor: Network | None = None,
    critic: Network | None = None,
) -> Algorithm:
    """Put the parts together; a network of one's own replaces the perceptron (docs/changing.md).

    Raises:
        ValueError: settings that do not go together, or names that the environment does not have.
    """
    teams = teams or {}
    if config.inference and spec.agent_count == 1:
        raise ValueError(f"inference: {spec.name} has one agent, and nobody whose policy could be inferred; leave inference out")
    if config.value_after_death != "zero" and not spec.mortal:
        raise ValueError(
            f"value_after_death = {config.value_after_death!r}: all agents of {spec.name} live as long as the episode; leave it out"
        )
    players = assign_players(config, spec, teams)
    mask = view_mask(config, spec, teams)[list(players.learners)]
    if config.inference and (mask.sum(axis=1) == 1).all():
        raise ValueError("inference: every critic sees its own agent alone, and would not use a model of others; let critic_view be all")
    if config.others_actions == "current" and spec.agent_count > 1 and (mask.sum(axis=1) == 1).all():
        raise ValueError(
            "others_actions = 'current': every critic sees its own agent's action alone; leave it out, or let critic_view be all"
        )
    layout = action_layout(config, spec)
    if config.target_action != "sample" and not layout.heads and not layout.stochastic:
        raise ValueError(
            f"target_action = {config.target_action!r}: policies are points here, not drawn; leave it out, or let policy be stochastic"
        )
    return Algorithm(
        config=config,
        spec=spec,
        players=players,
        layout=layout,
        view=critic_view(config, spec, mask),
        actor=actor or mlp(config.actor_layers),
        critic=critic or mlp(config.critic_layers),
        model=mlp(config.inference_layers),
        optimiser=optimiser(config),
        teams=teams,
    )


def hyper(algorithm: Algorithm) -> Hyper:
    """The configuration's numbers for every agent: its team's own, or everybody's. Who does not learn does not explore either."""
    rows = []
    for agent, learns in zip(algorithm.spec.agents, algorithm.players.who("learning"), strict=True):
        team = algorithm.teams.get(agent.team)
        numbers = replace(algorithm.config, **(team.numbers if team else {}))
        noise = numbers.noise if learns else 0.0
        final = numbers.noise if numbers.noise_final is None else numbers.noise_final
        rows.append(
            {
                "actor_rate": numbers.actor_rate,
                "critic_rate": numbers.critic_rate,
                "gamma": numbers.gamma,
                "tau": numbers.tau,
                "target_interval": numbers.target_interval,
                "target_by_episodes": numbers.target_unit == "episodes",
                "logit_regulariser": _regulariser(numbers, agent),
                "noise": noise,
                "noise_final": final if learns else 0.0,
                "noise_steps": numbers.noise_steps,
                "inference_rate": numbers.actor_rate if numbers.inference_rate is None else numbers.inference_rate,
                "inference_entropy": numbers.inference_entropy,
            }
        )
    kinds = {"target_interval": jnp.int32, "target_by_episodes": jnp.bool_}
    return Hyper(**{name: jnp.asarray([row[name] for row in rows], kinds.get(name, jnp.float32)) for name in rows[0]})


def _regulariser(config: AlgorithmConfig, agent: AgentSpec) -> float:
    """What is configured, or else what keeps a softmax from saturating, where there is one (docs/paper.md measures it)."""
    if config.logit_regulariser is not None:
        return config.logit_regulariser
    return 0.0 if all(isinstance(space, Box) for space in agent.action) else SOFTMAX_REGULARISER


def init(algorithm: Algorithm, key: Key[Array, ""]) -> TrainState:
    """Fresh networks for every agent, targets that are copies or have weights of their own, and empty optimisers."""
    spec, config = algorithm.spec, algorithm.config
    learners = jnp.asarray(algorithm.players.learners)
    actor_key, critic_key, target_actor_key, target_critic_key, model_key = jax.random.split(key, 5)

    def actors(key: jax.Array) -> PyTree:
        def one(agent: jax.Array, observed: jax.Array, produced: jax.Array) -> PyTree:
            # fold_in, not split: the n-th agent's weights do not depend on how many agents there are.
            keys = jax.random.split(jax.random.fold_in(key, agent), config.ensemble_size)
            return jax.vmap(lambda key: algorithm.actor.init(key, observed, produced))(keys)

        return jax.vmap(one)(jnp.arange(spec.agent_count), jnp.asarray(spec.observation_valid), output_valid(algorithm.layout))

    def critics(key: jax.Array) -> PyTree:
        def one(agent: jax.Array, valid: jax.Array) -> PyTree:
            keys = jax.random.split(jax.random.fold_in(key, agent), 2 if config.twin_critics else 1)
            return jax.vmap(lambda key: algorithm.critic.init(key, valid, jnp.ones(1, bool)))(keys)

        return jax.vmap(one)(learners, algorithm.view.input_valid)

    actor, critic = actors(actor_key), critics(critic_key)
    copies = config.target_initialisation == "copy"
    state = TrainState(
        actor=actor,
        critic=critic,
        # Copied, not shared: the whole state is donated to the compiled loop, and a buffer can be donated once only.
        target_actor=jax.tree.map(jnp.copy, actor) if copies else actors(target_actor_key),
        target_critic=jax.tree.map(jnp.copy, critic) if copies else critics(target_critic_key),
        actor_optimiser=jax.vmap(jax.vmap(algorithm.optimiser.init))(take_agents(actor, algorithm.players.learners)),
        critic_optimiser=jax.vmap(jax.vmap(algorithm.optimiser.init))(critic),
        updates=jnp.int32(0),
        target_boundaries=jnp.zeros(len(learners), jnp.int32),
    )
    if not config.inference:
        return state

    def models(agent: jax.Array, others: jax.Array) -> PyTree:
        def one(other: jax.Array) -> PyTree:
            produced = jnp.concatenate([algorithm.layout.valid[other], algorithm.layout.box[other]])
            pair_key = jax.random.fold_in(jax.random.fold_in(model_key, agent), other)
            return algorithm.model.init(pair_key, jnp.asarray(spec.observation_valid)[other], produced)

        return jax.vmap(one)(others)

    model = jax.vmap(models)(learners, jnp.asarray(algorithm.others))
    optimisers = jax.vmap(jax.vmap(algorithm.optimiser.init))(model)
    return replace(state, model=model, target_model=jax.tree.map(jnp.copy, model), model_optimiser=optimisers)


def take_agents(tree: PyTree, agents: tuple[int, ...]) -> PyTree:
    """The rows of these agents, of leaves [agent, ...]."""
    return jax.tree.map(lambda leaf: leaf[np.array(agents)], tree)


def of_learners(algorithm: Algorithm, state: TrainState) -> TrainState:
    """The state with a row for each learner in all its fields."""
    if algorithm.players.all_learn:
        return state
    learners = algorithm.players.learners
    return replace(state, actor=take_agents(state.actor, learners), target_actor=take_agents(state.target_actor, learners))


def put_learners(algorithm: Algorithm, state: TrainState, learned: TrainState) -> TrainState:
    """What `of_learners` took out, put back where it was."""
    if algorithm.players.all_learn:
        return learned
    rows = np.array(algorithm.players.learners)

    def put(before: PyTree, after: PyTree) -> PyTree:
        return jax.tree.map(lambda old, new: old.at[rows].set(new), before, after)

    return replace(learned, actor=put(state.actor, learned.actor), target_actor=put(state.target_actor, learned.target_actor))
