"""Saved runs made ready to meet: the same world, and one network that holds all their actors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jax

from maddpg.algorithm.state import Algorithm, assemble
from maddpg.config import AlgorithmConfig, Config
from maddpg.config.algorithm import LARGEST_ENSEMBLE
from maddpg.environments.contract import Environment
from maddpg.environments.host import HostWorld
from maddpg.environments.registry import Typed, make_environment, variant
from maddpg.evaluation.embedding import common_layers, embed
from maddpg.evaluation.meetings import Entrant
from maddpg.evaluation.players import as_trained
from maddpg.storage.zoo import find_run
from maddpg.training.saved import load_actors
from maddpg.types import EnvSpec, PyTree


@dataclass(frozen=True)
class Company:
    """Runs that can meet."""

    config: Config  # of the first run, with the algorithm that all actors share
    environment: Environment | HostWorld
    algorithm: Algorithm  # for acting alone
    entrants: tuple[Entrant, ...]


def load_company(folders: Sequence[Path], typed: Typed | None = None, best: bool = False) -> Company:
    """The actors of all seeds of these runs, made to fit one compiled program.

    Networks may have other layers, ensembles other sizes, and policies may be deterministic or not: greedily they are all points.

    Args:
        folders: of the runs.
        typed: the environment's factory, if it is one that somebody typed.
        best: the networks of each seed's best evaluation, in place of those at the end.

    Raises:
        ValueError: a folder that is no run, is given twice, or was trained in another world; ensembles that do not go together.
    """
    places = [folder.resolve() for folder in folders]
    for row, folder in enumerate(folders):
        if places[row] in places[:row]:
            raise ValueError(f"{folder} is there twice; give it once: a run's seeds meet each other in any case")
    runs = [find_run(folder) for folder in folders]
    configs = [run.read_config() for run in runs]
    environments = [make_environment(config, typed) for config in configs]
    for folder, config, environment in zip(folders, configs, environments, strict=True):
        _require_same_world(str(folders[0]), configs[0], environments[0].spec, str(folder), config, environment.spec)
    spec = environments[0].spec
    shared = _shared(configs, spec)
    entrants = []
    for name, run, config, environment in zip(_names(folders), runs, configs, environments, strict=True):
        algorithm = assemble(config.algorithm, environment.spec, config.teams)
        actors = _fit(load_actors(run, config, algorithm, best), shared, spec)
        entrants.append(Entrant(name, tuple(config.training.all_seeds), actors, as_trained(algorithm)))
    return Company(replace(configs[0], algorithm=shared, teams={}), environments[0], assemble(shared, spec), tuple(entrants))


def _shared(configs: Sequence[Config], spec: EnvSpec) -> AlgorithmConfig:
    """The smallest network and ensemble into which all the actors fit."""
    settings = [config.algorithm for config in configs]
    size = math.lcm(*(each.ensemble_size for each in settings))
    if size > LARGEST_ENSEMBLE:
        sizes = ", ".join(str(each.ensemble_size) for each in settings)
        raise ValueError(f"ensembles of {sizes} sub-policies have {size} as their common multiple, and {LARGEST_ENSEMBLE} is the most")
    indices = {each.ensemble_index for each in settings if each.ensemble_size > 1}
    if len(indices) > 1:
        raise ValueError("some of these ensembles draw one index for a whole team, some one for each agent; cross those of a kind")
    layers = common_layers([each.actor_layers for each in settings], spec.action_width)
    return AlgorithmConfig(actor_layers=layers, ensemble_size=size, ensemble_index=indices.pop() if indices else "team")


def _fit(actors: PyTree, shared: AlgorithmConfig, spec: EnvSpec) -> PyTree:
    """Actors as networks of the shared layers that give actions alone, without standard deviations."""
    return jax.tree.map(lambda leaf: jax.device_get(leaf), embed(actors, shared.actor_layers, spec.action_width))


def _names(folders: Sequence[Path]) -> list[str]:
    """What runs are called: their folders' names, and the whole path where two are alike."""
    short = [folder.name for folder in folders]
    return [name if short.count(name) == 1 else str(folder) for name, folder in zip(short, folders, strict=True)]


def _require_same_world(first: str, config: Config, spec: EnvSpec, other: str, other_config: Config, other_spec: EnvSpec) -> None:
    """Raise `ValueError`, with what differs, unless two runs are of one world."""
    if config.environment != other_config.environment:
        raise ValueError(f"{other} was trained in {other_config.environment}, {first} in {config.environment}; cross runs of one world")
    mine, theirs = ({**variant(each), **vars(each.channel)} for each in (config, other_config))
    for name in dict.fromkeys((*mine, *theirs)):
        if mine.get(name) != theirs.get(name):
            raise ValueError(f"{other} has {name} = {theirs.get(name)!r}, {first} {mine.get(name)!r}; cross runs of one world")
    if spec != other_spec:
        raise ValueError(f"{other} has its agents on other teams than {first}; cross runs with the same teams")
