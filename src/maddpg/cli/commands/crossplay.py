"""maddpg crossplay."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import jax
import tyro
from rich.console import Console

from maddpg.cli.checks import require_episodes
from maddpg.cli.progress import counting
from maddpg.cli.trusted import read_trusted
from maddpg.environments.contract import Environment
from maddpg.evaluation.crossing import PlayLineUps, on_device, on_stage
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.evaluation.meetings import Entrant, choose_places, meet, yardstick
from maddpg.evaluation.players import Player, everybody
from maddpg.evaluation.stage import make_stage
from maddpg.evaluation.standings import Standings, standings
from maddpg.report.heat_map import draw_heat_map
from maddpg.report.standings import standings_tables
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import without_nan, write_json
from maddpg.storage.zoo import find_run
from maddpg.training.entrants import Company, load_company


@dataclass(frozen=True)
class Crossplay:
    """Play every team of each run against every other run's, all seeds with all seeds: a matrix with intervals, ratings, a heat map."""

    run_folders: tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="RUN")]]
    """The folders of runs in one world, of any settings; or a single one of several seeds."""
    episodes: int = 1_000
    """Episodes of every two seeds, the same starts for all."""
    rows: tuple[str, ...] = ()
    """Teams or agents that come from the row's run; all others come from the column's. Left out: the first of two teams; in a world of one
    team each agent in turn."""
    beside: tuple[Literal["random", "still", "scripted"], ...] = ()
    """Who takes part beside the runs, as a yardstick."""
    best: bool = False
    """The networks of each seed's best evaluation while it trained, in place of those at the end."""
    out: Path | None = None
    """A folder for crossplay.json and heat_map.png. Left out: nothing is written."""
    env: str | None = None
    """package.module:factory, to say that you trust the environment that the runs were trained on: its code is run."""
    json: bool = False
    """Print one JSON object and nothing else on standard output."""

    def run(self) -> int:
        """Play, print, write; the exit code."""
        require_episodes(self.episodes, least=2)
        if not self.run_folders:
            raise ValueError(
                "crossplay needs runs: give the folders of two or more, or of one with several seeds, before flags such as --rows"
            )
        enable_compilation_cache()
        typed = None if self.env is None else read_trusted(self.env, find_run(self.run_folders[0]).read_config())
        company = load_company(self.run_folders, typed, self.best)
        found = self._meet(company)
        if self.out is not None:
            self.out.mkdir(parents=True, exist_ok=True)
            write_json(self.out / "crossplay.json", found.to_dict())
            draw_heat_map(found, self.out / "heat_map.png")
        if self.json:
            print(json.dumps(without_nan(found.to_dict()), allow_nan=False))
            return 0
        console = Console()
        for title, table in standings_tables(found):
            console.print(title, highlight=False, markup=False, soft_wrap=True)
            console.print(table)
        if self.out is None:
            worst = f"; {sys.argv[0]} exploit RUN for its worst opponent" if len(found.sides) == 2 else ""
            following = f"next: add --out DIR for all numbers and a heat map{worst}"
        else:
            following = f"written: {self.out / 'crossplay.json'}, {self.out / 'heat_map.png'}"
        Console(stderr=True).print(following, highlight=False, markup=False, soft_wrap=True)
        return 0

    def _meet(self, company: Company) -> Standings:
        spec, algorithm = company.algorithm.spec, company.algorithm
        places = choose_places(spec, self.rows)
        entrants = [*company.entrants, *(self._yardstick(name, company) for name in self.beside)]
        seeds = sum(len(entrant.seeds) for entrant in entrants)
        with counting(Console(stderr=True), "episodes", self.episodes * len(places.rows) * seeds**2) as tell:
            stage = make_stage(company.config, algorithm, company.environment, self.episodes)
            play: PlayLineUps
            if isinstance(company.environment, Environment):
                play = on_device(algorithm, company.environment, self.episodes, jax.random.key(EVALUATION_SEED))
            else:
                play = on_stage(stage, self.episodes)
            try:
                size = algorithm.config.ensemble_size
                return standings(meet(spec.name, places, entrants, size, play, self.episodes, tell))
            finally:
                stage.close()

    def _yardstick(self, name: str, company: Company) -> Entrant:
        environment = company.environment
        if name == "scripted" and not (isinstance(environment, Environment) and environment.scripted is not None):
            raise ValueError(f"--beside scripted: nobody has written any play for {environment.spec.name}; give random or still")
        return yardstick(name, everybody(environment.spec, Player[name.upper()]), company.entrants[0])
