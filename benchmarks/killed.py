"""Runs that are killed at random: `python -m benchmarks.killed [--runs N] [--host-runs N] [--seed S]`. It goes on where it was stopped.

The same short run again and again in a process of its own, killed with SIGKILL at random moments, at least once, in the middle of
checkpoints too, which come every few rounds; resumed until it is done, and compared with the unbroken run: parameters, metrics, best
networks and the final evaluation, byte for byte. Fused: two seeds, ensembles, inferred policies. Host: the real mpe2 in two worker
processes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.cache import RESULTS
from benchmarks.tables import fill
from maddpg.storage.files import write_json
from maddpg.storage.run_folder import machine

PAGE = Path(__file__).parent.parent / "docs" / "runs.md"
RESULT = RESULTS / "killed.json"
SIZES = "--batch-size 32 --actor-layers 8 --critic-layers 8 --environments 10 --log-interval 1000 --evaluation-interval 2000"
LOOPS = {
    "fused": f"simple_spread --steps 12_000 --warmup-steps 1000 --seeds 2 --ensemble-size 2 --inference {SIZES} --checkpoint-steps 500",
    "host": f"mpe2:simple_spread_v3 --steps 4_000 --warmup-steps 500 --workers 2 --evaluation-episodes 10 {SIZES} --checkpoint-steps 200",
}
FILES = ("parameters.safetensors", "best.safetensors", "metrics.jsonl", "evaluation.json")


def train(words: list[str], kill_after: float | None = None) -> int:
    """`maddpg` with these words in a process of its own, killed with all its children after so many seconds; its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "maddpg", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return process.wait(kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def left(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in FILES}


def try_loop(name: str, runs: int, seed: int, folder: Path) -> None:
    """Go on with what was counted until there are so many runs; what is counted is kept after each."""
    counted = kept().get(name, {"seed": seed, "machine": machine(), "runs": 0, "equal": 0, "kills": 0})
    if counted["runs"] >= runs:
        return
    whole = folder / name
    train(["train", *LOOPS[name].split(), "--out", str(whole)])  # compiles
    shutil.rmtree(whole)
    began = time.perf_counter()
    assert train(["train", *LOOPS[name].split(), "--out", str(whole)]) == 0
    seconds, expected = time.perf_counter() - began, left(whole)
    for number in range(counted["runs"], runs):
        source = random.Random(f"{seed} {name} {number}")
        run, code, kills = folder / f"{name}-{number}", 0, 0
        while code == 0:  # until it was killed once; one that was quicker does not count
            shutil.rmtree(run, ignore_errors=True)
            code = train(["train", *LOOPS[name].split(), "--out", str(run)], source.uniform(0, seconds))
        while code != 0:
            kills += 1
            if (run / "config.json").is_file():
                code = train(["resume", str(run)], source.uniform(0, 1.5 * seconds))
            else:  # killed before there was anything
                shutil.rmtree(run, ignore_errors=True)
                code = train(["train", *LOOPS[name].split(), "--out", str(run)], source.uniform(0, seconds))
        equal = left(run) == expected
        shutil.rmtree(run)
        counted |= {"runs": number + 1, "equal": counted["equal"] + equal, "kills": counted["kills"] + kills}
        write_json(RESULT, {"loops": kept() | {name: counted}})
        print(f"{name}: {counted['equal']} of {number + 1} equal, killed {counted['kills']} times", flush=True)


def kept() -> dict[str, Any]:
    """What was counted so far, by loop."""
    loops: dict[str, Any] = json.loads(RESULT.read_text())["loops"] if RESULT.is_file() else {}
    return loops


def table() -> list[str]:
    """What came of it."""
    rows = ["| loop | runs | killed | equal to the unbroken run |", "|---|---|---|---|"]
    return rows + [f"| {name} | {loop['runs']} | {loop['kills']} times | {loop['equal']} |" for name, loop in kept().items()]


def render(text: str) -> str:
    """The page with its table made anew."""
    return fill(text, {"killed": table()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100, help="of the fused loop, those that were counted before too")
    parser.add_argument("--host-runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="maddpg-killed-"))
    for name, count in {"fused": given.runs, "host": given.host_runs}.items():
        try_loop(name, count, given.seed, folder)
    shutil.rmtree(folder)
    PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
