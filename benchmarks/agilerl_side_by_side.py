"""Speed of the loop for environments in Python beside AgileRL's MADDPG: `python -m benchmarks.agilerl_side_by_side [--python PATH]`.

Both train in mpe2's simple_spread (continuous actions, 25 steps), on the CPU, and whole loops are timed: act, step, store, sample, learn.
The same for both: worker processes, with one environment in each; environment steps for each update of every agent, by count; the
minibatch; one critic; the sizes of all networks, by their parameters. Compiling and warming up are left out. The sides are all open at
once and take turns, because the machine may be shared. AgileRL runs with as many threads of torch as it takes by itself and with one: the
faster counts. Our loop runs once more with many environments in the same processes, as it is meant to: AgileRL's has a process for each.

AgileRL has a virtual environment of its own: PATH is its python, or one is made in runs/peers/agilerl. There torch comes first, and pinned,
since what AgileRL would ask for by itself is a CUDA build; where the package index has no other, PIP_EXTRA_INDEX_URL may name
https://download.pytorch.org/whl/cpu. peft is imported by AgileRL, which does not ask for it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.agilerl_sides import BATCH, AgileRL, Ours, Repetition
from benchmarks.cache import RESULTS
from benchmarks.tables import fill
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import write_json

PAGE = Path(__file__).parent.parent / "docs" / "environments.md"
RESULT = "agilerl-side-by-side.json"
TORCH = "torch==2.13.0"
PACKAGES = ([TORCH], [TORCH, "agilerl==2.58.0", "peft==0.21.2", f"mpe2=={version('mpe2')}"])
MANY, SLOW, TRIAL = 96, 96, 10
"""Environments of our loop as it is meant to run; environment steps for an update, where it is not one for each step of all environments;
updates from which the pace is told."""
THREADS = {"default": 0, "one": 1}


def measure(python: Path, environments: int, steps_per_update: int, repeats: int, seconds: float) -> dict[str, Any]:
    """All repetitions of all sides in one setting, each side `seconds` long at a time."""
    with ExitStack() as stack:
        sides: dict[str, Ours | AgileRL] = {"ours": Ours(environments, environments, steps_per_update)}
        stack.callback(sides["ours"].close)
        sides["many"] = Ours(MANY, environments, steps_per_update)
        stack.callback(sides["many"].close)
        for name, threads in THREADS.items():
            sides[name] = AgileRL(python, environments, steps_per_update, threads)
            stack.callback(sides[name].close)
        for name in THREADS:
            require_alike(sides["ours"].about, sides[name].about)
        trials = {name: side.run(TRIAL) for name, side in sides.items()}
        updates = {name: max(1, round(trial.updates * seconds / trial.seconds)) for name, trial in trials.items()}
        repetitions: dict[str, list[Repetition]] = {name: [] for name in sides}
        for repeat in range(repeats):
            order = [*sides][repeat % len(sides) :] + [*sides][: repeat % len(sides)]
            for name in order:
                repetitions[name].append(sides[name].run(updates[name]))
        for name, taken in repetitions.items():
            if any(repetition.steps != repetition.updates * steps_per_update for repetition in taken):
                raise RuntimeError(f"{name}: updates do not go with steps, 1 to {steps_per_update}: {taken}")
        about = {name: dict(side.about) for name, side in sides.items()}
    turns = {name: [asdict(repetition) for repetition in taken] for name, taken in repetitions.items()}
    return {"environments": environments, "steps_per_update": steps_per_update, "about": about, "repetitions": turns}


def require_alike(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Both sides have the same sizes of networks, processes and episodes, or the comparison is none."""
    for name, value in ours.items():
        if theirs[name] != value:
            raise RuntimeError(f"{name} differ: ours {value}, AgileRL's {theirs[name]}")


def interpreter() -> Path:
    """The python of AgileRL's virtual environment, which is made now if it is not there."""
    folder = Path("runs/peers/agilerl").absolute()
    python, ended = folder / "bin" / "python", folder / "installed"
    if not ended.is_file():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        for packages in PACKAGES:
            subprocess.run([python, "-m", "pip", "install", *packages], check=True)
        ended.touch()
    return python


def rates(row: Mapping[str, Any], side: str) -> np.ndarray:
    """Environment steps a second of one side's repetitions."""
    return np.array([Repetition(**repetition).rate for repetition in row["repetitions"][side]])


def table(result: Mapping[str, Any] | None) -> list[str]:
    """One row for each setting: medians, their ratios to AgileRL's, and the range of the repetitions' own ratios."""
    if result is None:
        return ["Not measured yet."]
    head = "worker processes | environment steps for an update | AgileRL, steps/s | ours, one environment in each | times as fast"
    rows = [f"| {head} | ours, {MANY} environments in them | times as fast |", "|---" * 7 + "|"]
    for row in result["rows"]:
        theirs = {name: rates(row, name) for name in THREADS}
        best = max(theirs, key=lambda name: float(np.median(theirs[name])))
        cells = [f"{row['environments']}", f"{row['steps_per_update']}"]
        cells.append(f"{np.median(theirs[best]):,.0f} (torch threads: {row['about'][best]['threads']})")
        for name in ("ours", "many"):
            ours = rates(row, name)
            ratios = ours / theirs[best]
            cells.append(f"{np.median(ours):,.0f}")
            cells.append(f"{np.median(ours) / np.median(theirs[best]):.1f} ({ratios.min():.1f} to {ratios.max():.1f})")
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def render(text: str) -> str:
    """The page with its table made anew."""
    path = RESULTS / RESULT
    return fill(text, {"agilerl": table(json.loads(path.read_text()) if path.is_file() else None)})


def machine() -> dict[str, Any]:
    """What it was measured on; a load well above 0 says that others were at work."""
    return {"machine": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, help="of a virtual environment with AgileRL; left out: one is made")
    parser.add_argument("--environments", type=int, nargs="+", default=[2, 4, 8], help="on each side, and so many processes")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one turn of one side")
    parser.add_argument("--tables", action="store_true", help="measure nothing, make the table from what is there")
    given = parser.parse_args()
    uneven = [count for count in given.environments if count < 1 or SLOW % count]
    if uneven:
        parser.error(f"--environments {uneven[0]}: it must divide {SLOW}, so that both sides update equally often; give 2, 4 or 8")
    if not given.tables:
        enable_compilation_cache()
        about, rows = machine(), []
        python = given.python or interpreter()
        for slow, environments in product((False, True), given.environments):
            row = measure(python, environments, SLOW if slow else environments, given.repeats, given.seconds)
            rows.append(row)
            print(table({"rows": [row]})[-1], flush=True)
            jax.clear_caches()
        versions = {name: version(name) for name in ("jax", "mpe2", "pettingzoo", "numpy")}
        write_json(RESULTS / RESULT, {"machine": about, "versions": versions, "batch_size": BATCH, "rows": rows})
    PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
