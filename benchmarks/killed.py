"""Runs that are killed at random: `python -m benchmarks.killed [--runs N] [--host-runs N] [--seed S]`.

The same short run again and again in a process of its own, killed with SIGKILL at random moments (in the middle of checkpoints too, which
come every few rounds), resumed until it is done, and compared with the unbroken run: parameters, metrics, best networks and the final
evaluation, byte for byte. Fused: two seeds, ensembles, inferred policies. Host: the real mpe2 in two worker processes.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.cache import RESULTS
from maddpg.storage.files import write_json
from maddpg.storage.run_folder import machine

SIZES = "--batch-size 32 --actor-layers 8 --critic-layers 8 --environments 10 --log-interval 1000 --evaluation-interval 2000"
LOOPS = {
    "fused": f"simple_spread --steps 60_000 --warmup-steps 2000 --seeds 2 --ensemble-size 2 --inference {SIZES} --checkpoint-steps 500",
    "host": f"mpe2:simple_spread_v3 --steps 6_000 --warmup-steps 500 --workers 2 --evaluation-episodes 10 {SIZES} --checkpoint-steps 200",
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


def try_loop(name: str, runs: int, source: random.Random, folder: Path) -> dict[str, float]:
    """How many of so many runs were equal in the end, and how often they were killed."""
    whole = folder / name
    train(["train", *LOOPS[name].split(), "--out", str(whole)])  # compiles
    shutil.rmtree(whole)
    began = time.perf_counter()
    assert train(["train", *LOOPS[name].split(), "--out", str(whole)]) == 0
    seconds, expected = time.perf_counter() - began, left(whole)
    equal = kills = 0
    for number in range(runs):
        run = folder / f"{name}-{number}"
        code = train(["train", *LOOPS[name].split(), "--out", str(run)], source.uniform(0, seconds))
        while code != 0:
            kills += 1
            if (run / "config.json").is_file():
                code = train(["resume", str(run)], source.uniform(0, 1.5 * seconds))
            else:  # killed before there was anything
                shutil.rmtree(run, ignore_errors=True)
                code = train(["train", *LOOPS[name].split(), "--out", str(run)], source.uniform(0, seconds))
        equal += left(run) == expected
        shutil.rmtree(run)
        print(f"{name}: {equal} of {number + 1} equal, killed {kills} times", flush=True)
    return {"runs": runs, "equal": equal, "kills": kills, "seconds_unbroken": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100, help="of the fused loop")
    parser.add_argument("--host-runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    source, folder = random.Random(given.seed), Path(tempfile.mkdtemp(prefix="maddpg-killed-"))
    counts = {"fused": given.runs, "host": given.host_runs}
    results = {name: try_loop(name, count, source, folder) for name, count in counts.items() if count}
    write_json(RESULTS / "killed.json", {"seed": given.seed, "machine": machine(), "loops": results})
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
