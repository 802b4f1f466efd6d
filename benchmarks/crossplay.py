"""Ten runs in simple_tag against each other, and how exploitable each is: `python -m benchmarks.crossplay [RUN ...] [--quick]`.

Ten algorithms, 625,000 steps, 3 seeds each, set as `tuned` is in the paper's predator-prey table (`maddpg.paper.predator_prey`), of whose
runs half are. All predators meet all prey, 1,000 episodes of every two seeds, scripted play beside them. Then predators learn against each
run's prey alone, and prey against each run's predators alone, for as many steps: what the frozen team gets against these best responses
says how exploitable it is. All are attacked by the same algorithm, MADDPG, so that a weak one does not look robust because it attacks
itself; only the sizes of networks and ensembles, and whether policies are stochastic, are those of the attacked. What is there already is
not run again. --quick shows the shape of it in minutes, of nothing learned, and keeps nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks import paper
from benchmarks.arguments import add_names
from benchmarks.cache import RESULTS
from benchmarks.tables import fill
from maddpg.config import Config, TeamConfig, preset
from maddpg.environments.registry import make_environment
from maddpg.evaluation.crossing import on_device
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.evaluation.meetings import choose_places, meet, yardstick
from maddpg.evaluation.players import Player, everybody
from maddpg.evaluation.standings import Standings, standings
from maddpg.paper import FULL, Size, predator_prey
from maddpg.paper.settings import programs, run_config, run_name
from maddpg.report.heat_map import draw_heat_map
from maddpg.statistics import student_interval
from maddpg.training.build import build
from maddpg.training.entrants import load_company
from maddpg.training.exploiting import independent_of_folder, measure_exploitation, response_config
from maddpg.training.shelf import Shelf

PAGE = Path(__file__).parent.parent / "docs" / "crossplay.md"
FIGURE = PAGE.parent / "images" / "crossplay.png"
STUDY, WORLD = predator_prey.STUDY, "prey 30% faster"
NAME, SCRIPTED = "crossplay", "scripted"
SHELF = Shelf(RESULTS, paper.SHELF.runs)
TEAMS = {"adversary": "predators", "good": "prey"}
RUNS: dict[str, dict[str, Any]] = {
    "MADDPG": {},
    "DDPG": {"critic_view": "own"},
    "team critics": {"critic_view": "team"},
    "one critic": {"twin_critics": False},
    "ensemble of 2": {"ensemble_size": 2},
    "stochastic": {"policy": "stochastic"},
    "gamma 0.85": {"gamma": 0.85},
    "wide": {"actor_layers": (128, 128), "critic_layers": (128, 128)},
    "MADDPG hunts DDPG": {"teams": {"good": TeamConfig(critic_view="own")}},
    "DDPG hunts MADDPG": {"teams": {"adversary": TeamConfig(critic_view="own")}},
}
"""What is special about each: settings of the algorithm, or of a team."""

IN_THE_PAPER = {
    "MADDPG": ("MADDPG", "MADDPG"),
    "DDPG": ("DDPG", "DDPG"),
    "ensemble of 2": ("ensemble of 2", "ensemble of 2"),
    "MADDPG hunts DDPG": ("MADDPG", "DDPG"),
    "DDPG hunts MADDPG": ("DDPG", "MADDPG"),
}
"""Runs that are there if the paper's table was made, and their sides."""


QUICK = Size(11_000, 50, 2)


def config(run: str, size: Size) -> Config:
    """The settings of the paper's table with what is special about a run."""
    (seeds,) = programs(STUDY, size)
    base = run_config(STUDY, WORLD, "tuned", IN_THE_PAPER["MADDPG"], size, seeds)
    special = dict(RUNS[run])
    teams = special.pop("teams", {})
    return replace(base, algorithm=replace(base.algorithm, **special), teams=teams)


def name_of(run: str) -> str:
    """What its folder's name begins with."""
    if run in IN_THE_PAPER:
        return run_name(STUDY, WORLD, "tuned", IN_THE_PAPER[run])
    return f"{NAME}-{run.replace(' ', '-').lower()}"


def cross_all(runs: Sequence[str], size: Size) -> tuple[Standings, dict[str, float]]:
    """The standings of these runs and of scripted play, and the minutes that each run took."""
    minutes = {run: SHELF.actors(name_of(run), config(run, size))[1] for run in runs}
    company = load_company([SHELF.folder(name_of(run), config(run, size)).path for run in runs])
    spec, algorithm = company.algorithm.spec, company.algorithm
    environment = build(config(runs[0], size)).device_environment()
    entrants = [replace(entrant, name=run) for entrant, run in zip(company.entrants, runs, strict=True)]
    entrants.append(yardstick(SCRIPTED, everybody(spec, Player.SCRIPTED), entrants[0]))
    play = on_device(algorithm, environment, size.episodes, jax.random.key(EVALUATION_SEED))
    return standings(meet(spec.name, choose_places(spec), entrants, algorithm.config.ensemble_size, play, size.episodes)), minutes


@dataclass(frozen=True)
class Attack:
    """Those who learn against a team of a run."""

    run: str
    team: str
    size: Size

    @property
    def settings(self) -> Config:
        """Of the attacked run."""
        return config(self.run, self.size)

    @property
    def name(self) -> str:
        """What its folder's name begins with."""
        return f"{name_of(self.run)}-against-{self.team}"

    @property
    def config(self) -> Config:
        """The settings of the run called MADDPG, but for what one program must share with the team."""
        source = str(SHELF.folder(name_of(self.run), self.settings).path)
        response = response_config(self.settings, make_environment(self.settings).spec, source, self.team)
        usual = preset("tuned", STUDY.environment).algorithm
        gamma = config("MADDPG", FULL).algorithm.gamma
        attacker = replace(response.algorithm, critic_view=usual.critic_view, twin_critics=usual.twin_critics, gamma=gamma)
        return replace(response, algorithm=attacker, teams={self.team: response.teams[self.team]})

    @property
    def decided_by(self) -> tuple[Config, Config]:
        """What its result is found by."""
        return self.settings, independent_of_folder(self.config, self.team, name_of(self.run))

    def find(self) -> dict[str, Any] | None:
        """Its result, if it is there."""
        return SHELF.find(self.name, *self.decided_by)

    def make(self) -> dict[str, Any]:
        """What the team loses against them; trains what is missing."""
        SHELF.actors(name_of(self.run), self.settings)
        _, minutes = SHELF.actors(self.name, self.config)
        source, folder = SHELF.folder(name_of(self.run), self.settings), SHELF.folder(self.name, self.config)
        found = measure_exploitation(source, self.settings, folder, build(self.config), self.team, self.size.episodes)
        return {"training_minutes": minutes, "exploitation": found.to_dict()}


def exploit(attack: Attack, keep: bool) -> dict[str, Any]:
    """What a team loses against those who learned against it; from the results where it is there."""
    if not keep:
        return attack.make()
    return attack.find() or SHELF.write(attack.name, attack.make(), *attack.decided_by)


def matrix_table(result: dict[str, Any]) -> list[str]:
    """A row for each run: its ratings, and both its teams beside their own and beside the others."""
    rows = [
        "| run | Elo | Nash weight | skill | predators beside their own | others | prey beside their own | others |",
        "|---|" + "---|" * 7,
    ]
    for row, run in enumerate(each["run"] for each in result["runs"]):
        cells = [_cell(result["elo"], row, digits=0), f"{result['nash']['weights'][row]:.2f}", f"{result['nash']['skills'][row]:.1f}"]
        cells += [_cell(result[table], row, side) for side in range(2) for table in ("together", "others")]
        rows.append(f"| {run} | {' | '.join(cells)} |")
    return rows


def exploited_table(found: dict[str, dict[str, Any]]) -> list[str]:
    """A row for each run, the prey that gets least at worst first."""
    rows = [
        "| run | prey gets at worst | each seed | less than usual by | predators get at worst | each seed | less than usual by |",
        "|---" * 7 + "|",
    ]
    for run in sorted(found, key=lambda run: np.mean(found[run]["good"]["against"]["estimate"])):
        cells = [cell for team in ("good", "adversary") for cell in _worst(found[run][team])]
        rows.append(f"| {run} | {' | '.join(cells)} |")
    return rows


def render(text: str) -> str:
    """The page with its tables made anew from the committed results."""
    result = SHELF.find(NAME, *(config(run, FULL) for run in RUNS))
    losses: dict[str, dict[str, Any]] = {}
    for run in RUNS:
        known = {team: Attack(run, team, FULL).find() for team in TEAMS}
        if all(known.values()):
            losses[run] = {team: each["exploitation"] for team, each in known.items() if each}
    missing = ["| run |", "|---|", "| not run yet |"]
    return fill(text, {"runs": matrix_table(result) if result else missing, "exploited": exploited_table(losses) if losses else missing})


def _worst(exploitation: dict[str, Any]) -> tuple[str, str, str]:
    """What a team gets at worst, its seeds, and how much less that is than beside its own."""
    against, loss = (np.array(exploitation[name]["estimate"]) for name in ("against", "loss"))
    worst, less = (_cell(student_interval(values).to_dict()) for values in (against, loss))
    return worst, ", ".join(f"{value:.1f}" for value in sorted(against)), less


def _cell(interval: dict[str, Any], *place: int, digits: int = 1) -> str:
    estimate, low, high = (np.array(interval[name])[place] for name in ("estimate", "low", "high"))
    return f"{estimate:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_names(parser, "run", RUNS, "whose exploitability is measured")
    parser.add_argument("--quick", action="store_true", help="little training, few episodes, and nothing is kept")
    given = parser.parse_args()
    size, keep = (QUICK, False) if given.quick else (FULL, True)
    crossed = given.runs if given.quick else list(RUNS)
    settings = [config(run, size) for run in crossed]
    result = SHELF.find(NAME, *settings) if keep else None
    if result is None:
        found, minutes = cross_all(crossed, size)
        summary = {name: value for name, value in found.to_dict().items() if name not in ("policies", "policy_means")}
        result = {"training_minutes": minutes, **summary}
        if keep:
            SHELF.write(NAME, result, *settings)
            draw_heat_map(found, FIGURE)
    print("\n".join(matrix_table(result)), flush=True)
    losses = {run: {team: exploit(Attack(run, team, size), keep)["exploitation"] for team in TEAMS} for run in given.runs}
    print("\n".join(exploited_table(losses)))
    if keep:
        PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
