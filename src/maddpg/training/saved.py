"""The actors of a saved run."""

from __future__ import annotations

import jax

from maddpg.algorithm.state import Algorithm, init
from maddpg.config import Config
from maddpg.storage.parameters import load_parameters
from maddpg.storage.run_folder import RunFolder
from maddpg.types import PyTree


def load_actors(folder: RunFolder, config: Config, algorithm: Algorithm) -> PyTree:
    """The actors of all seeds, [seed, agent, member, ...].

    Args:
        folder: the run's.
        config: what it was trained with.
        algorithm: the parts that follow from it.

    Raises:
        ValueError: the run has not ended, or its file is damaged or of other networks.
    """
    if not folder.parameters.is_file():
        raise ValueError(f"{folder.path} holds no {folder.parameters.name}: its training has not ended yet")
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), config.training.seeds))
    like = jax.eval_shape(jax.vmap(lambda key: init(algorithm, key).actor), keys)
    return load_parameters(folder.parameters, {"actor": like})["actor"]
