"""What can go wrong, one by one: `python -m benchmarks.faults`.

A tiny run of simple_spread by the real command line, in processes of its own. Each fault strikes it, or what it has left; then stand here
the line that its user sees, the exit code, and whether `maddpg resume` ends with the same bytes as the run that was never stopped. Full and
read-only disks are small ones in memory, mounted for the purpose; where that is not allowed they are said not to have been tried.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.cache import RESULTS
from benchmarks.killed import FILES
from benchmarks.tables import fill
from maddpg.storage.checkpoint import CheckpointFolder
from maddpg.storage.files import write_json
from maddpg.storage.manifest import write_manifest
from maddpg.storage.run_folder import machine

PAGE = Path(__file__).parent.parent / "docs" / "runs.md"
RESULT = RESULTS / "faults.json"
SAMPLE = Path(__file__).parent.parent / "tests" / "storage" / "samples" / "schema_1"
TRAIN = (
    "train simple_spread --agents 2 --steps 60_000 --warmup-steps 1000 --batch-size 32 --actor-layers 8 --critic-layers 8 "
    "--environments 10 --log-interval 1000 --evaluation-interval 10_000 --checkpoint-steps 500 --out"
)
SEEN = re.compile(
    r"(maddpg: |stopped after|resumed at|a checkpoint |bits may differ|metrics could|the best networks could|the checkpoint has)"
)
"""How lines begin that say what happened."""
NOT_TRIED = "not tried: nothing may be mounted here"
EQUAL = "`resume` ends equal"


@dataclass(frozen=True)
class Row:
    """One fault."""

    fault: str
    seen: str
    code: int | None
    then: str


class Trial:
    """Runs in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._number = folder, 0
        self.whole = self.new()
        self.train(self.whole)
        self._expected = self.left(self.whole)
        self.stopped = self.new()
        self.strike(self.stopped, signal.SIGKILL)

    def new(self, copied: Path | None = None) -> Path:
        """A new folder for a run, or a copy of one."""
        self._number += 1
        path = self._folder / f"run-{self._number}"
        return path if copied is None else shutil.copytree(copied, path)

    def command(self, words: str, run: Path) -> tuple[str, int]:
        """What `maddpg` says, in which the run's folder is called RUN, and its exit code."""
        return self.wait(self.start(words, run), run)

    def start(self, words: str, run: Path) -> subprocess.Popen[str]:
        """`maddpg` under way."""
        return subprocess.Popen(
            [sys.executable, "-m", "maddpg", *words.split(), str(run)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def wait(self, process: subprocess.Popen[str], run: Path) -> tuple[str, int]:
        """What it said, and its exit code."""
        lines = process.communicate()[1].replace(str(run), "RUN").splitlines()
        seen = list(dict.fromkeys(re.sub(r"step [0-9_]+ \(", "step N (", line) if "could not" in line else line for line in lines))
        # As a shell tells it: 128 and the signal's number.
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        return "; ".join(line.removeprefix("maddpg: ") for line in seen if SEEN.match(line)), code

    def train(self, run: Path) -> tuple[str, int]:
        """A run from its beginning."""
        return self.command(TRAIN, run)

    def resume(self, run: Path) -> tuple[str, int]:
        """`maddpg resume`."""
        return self.command("resume", run)

    def strike(self, run: Path, number: int, in_checkpoint: bool = False) -> tuple[str, int]:
        """Train, and send a signal after a few checkpoints, or in the middle of writing one."""
        process, checkpoints = self.start(TRAIN, run), run / "checkpoints"
        while process.poll() is None:
            names = [path.name for path in checkpoints.iterdir()] if checkpoints.is_dir() else []
            enough = any(name >= "checkpoint-000000000600.json" for name in names if name.endswith(".json"))
            if enough and (not in_checkpoint or any(name.endswith(".part") for name in names)):
                process.send_signal(number)
                break
            time.sleep(0 if in_checkpoint else 0.01)
        return self.wait(process, run)

    def left(self, run: Path) -> dict[str, bytes]:
        """What a run leaves for its reader."""
        return {name: (run / name).read_bytes() if (run / name).is_file() else b"" for name in FILES}

    def goes_on(self, run: Path) -> str:
        """Resume to the end, and compare."""
        _, code = self.resume(run)
        return EQUAL if code == 0 and self.left(run) == self._expected else "`resume` ENDS DIFFERENT"

    def resumed(self, fault: str, damage: Callable[[Path], None]) -> Row:
        """What `resume` makes of a damaged copy of the run that was killed."""
        run = self.new(self.stopped)
        damage(run)
        before = _content(run)
        seen, code = self.resume(run)
        if code == 0:
            return Row(fault, seen, code, "it ends equal" if self.left(run) == self._expected else "it ENDS DIFFERENT")
        return Row(fault, seen, code, "nothing is changed" if _content(run) == before else "THE FOLDER IS CHANGED")


def signals(trial: Trial) -> Iterator[Row]:
    """Processes that are stopped."""
    for name, number in (("Ctrl-C (SIGINT)", signal.SIGINT), ("SIGTERM", signal.SIGTERM), ("SIGKILL", signal.SIGKILL)):
        run = trial.new()
        seen, code = trial.strike(run, number)
        yield Row(name, re.sub(r"after [0-9_]+", "after N", seen), code, trial.goes_on(run))
    for _ in range(50):
        run = trial.new()
        seen, code = trial.strike(run, signal.SIGKILL, in_checkpoint=True)
        if any(path.name.endswith(".part") for path in (run / "checkpoints").iterdir()):
            yield Row("SIGKILL while a checkpoint is written", seen, code, trial.goes_on(run))
            return
    raise RuntimeError("no kill came while a checkpoint was written")


def disks(trial: Trial, place: Path) -> Iterator[Row]:
    """Disks that are full or read-only."""
    names = ("full disk while it trains", "full disk at the start", "read-only disk at the start", "read-only disk at `resume`")
    try:
        with disk(place, "1m"):
            pass
    except (OSError, subprocess.CalledProcessError):
        yield from (Row(name, NOT_TRIED, None, "") for name in names)
        return
    with disk(place, "1m") as remount:
        run = place / "run"
        seen, code = trial.train(run)
        remount("size=64m")
        yield Row(names[0], seen, code, f"with room again {trial.goes_on(run)}")
    with disk(place, "1m"):
        (place / "full").write_bytes(bytes(2**20 - 2**13))
        seen, code = trial.train(place / "run")
        yield Row(names[1], seen, code, "")
    with disk(place, "1m") as remount:
        remount("ro")
        seen, code = trial.train(place / "run")
        yield Row(names[2], seen, code, "")
    with disk(place, "64m") as remount:
        run = Path(shutil.copytree(trial.stopped, place / "run"))
        remount("ro")
        seen, code = trial.resume(run)
        remount("rw")
        yield Row(names[3], seen, code, f"once it can be written {trial.goes_on(run)}")


def files(trial: Trial) -> Iterator[Row]:
    """Files that are damaged, or of something else."""

    def newest(run: Path, kind: str) -> Path:
        return max((run / "checkpoints").glob(f"{kind}-*"))

    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[-100] ^= 1
        path.write_bytes(content)

    def cut(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:-1000])

    def edit(path: Path, change: Callable[[Any], None]) -> None:
        table = json.loads(path.read_text())
        change(table)
        path.write_text(json.dumps(table))

    def other_machine(run: Path) -> None:
        folder = CheckpointFolder(run / "checkpoints", 2)
        for rounds in folder.found():
            manifest = folder.read(rounds)
            elsewhere = {**manifest.about["machine"], "cores": 64, "jax": "9.9.9", "device": "TPU v9"}
            write_manifest(
                run / "checkpoints" / f"checkpoint-{rounds:012}.json", replace(manifest, about={**manifest.about, "machine": elsewhere})
            )

    def all_states(run: Path) -> None:
        for path in (run / "checkpoints").glob("state-*"):
            cut(path)

    def other_world(table: Any) -> None:
        table["config"]["environment"] = "simple_tag"

    yield trial.resumed("state cut off", lambda run: cut(newest(run, "state")))
    yield trial.resumed("a bit of the state flipped", lambda run: flip(newest(run, "state")))
    yield trial.resumed("a bit of the replay flipped", lambda run: flip(newest(run, "replay")))
    yield trial.resumed("a file of the replay missing", lambda run: newest(run, "replay").unlink())
    yield trial.resumed("manifest cut off", lambda run: cut(newest(run, "checkpoint")))
    yield trial.resumed("all checkpoints damaged", all_states)
    yield trial.resumed("checkpoint of a later schema", lambda run: edit(newest(run, "checkpoint"), lambda table: table.update(schema=99)))
    yield trial.resumed("config.json of a later schema", lambda run: edit(run / "config.json", lambda table: table.update(schema=99)))
    yield trial.resumed("config.json cut off", lambda run: cut(run / "config.json"))
    yield trial.resumed(
        "config.json of other settings", lambda run: edit(run / "config.json", lambda table: table["config"]["algorithm"].update(gamma=0.5))
    )
    yield trial.resumed("config.json of another environment", lambda run: edit(run / "config.json", other_world))
    yield trial.resumed("another machine: processor cores, JAX, device", other_machine)
    run = trial.new(SAMPLE)
    _, code = trial.command("evaluate --episodes 10", run)
    yield Row("a run of the first schema, `evaluate`", "its table", code, "")
    seen, code = trial.command("resume --steps 1000", run)
    yield Row("a run of the first schema, `resume`", seen, code, "its networks are still there")


@contextmanager
def disk(place: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A disk in memory for the block; gives a function that mounts it again with other options."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True, capture_output=True)

    def remount(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True, capture_output=True)

    try:
        yield remount
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _content(run: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file() and path.name != ".lock"}


def table() -> list[str]:
    """A row for each fault."""
    rows = ["| fault | what is seen | exit code | then |", "|---|---|---|---|"]
    for row in json.loads(RESULT.read_text())["faults"]:
        seen, code = row["seen"].replace("|", "\\|") or "nothing", row["code"]
        rows.append(f"| {row['fault']} | {seen} | {'' if code is None else code} | {row['then']} |")
    return rows


def render(text: str) -> str:
    """The page with its table made anew."""
    return fill(text, {"faults": table()})


def main() -> None:
    began, folder = time.time(), Path(tempfile.mkdtemp(prefix="maddpg-faults-"))
    rows: list[Row] = []
    try:
        trial = Trial(folder)
        for found in (signals(trial), disks(trial, folder / "disk"), files(trial)):
            for row in found:
                rows.append(row)
                print(f"{row.fault}: {row.seen} [{row.code}] {row.then}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write_json(RESULT, {"machine": machine(), "minutes": (time.time() - began) / 60, "faults": [asdict(row) for row in rows]})
    PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
