"""Files that were made to harm: `python -m benchmarks.fuzzed [--inputs N] [--seconds S] [--seed S] [--only NUMBER]`.

Checkpoints, config.json, settings files, networks and exports of a tiny run are damaged at random, most of them with sizes and checksums
put right again so that what lies deeper is reached, and read by the functions that the commands use; some by the commands themselves. Each
must be loaded or refused with a `ValueError` of one line, within seconds and a bounded amount of memory. Python's audit hook tells what is
opened, moved, deleted, imported or started meanwhile. Input NUMBER of a seed is always the same; `--only` repeats it alone. What fails is
kept in runs/fuzzed.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax

from benchmarks.cache import RESULTS
from benchmarks.fuzzing.inputs import Originals, make_input, put, read_files
from benchmarks.fuzzing.readers import LONGEST_COMMAND, Outcome, Readers, make_originals
from benchmarks.fuzzing.watch import Watch
from benchmarks.tables import fill
from maddpg.storage.files import write_json
from maddpg.storage.run_folder import machine

PAGE = Path(__file__).parent.parent / "docs" / "runs.md"
RESULT = RESULTS / "fuzzed.json"
KEPT = Path("runs") / "fuzzed"
INPUTS = 100_000
COMMANDS = 100
"""Inputs that go through the command line."""
MEMORY = 4 * 2**30
"""Bytes of address space beside those at the start: what asks for more is refused them, and fails."""
NAMES = {
    "checkpoint": "checkpoints: manifest, state, replay",
    "config": "`config.json`",
    "settings": "TOML for `--config`",
    "networks": "`parameters.safetensors`, `best.safetensors`",
    "export": "exports, by `load_policy`",
}


class Place:
    """Folders for inputs, and what nobody may touch beside them."""

    def __init__(self, path: Path) -> None:
        self.input, self.outside, self.here = path / "input", path / "outside", path / "here"
        self.secret = path / "secret"
        shutil.rmtree(path, ignore_errors=True)
        for folder in (self.outside / "checkpoints", self.here, self.secret):
            folder.mkdir(parents=True)
        for name in ("metrics.jsonl", "config.json", "parameters.safetensors", ".lock", "checkpoints/checkpoint-000000000001.json"):
            (self.outside / name).write_text("untouched\n")
        (self.secret / "secret.json").write_text("{}")
        self._before = self._state()

    def unchanged(self) -> bool:
        """Whether all is as it was, but for the input."""
        return self._state() == self._before

    def _state(self) -> list[tuple[str, int, int]]:
        folders = (self.outside, self.here, self.secret, self.outside / "checkpoints")
        return [(entry.path, entry.stat().st_size, entry.stat().st_mtime_ns) for folder in folders for entry in os.scandir(folder)]


def try_inputs(originals: Originals, numbers: Iterable[int], seed: int, every: int, path: Path) -> Iterator[Outcome]:
    """How each of these inputs ends; each `every`th goes through the command line."""
    path, cache = path.resolve(), jax.config.values["jax_compilation_cache_dir"]
    watch = Watch((path / "input", *([Path(cache).resolve()] if cache else [])), path / "secret")
    readers, place = Readers(watch, path / "input"), Place(path)
    watch.start()
    before = os.getcwd()
    os.chdir(place.here)
    try:
        for number in numbers:
            given = make_input(originals, seed, number)
            put(given.files, place.input, place.outside)
            by_command = number % every == every - 1 and given.kind != "export"
            outcome = readers.read(number, given, by_command)
            if not place.unchanged():
                outcome = replace(outcome, result=outcome.result if outcome.failed else "changed something outside")
                place = Place(path)
            yield outcome
    finally:
        os.chdir(before)


def work(folder: Path, first: int, inputs: int, seed: int, until: float) -> None:
    """A process of its own: inputs from `first` on, a line for each in outcomes.jsonl."""
    # What they do when they are first used is no work of a damaged file.
    os.environ["MPLCONFIGDIR"] = str(folder / "cache")
    importlib.import_module("matplotlib.font_manager")
    jax.config.update("jax_compilation_cache_dir", str(folder / "cache"))
    originals = Originals(read_files(folder / "run"), read_files(folder / "exports"), (folder / "settings.toml").read_text())
    soft = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (soft, soft))
    with (folder / "outcomes.jsonl").open("a") as file:
        for outcome in try_inputs(originals, range(first, inputs), seed, max(1, inputs // COMMANDS), folder / "place"):
            file.write(json.dumps(asdict(outcome)) + "\n")
            file.flush()
            # A watchdog that no native code can hold up.
            faulthandler.dump_traceback_later(2 * LONGEST_COMMAND, exit=True)
            if time.time() > until:
                return


def measure(inputs: int, seed: int, seconds: float) -> dict[str, Any]:
    """Try so many inputs, in another process whenever one has died."""
    began, folder = time.time(), Path(tempfile.mkdtemp(prefix="maddpg-fuzzed-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    originals = make_originals(folder)
    (folder / "settings.toml").write_text(originals.settings)
    outcomes: list[Outcome] = []
    while len(outcomes) < inputs and time.time() < began + seconds:
        words = ["--work", str(folder), "--first", str(len(outcomes)), "--until", str(began + seconds)]
        ended = subprocess.run(
            [sys.executable, "-m", "benchmarks.fuzzed", "--inputs", str(inputs), "--seed", str(seed), *words], check=False
        )
        outcomes = [Outcome(**json.loads(line)) for line in (folder / "outcomes.jsonl").read_text().splitlines()]
        if ended.returncode and not (folder / "place").is_dir():
            sys.exit("it could not begin")
        if ended.returncode:
            given = make_input(originals, seed, len(outcomes))
            outcomes.append(Outcome(len(outcomes), given.kind, given.damage, f"the process died ({ended.returncode})", "", 0.0, 0))
            with (folder / "outcomes.jsonl").open("a") as file:
                file.write(json.dumps(asdict(outcomes[-1])) + "\n")
    for outcome in outcomes:
        if outcome.failed:
            keep(originals, seed, outcome)
    shutil.rmtree(folder)
    return {"seed": seed, "minutes": (time.time() - began) / 60, "machine": machine(), **summarise(outcomes)}


def keep(originals: Originals, seed: int, outcome: Outcome) -> None:
    """An input that failed, and how."""
    KEPT.mkdir(parents=True, exist_ok=True)
    put(make_input(originals, seed, outcome.number).files, KEPT / f"{seed}-{outcome.number}", KEPT.absolute())
    print(f"{seed}/{outcome.number} {outcome.kind} ({outcome.damage}): {outcome.result}: {outcome.line[:300]!r}", flush=True)


def summarise(outcomes: list[Outcome]) -> dict[str, Any]:
    """Counts by kind, what failed, and the largest figures."""
    kinds = {}
    for kind in NAMES:
        those = [outcome for outcome in outcomes if outcome.kind == kind]
        counts = Counter("failed" if outcome.failed else outcome.result for outcome in those)
        kinds[kind] = {
            "inputs": len(those),
            **{result: counts[result] for result in ("loaded", "refused", "failed")},
            "seconds_at_most": max((outcome.seconds for outcome in those), default=0.0),
            "bytes_at_most": max((outcome.bytes for outcome in those), default=0),
        }
    failures = Counter(f"{outcome.kind}: {outcome.result}" for outcome in outcomes if outcome.failed)
    return {"inputs": len(outcomes), "kinds": kinds, "failures": dict(failures)}


def table() -> list[str]:
    """A row for each kind of file."""
    result = json.loads(RESULT.read_text())
    rows = ["| files | inputs | loaded | refused in one line | anything else |", "|---|---|---|---|---|"]
    for kind, name in NAMES.items():
        counts = result["kinds"][kind]
        rows.append(f"| {name} | {counts['inputs']:,} | {counts['loaded']:,} | {counts['refused']:,} | {counts['failed']:,} |")
    return rows


def render(text: str) -> str:
    """The page with its table made anew."""
    return fill(text, {"fuzzed": table()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--seconds", type=float, default=3600.0, help="stop after so long")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="try this input alone")
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, default=0.0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    jax.config.update("jax_disable_most_optimizations", True)  # what is compiled runs once
    if given.work:
        work(given.work, given.first, given.inputs, given.seed, given.until)
        return
    if given.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            originals = make_originals(Path(folder))
            (outcome,) = try_inputs(originals, range(given.only, given.only + 1), given.seed, 2**62, Path(folder) / "place")
            keep(originals, given.seed, outcome)
        return
    result = measure(given.inputs, given.seed, given.seconds)
    print(json.dumps({name: result[name] for name in ("inputs", "minutes", "kinds", "failures")}, indent=1))
    if result["inputs"] >= INPUTS:
        write_json(RESULT, result)
        PAGE.write_text(render(PAGE.read_text()))
    sys.exit(1 if result["failures"] else 0)


if __name__ == "__main__":
    main()
