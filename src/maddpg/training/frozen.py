"""Teams that play as they were in an earlier run."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np

from maddpg.algorithm.ensembles import widen
from maddpg.algorithm.state import Algorithm, TrainState, assemble
from maddpg.config import Config
from maddpg.environments.registry import Typed, make_environment
from maddpg.storage.zoo import find_run
from maddpg.training.saved import load_actors
from maddpg.types import EnvSpec, PyTree

_SAME = ("actor_layers", "policy", "temperature")
"""The settings in which a frozen team's run must agree with the new one: its networks run in the same program."""


def load_frozen(algorithm: Algorithm, seeds: int, typed: Typed | None = None) -> dict[int, PyTree]:
    """The actors of the frozen agents by number, [seed, member, ...] each; a run with fewer seeds starts again at its first.

    Raises:
        ValueError: a run that is not there or not finished, lacks the agent, or whose networks are of another kind.
    """
    found: dict[int, PyTree] = {}
    for index, (agent, kind) in enumerate(zip(algorithm.spec.agents, algorithm.players.kinds, strict=True)):
        if kind != "frozen":
            continue
        run = algorithm.teams[agent.team].run
        assert run is not None
        folder = find_run(run)
        config = folder.read_config()
        spec = make_environment(config, typed).spec
        row = _matching_row(algorithm, index, config, spec, run)
        actors = load_actors(folder, config, assemble(config.algorithm, spec, config.teams))
        found[index] = jax.tree.map(lambda leaf, row=row: _fit(leaf[:, row], seeds, algorithm.config.ensemble_size), actors)
    return found


def freeze(learner: TrainState, frozen: dict[int, PyTree]) -> TrainState:
    """The state with the frozen agents' actors in place, [seed, agent, member, ...]; their target actors are the same, and never move."""
    for index, actor in frozen.items():

        def put(rows: jax.Array, new: jax.Array, index: int = index) -> jax.Array:
            return rows.at[:, index].set(new)

        learner = replace(
            learner, actor=jax.tree.map(put, learner.actor, actor), target_actor=jax.tree.map(put, learner.target_actor, actor)
        )
    return learner


def _matching_row(algorithm: Algorithm, index: int, config: Config, spec: EnvSpec, run: str) -> int:
    """The agent's row in the other run; `ValueError` where the two runs do not fit."""
    agent = algorithm.spec.agents[index]
    if spec.name != algorithm.spec.name:
        raise ValueError(f"{run} was trained in {spec.name}, this run is in {algorithm.spec.name}; give a run of the same environment")
    if agent.name not in spec.names:
        raise ValueError(f"{run} has no {agent.name}, but {', '.join(spec.names)}; give a run of the same environment")
    row = spec.names.index(agent.name)
    other = spec.agents[row]
    player = config.teams[other.team].player if other.team in config.teams else "learning"
    if player in ("random", "scripted"):
        raise ValueError(f"{run}: {agent.name} was {player} there, and learned nothing; give a run in which it learns")
    if (other.observation_size, other.action) != (agent.observation_size, agent.action):
        raise ValueError(
            f"{run}: {agent.name} sees {other.observation_size} numbers and acts in {other.action}, here {agent.observation_size} and "
            f"{agent.action}; give a run of the same environment and action mode"
        )
    if (spec.observation_width, spec.action_width) != (algorithm.spec.observation_width, algorithm.spec.action_width):
        raise ValueError(f"{run}: its widest agent is of another size than the widest here; give a run of the same environment")
    for name in _SAME:
        mine, theirs = getattr(algorithm.config, name), getattr(config.algorithm, name)
        if mine != theirs:
            raise ValueError(
                f"{run} has {name} = {theirs!r}, this run {mine!r}: a frozen team's must be the same; give --{name.replace('_', '-')}"
            )
    size = algorithm.config.ensemble_size
    if config.algorithm.ensemble_size not in (1, size):
        raise ValueError(f"{run} has ensemble_size = {config.algorithm.ensemble_size}, this run {size}: give the same one")
    return row


def _fit(leaf: np.ndarray, seeds: int, size: int) -> jax.Array:
    """[seed, member, ...] for so many seeds and members."""
    return widen(leaf[np.arange(seeds) % len(leaf)], size, axis=1)
