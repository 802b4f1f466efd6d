"""What each part costs on top of plain training: `python -m benchmarks.costs [WORLD]`.

Milliseconds of a round (100 environment steps, 2 updates of every agent, default preset) with one part switched on, as a ratio to the
same with everything off. Each pair runs side by side in one process, alternating, because the machine may be shared; the median ratio over
repeats, and the range of the middle half. Compile time is that of an empty cache.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from benchmarks.arguments import one_of
from benchmarks.cache import RESULTS
from maddpg.config import ChannelConfig, Config, RewardDesignConfig, TeamConfig, preset
from maddpg.environments.registry import resolve
from maddpg.particles.registry import SCENARIOS
from maddpg.storage.files import write_json
from maddpg.training.build import Parts, build
from maddpg.training.run_state import RunState

REPEATS, ROUNDS = 9, 40


def parts(world: str) -> dict[str, Config]:
    """What is switched on -> the configuration."""
    base = preset("tuned", world)

    def algorithm(**changes: Any) -> Config:
        return replace(base, algorithm=replace(base.algorithm, **changes))

    first_team = build(resolve(base)).spec.teams[0]
    design = RewardDesignConfig(reward_sharing="team_mean", potential=("distance=-1",))
    return {
        "inferred policies": algorithm(inference=True),
        "ensemble of 3": algorithm(ensemble_size=3),
        "hard targets, by episodes": algorithm(tau=1.0, target_interval=400, target_unit="episodes"),
        "own view (DDPG)": algorithm(critic_view="own"),
        "the others' current actions": algorithm(others_actions="current"),
        "a minibatch for each agent": algorithm(minibatch="per_agent"),
        "agents in turn": algorithm(agent_order="in_turn"),
        "one critic instead of two": algorithm(twin_critics=False),
        "designed reward, with a potential": replace(base, reward_design=design),
        "a channel of 4 symbols": replace(base, channel=ChannelConfig(channel_senders=("all",))),
        f"{first_team} with a critic view of their own": replace(base, teams={first_team: TeamConfig(critic_view="team", gamma=0.9)}),
    }


def start(config: Config) -> tuple[Parts, RunState, float]:
    """A run past its warm-up, and the seconds that it took to compile."""
    made = build(resolve(config))
    began = time.perf_counter()
    run = made.loop.start(jax.random.split(jax.random.key(0), 1))
    run = made.loop.warm_up(made.hyper, run, 30)
    run = jax.block_until_ready(made.loop.train(made.hyper, run, 1))
    return made, run, time.perf_counter() - began


def milliseconds(made: Parts, run: RunState) -> tuple[float, RunState]:
    """Of a round."""
    began = time.perf_counter()
    run = jax.block_until_ready(made.loop.train(made.hyper, run, ROUNDS))
    return (time.perf_counter() - began) / ROUNDS * 1e3, run


def measure(plain: Config, changed: Config) -> dict[str, float]:
    """The ratio of times of a round, its middle half, and both compile times."""
    (one, one_run, one_compile), (other, other_run, other_compile) = start(plain), start(changed)
    ratios, times = [], []
    for _ in range(REPEATS):
        before, one_run = milliseconds(one, one_run)
        after, other_run = milliseconds(other, other_run)
        ratios.append(after / before)
        times.append(before)
    low, middle, high = (float(value) for value in np.quantile(ratios, [0.25, 0.5, 0.75]))
    return {
        "ratio": middle,
        "low": low,
        "high": high,
        "plain_milliseconds": float(np.median(times)),
        "compile_seconds": other_compile,
        "plain_compile_seconds": one_compile,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", nargs="?", metavar="WORLD", type=one_of("world", SCENARIOS), default="simple_spread")
    world = parser.parse_args().world
    rows = {}
    for name, config in parts(world).items():
        rows[name] = row = measure(preset("tuned", world), config)
        print(
            f"{name}: {row['ratio']:.2f} times as long ({row['low']:.2f} to {row['high']:.2f}), "
            f"compiles in {row['compile_seconds']:.0f} s (plain {row['plain_compile_seconds']:.0f} s)",
            flush=True,
        )
        jax.clear_caches()
    write_json(RESULTS / "costs.json", {"world": world, "rows": rows})


if __name__ == "__main__":
    main()
