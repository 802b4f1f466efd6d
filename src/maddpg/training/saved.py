"""The networks of a saved run."""

from __future__ import annotations

import jax
from jaxtyping import Array, Key

from maddpg.algorithm.state import Algorithm, TrainState, init
from maddpg.config import Config
from maddpg.storage.arrays import load_tree, read_metadata
from maddpg.storage.run_folder import RunFolder
from maddpg.types import PyTree

NETWORKS = ("actor", "critic", "model", "target_actor", "target_critic", "target_model")
"""The fields of a learner's state that are networks: what is saved at the end."""


def networks(learner: TrainState) -> dict[str, PyTree]:
    """All networks that there are, by name."""
    return {name: getattr(learner, name) for name in NETWORKS if getattr(learner, name) is not None}


def load_actors(folder: RunFolder, config: Config, algorithm: Algorithm) -> PyTree:
    """The actors of all seeds, [seed, agent, member, ...].

    Args:
        folder: the run's.
        config: what it was trained with.
        algorithm: the parts that follow from it.

    Raises:
        ValueError: the run has not ended, or its file is damaged or of other networks.
    """
    return _load(folder, config, algorithm, ("actor",))["actor"]


def load_networks(folder: RunFolder, config: Config, algorithm: Algorithm) -> dict[str, PyTree]:
    """All networks of all seeds by name, leaves [seed, ...]. Arguments and errors as in `load_actors`."""
    return _load(folder, config, algorithm, NETWORKS)


def trained_steps(folder: RunFolder, config: Config) -> int:
    """Environment steps that the saved networks were trained for, of each seed; raises `ValueError` where their file is damaged."""
    noted = read_metadata(folder.parameters).get("steps", "")
    return int(noted) if noted.isdecimal() and len(noted) < 16 else config.training.rounds * config.training.round_steps


def fresh_networks(algorithm: Algorithm, keys: Key[Array, " seed"]) -> dict[str, PyTree]:
    """Networks that have learned nothing, a row for each key."""
    state = jax.jit(jax.vmap(lambda key: init(algorithm, key)))(keys)
    return networks(state)


def _load(folder: RunFolder, config: Config, algorithm: Algorithm, names: tuple[str, ...]) -> dict[str, PyTree]:
    if not folder.parameters.is_file():
        raise ValueError(f"{folder.path} holds no {folder.parameters.name}: its training has not ended yet")
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), config.training.seeds))
    like = jax.eval_shape(lambda keys: fresh_networks(algorithm, keys), keys)
    loaded: dict[str, PyTree] = load_tree(folder.parameters, {name: like[name] for name in names if name in like})
    return loaded
