"""A study's work, piece by piece: what is on the shelf already is not done again."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from maddpg.config import Config
from maddpg.environments.registry import make_environment
from maddpg.evaluation.crossing import cross
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.evaluation.rollout import Episodes
from maddpg.paper.curves import read_curves
from maddpg.paper.settings import EPISODE, Size, programs, run_config, run_name
from maddpg.paper.study import LineUp, Study
from maddpg.storage.lock import Busy
from maddpg.training.build import build
from maddpg.training.exploiting import independent_of_folder, response_config
from maddpg.training.health import NotFinite
from maddpg.training.run import NotSaved
from maddpg.training.shelf import Shelf
from maddpg.types import PyTree

SHIPPED = Path(__file__).parent / "results"
"""Results that come with the package: what we measured."""

WAIT = 2.0  # seconds, while others make all that is left


@dataclass(frozen=True)
class Piece:
    """One result: a run with its play, or play of runs that are there."""

    name: str
    configs: tuple[Config, ...]
    episodes: int
    headings: tuple[str, ...]
    """Of the measures that its result must hold."""
    make: Callable[[], dict[str, Any]]
    """Make the summary; trains what is missing."""
    work: Callable[[], float]
    """How much there is to do, in any unit that all pieces share."""
    trains: bool = True
    """Whether it is a run."""

    def find(self, shelf: Shelf) -> dict[str, Any] | None:
        """Its result, if it is there: of as many episodes, and with all that is measured now."""
        return shelf.find(self.name, *self.configs, serves=self._serves)

    def same(self, other: Piece) -> bool:
        """Whether the other is the same piece, of another study perhaps."""
        return (self.name, self.configs) == (other.name, other.configs)

    def _serves(self, result: dict[str, Any]) -> bool:
        return result.get("episodes") == self.episodes and set(self.headings) <= set(result.get("means", ()))


@dataclass(frozen=True)
class Plan:
    """What is there, and what there is to do."""

    shelf: Shelf
    pieces: tuple[Piece, ...]

    @property
    def missing(self) -> list[Piece]:
        """Pieces whose results are not on the shelf."""
        return [piece for piece in self.pieces if piece.find(self.shelf) is None]

    def carry_out(self) -> None:
        """Make what is missing, one piece after another. One that fails is told and passed over, and is still missing afterwards.

        What other processes make meanwhile is left to them.
        """
        todo = deque((piece, piece.work()) for piece in self.missing)
        count, whole, began, busy = len(todo), sum(work for _, work in todo), time.perf_counter(), 0
        while todo:
            piece, work = todo.popleft()
            if piece.find(self.shelf) is not None:
                continue
            try:
                self.shelf.write(piece.name, piece.make(), *piece.configs)
            except Busy:
                todo.append((piece, work))
                busy += 1
                if busy == len(todo):
                    self.shelf.say("other processes are making all that is left: waiting for them")
                if busy >= len(todo):
                    time.sleep(WAIT)
                continue
            except (NotFinite, NotSaved) as error:
                self.shelf.say(f"{piece.name} failed: {error}")
                continue
            busy = 0
            jax.clear_caches()  # of programs that no other piece runs: a hundred of them fill the memory
            left = [work for other, work in todo if other.find(self.shelf) is None]
            spent = (time.perf_counter() - began) / 60
            ahead = f", about {spent / (whole - sum(left)) * sum(left):.0f} min left" if left else ""
            self.shelf.say(f"{count - len(left)} of {count} done, {piece.name}: {spent:.1f} min{ahead}")


def plan(studies: Sequence[Study], shelf: Shelf, size: Size, settings: Sequence[str]) -> Plan:
    """All pieces of these studies, each once, in the order in which they are made."""
    pieces: list[Piece] = []
    most = max(len(programs(study, size)) for study in studies)
    # The first programs of all first: a table is there early, and grows.
    for number, study, setting in itertools.product(range(most), studies, settings):
        for seeds in programs(study, size)[number : number + 1]:
            for world in study.worlds:
                found = Workshop(study, shelf, size, setting, world, seeds).pieces()
                pieces += [piece for piece in found if not any(piece.same(other) for other in pieces)]
    return Plan(shelf, tuple(pieces))


@dataclass(frozen=True)
class Workshop:
    """The pieces of one study in one world and setting, for the seeds of one program."""

    study: Study
    shelf: Shelf
    size: Size
    setting: str
    world: str
    seeds: range

    def pieces(self) -> list[Piece]:
        """All of them, in the order in which they are made."""
        study = self.study
        alike = [line_up for line_up in study.line_ups if len(set(line_up)) == 1]
        pieces = [self.together(line_up) for line_up in (study.line_ups if study.together else alike)]
        if study.apart:
            pieces += [self.apart(line_up) for line_up in study.line_ups]
        return pieces + [self.afresh(line_up, team) for team in study.afresh for line_up in study.line_ups]

    def _config(self, line_up: LineUp) -> Config:
        return run_config(self.study, self.world, self.setting, line_up, self.size, self.seeds)

    def _name(self, *words: str) -> str:
        return run_name(self.study, self.world, self.setting, words)

    def together(self, line_up: LineUp) -> Piece:
        """A run whose sides learn together, and then play."""
        config, name = self._config(line_up), self._name(*line_up)

        def make() -> dict[str, Any]:
            actors, minutes = self.shelf.actors(name, config)
            played = self._play(config, dict.fromkeys(self.study.sides, actors), matched=True)
            curves = read_curves(self.shelf.folder(name, config).metrics)
            return {"training_minutes": minutes, "episodes": self.size.episodes, "means": self._means(played), "curves": curves}

        return self._piece(name, (config,), make, partial(_work, config))

    def apart(self, line_up: LineUp) -> Piece:
        """Sides that meet as strangers: each comes from a run in which both sides were of its kind."""
        homes = [(kind,) * len(line_up) for kind in line_up]
        configs = tuple(map(self._config, homes))

        def make() -> dict[str, Any]:
            actors = [self.shelf.actors(self._name(*home), config)[0] for home, config in zip(homes, configs, strict=True)]
            largest = max(configs, key=lambda config: config.algorithm.ensemble_size)
            played = self._play(largest, dict(zip(self.study.sides, actors, strict=True)))
            return {"episodes": self.size.episodes, "means": self._means(played)}

        steps = len(self.seeds) ** 2 * self.size.episodes * EPISODE
        return self._piece(self._name("apart", *line_up), configs, make, lambda: steps, trains=False)

    def afresh(self, line_up: LineUp, team: str) -> Piece:
        """Opponents that learn against a frozen team, seed against seed, and then play it. Their critics see everything."""
        config, name = self._config(line_up), self._name(*line_up)
        source = str(self.shelf.folder(name, config).path)
        response = response_config(config, make_environment(config).spec, source, team)
        seeing = replace(response.algorithm, critic_view="all")
        response = replace(response, algorithm=seeing, teams={team: response.teams[team]})

        def make() -> dict[str, Any]:
            self.shelf.actors(name, config)
            actors, minutes = self.shelf.actors(f"{name}-against-{team}", response)
            played = self._play(response, dict.fromkeys(self.study.sides, actors), matched=True)
            return {"training_minutes": minutes, "episodes": self.size.episodes, "means": self._means(played)}

        decided_by = (config, independent_of_folder(response, team, name))
        return self._piece(self._name("afresh", team, *line_up), decided_by, make, partial(_work, config))

    def _piece(
        self, name: str, configs: tuple[Config, ...], make: Callable[[], dict[str, Any]], work: Callable[[], float], trains: bool = True
    ) -> Piece:
        headings = tuple(measure.heading for measure in self.study.measures)
        return Piece(name, configs, self.size.episodes, headings, make, work, trains)

    def _play(self, config: Config, actors: dict[str, PyTree], matched: bool = False) -> Episodes:
        """`Episodes` with an axis for the seeds of each side, in the order of the study's; one axis where they are matched."""
        parts = build(config)
        environment, teams = parts.device_environment(), parts.spec.teams
        played = cross(parts.algorithm, environment, actors, self.size.episodes, jax.random.key(EVALUATION_SEED), matched)
        order = [teams.index(side) for side in self.study.sides]
        if matched or order == sorted(order):
            return played
        return jax.tree.map(lambda leaf: np.moveaxis(leaf, order, range(len(order))), played)

    def _means(self, played: Episodes) -> dict[str, Any]:
        """Heading -> what is counted of the mean over episodes, for every pairing of seeds."""
        axes = played.returns.ndim - 2
        means = {measure: np.asarray(measure.of(played)).mean(axis=axes) for measure in self.study.measures}
        return {measure.heading: measure.of_mean(mean).tolist() for measure, mean in means.items()}


def _work(config: Config) -> float:
    """Roughly what a run costs: sub-policies of so many agents, and how wide they are."""
    training, algorithm = config.training, config.algorithm
    agents = build(config).spec.agent_count
    networks = agents * algorithm.ensemble_size * (1 + algorithm.twin_critics) * (1 + algorithm.inference * agents)
    width = sum(algorithm.actor_layers) + sum(algorithm.critic_layers)
    return training.seeds * training.steps * (1 + training.updates * networks * width / 256)
