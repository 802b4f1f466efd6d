"""Put the committed results into the tables of README.md: `python -m benchmarks.readme`. A test holds that they agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import inference
from benchmarks.cache import RESULTS
from benchmarks.released_code import WORLDS as RELEASED
from benchmarks.tables import fill, over_seeds

README = Path(__file__).parent.parent / "README.md"


def result(name: str) -> dict[str, Any] | None:
    """The committed result whose file's name starts so, None if there is none yet."""
    paths = sorted(RESULTS.glob(f"{name}*.json"))
    return json.loads(paths[0].read_text()) if paths else None


def scores() -> list[str]:
    """The default preset in mpe2, with twin critics and with one, beside the yardsticks."""
    rows = [
        "| world | agent | default preset | one critic instead of two | random | still | scripted |",
        "|---|---|---|---|---|---|---|",
    ]
    for world in ("simple", "simple_speaker_listener", "simple_spread"):
        runs = [result(f"mpe2-scores-{world}-{variant}") for variant in ("tuned", "plain")]
        if runs[0] is None:
            continue
        for agent, first in runs[0]["evaluations"][0]["seeds"][0]["agents"].items():
            cells = [_seeds(run, 0, agent) for run in runs]
            yardsticks = [f"{first[name]:.2f}" for name in ("random", "still", "scripted")]
            rows.append(f"| {world} | {agent} | {' | '.join(cells)} | {' | '.join(yardsticks)} |")
    return rows


def tag() -> list[str]:
    """simple_tag: who plays whom, and what a predator and the prey get."""
    rows = ["| predators | prey | each predator | prey |", "|---|---|---|---|"]
    for variant, about in (("shaped", "trained with each other"), ("hunters", "trained against scripted prey")):
        run = result(f"mpe2-scores-simple_tag-{variant}")
        if run is None:
            rows.append(f"| {about}: not run yet | | | |")
            continue
        for index, evaluation in enumerate(run["evaluations"]):
            players = evaluation["players"]
            who = [players[agent].replace("learned", about) for agent in ("adversary_0", "agent_0")]
            rows.append(f"| {' | '.join(who)} | {_seeds(run, index, 'adversary_0')} | {_seeds(run, index, 'agent_0')} |")
    return rows


def _seeds(run: dict[str, Any] | None, evaluation: int, agent: str) -> str:
    if run is None:
        return "not run yet"
    means = [seed["agents"][agent]["mean"] for seed in run["evaluations"][evaluation]["seeds"]]
    return f"{means[0]:.2f}" if len(set(means)) == 1 else over_seeds(means)


def released() -> list[str]:
    """The preset `paper` beside what was published."""
    rows = ["| world | preset `paper` | seeds | released code, as published |", "|---|---|---|---|"]
    for world, (_, published) in RELEASED.items():
        run = result(f"released-code-{world}-")
        if run is not None:
            seeds = sorted(float(np.mean(list(returns.values()))) for returns in run["returns"].values())
            rows.append(f"| {world} | {over_seeds(seeds)} | {', '.join(f'{seed:.1f}' for seed in seeds)} | {published} |")
    return rows


def speed() -> list[str]:
    """The fused loop on the fixed workload."""
    rows = [
        "| agents | steps a second | loop / updates alone | updates' multiply-adds a second "
        "| share of the machine's speed on products of these shapes | on one large square product | compiles in | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    measured = result("throughput") or {"rows": []}
    for row in measured["rows"]:
        rate, memory = row["multiply_adds_per_second"] / 1e9, row["peak_memory"] / 2**30
        rows.append(
            f"| {row['agents']} | {row['steps_per_second']:,.0f} | {row['loop_over_updates']:.2f} | {rate:.0f} billion "
            f"| {row['share_of_thin_rate']:.0%} | {row['share_of_square_rate']:.0%} | {row['compile_seconds']:.0f} s | {memory:.1f} GiB |"
        )
    return rows


def costs() -> list[str]:
    """What each part costs on top of plain training."""
    measured = result("costs")
    rows = ["| switched on | time of a round | compiles in |", "|---|---|---|"]
    if measured is None:
        return [*rows, "| not run yet | | |"]
    for name, row in measured["rows"].items():
        ratio = f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        rows.append(f"| {name} | {ratio} | {row['compile_seconds']:.0f} s, plain {row['plain_compile_seconds']:.0f} s |")
    return rows


def render(text: str) -> str:
    """`text` with what stands between each pair of markers made anew."""
    tables = {
        "scores": scores(),
        "tag": tag(),
        "inference": inference.table(),
        "released": released(),
        "speed": speed(),
        "costs": costs(),
    }
    return fill(text, tables)


if __name__ == "__main__":
    README.write_text(render(README.read_text()))
