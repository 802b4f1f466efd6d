"""The networks of a saved run."""

from __future__ import annotations

import json
from collections.abc import Sequence

import jax
from jaxtyping import Array, Key

from maddpg.algorithm.state import Algorithm, TrainState, init
from maddpg.config import Config
from maddpg.storage.arrays import load_tree, read_metadata
from maddpg.storage.run_folder import RunFolder
from maddpg.training.collecting import start_keys
from maddpg.types import PyTree

NETWORKS = ("actor", "critic", "model", "target_actor", "target_critic", "target_model")
"""The fields of a learner's state that are networks: what is saved at the end."""

TARGETS, NO_TARGETS = "targets", "none"
"""What is noted beside networks that were saved without their targets, which then begin as copies."""

LONGEST_COUNT = 16
"""Digits of a number of steps: more than any run has."""


def networks(learner: TrainState) -> dict[str, PyTree]:
    """All networks that there are, by name."""
    return {name: getattr(learner, name) for name in NETWORKS if getattr(learner, name) is not None}


def load_actors(folder: RunFolder, config: Config, algorithm: Algorithm, best: bool = False) -> PyTree:
    """The actors of all seeds, [seed, agent, member, ...].

    Args:
        folder: the run's.
        config: what it was trained with.
        algorithm: the parts that follow from it.
        best: those of each seed's best evaluation while it trained, in place of those at the end.

    Raises:
        ValueError: the run has not ended, or was never evaluated; or its file is damaged or of other networks.
    """
    return _load(folder, config, algorithm, ("actor",), best)["actor"]


def load_networks(folder: RunFolder, config: Config, algorithm: Algorithm, best: bool = False) -> dict[str, PyTree]:
    """All networks of all seeds by name, leaves [seed, ...]. Arguments and errors as in `load_actors`."""
    return _load(folder, config, algorithm, NETWORKS, best)


def trained_steps(folder: RunFolder, config: Config, best: bool = False) -> tuple[int, ...]:
    """Environment steps that each seed's saved networks were trained for; raises `ValueError` where their file is damaged."""
    seeds, planned = config.training.all_seeds, config.training.rounds * config.training.round_steps
    if best:
        about = read_metadata(folder.best).get("best", "")
        return tuple(_steps_of(about, seed, planned) for seed in seeds)
    noted = read_metadata(folder.parameters).get("steps", "").split(",")
    if len(noted) not in (1, len(seeds)) or not all(word.isdecimal() and len(word) < LONGEST_COUNT for word in noted):
        return (planned,) * len(seeds)
    return tuple(map(int, noted * len(seeds)))[: len(seeds)]


def note_steps(steps: Sequence[int]) -> dict[str, str]:
    """What stands beside saved networks: environment steps that each seed's were trained for."""
    return {"steps": ",".join(map(str, steps))}


def fresh_learner(algorithm: Algorithm, keys: Key[Array, " seed"]) -> TrainState:
    """What has learned nothing, a row for each key: that with which a run of the key begins, but for its frozen teams."""
    learner: TrainState = jax.jit(jax.vmap(lambda key: init(algorithm, start_keys(key).learner)))(keys)
    return learner


def fresh_networks(algorithm: Algorithm, keys: Key[Array, " seed"]) -> dict[str, PyTree]:
    """The networks of `fresh_learner`."""
    return networks(fresh_learner(algorithm, keys))


def _steps_of(about: str, seed: int, otherwise: int) -> int:
    """What `Best` noted of a seed; a file that was tampered with counts as one without notes."""
    try:
        steps = json.loads(about)[str(seed)]["steps"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return otherwise
    return steps if type(steps) is int and 0 <= steps < 10**LONGEST_COUNT else otherwise


def _load(folder: RunFolder, config: Config, algorithm: Algorithm, names: tuple[str, ...], best: bool) -> dict[str, PyTree]:
    file = folder.best if best else folder.parameters
    if not file.is_file():
        reason = (
            "it was never evaluated while it trained, or is no folder that `maddpg train` made"
            if best
            else "its training has not ended yet"
        )
        raise ValueError(f"{folder.path} holds no {file.name}: {reason}")
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), config.training.seeds))
    like = jax.eval_shape(lambda keys: fresh_networks(algorithm, keys), keys)
    without_targets = read_metadata(file).get(TARGETS) == NO_TARGETS
    wanted = {name: like[name] for name in names if name in like and not (without_targets and name.startswith("target_"))}
    loaded: dict[str, PyTree] = load_tree(file, wanted)
    return loaded | {name: loaded[name.removeprefix("target_")] for name in names if name in like and name not in loaded}
