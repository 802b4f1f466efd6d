"""maddpg crossplay."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import jax
import tyro
from rich.console import Console

from maddpg.cli.checks import make_out_folder, require_episodes
from maddpg.cli.progress import counting
from maddpg.cli.saying import program
from maddpg.cli.trusted import read_run, read_trusted
from maddpg.environments.contract import Environment
from maddpg.evaluation.crossing import PlayLineUps, on_device, on_stage
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.evaluation.meetings import Entrant, Places, choose_places, meet, yardstick
from maddpg.evaluation.players import Player, everybody
from maddpg.evaluation.stage import make_stage
from maddpg.evaluation.standings import Standings, standings
from maddpg.report.heat_map import draw_heat_map
from maddpg.report.standings import standings_tables
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import without_nan, write_json
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
        configs = [read_run(folder)[1] for folder in self.run_folders]
        typed = read_trusted(self.env, configs[0])
        company = load_company(self.run_folders, typed, self.best)
        places = choose_places(company.algorithm.spec, self.rows)
        entrants = [*company.entrants, *(self._yardstick(name, company) for name in self.beside)]
        make_out_folder(self.out)
        found = self._meet(company, places, entrants)
        self._print(found)
        if self.out is not None:
            write_json(self.out / "crossplay.json", found.to_dict())
            draw_heat_map(found, self.out / "heat_map.png")
        if not self.json:
            Console(stderr=True).print(self._following(found), highlight=False, markup=False, soft_wrap=True)
        return 0

    def _print(self, found: Standings) -> None:
        if self.json:
            print(json.dumps(without_nan(found.to_dict()), allow_nan=False))
            return
        console = Console()
        for title, table in standings_tables(found):
            console.print(title, highlight=False, markup=False, soft_wrap=True)
            console.print(table)

    def _following(self, found: Standings) -> str:
        """Where all of it is, or what to type next."""
        if self.out is not None:
            return f"written: {self.out / 'crossplay.json'}, {self.out / 'heat_map.png'}"
        worst = f"; {program()} exploit RUN for its worst opponent" if len(found.sides) == 2 else ""
        return f"next: add --out DIR for all numbers and a heat map{worst}"

    def _meet(self, company: Company, places: Places, entrants: Sequence[Entrant]) -> Standings:
        spec, algorithm = company.algorithm.spec, company.algorithm
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
