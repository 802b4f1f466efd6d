"""Speed of the fused loop on a fixed workload, as ratios measured in one process: `python -m benchmarks.throughput [--agents 3 6]`.

simple_spread with N agents, one critic for each, batch 1024, two hidden layers of 64, one update of every agent for each 100 environment
steps. For each N: environment steps a second of the whole loop; the loop's time over that of its updates alone (one batch, no environment,
no replay); the updates' multiply-adds a second, as a share of two rates of this machine: that of the update's own products by themselves,
and that of one large square product, which thin ones do not reach; compile time and peak memory. Every figure is the median over repeats
that alternate between what is compared, because the machine may be shared.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cache import RESULTS
from maddpg.algorithm.learning import Batches
from maddpg.algorithm.state import Algorithm, Hyper, TrainState, assemble, hyper
from maddpg.algorithm.update import update
from maddpg.config import AlgorithmConfig, TrainingConfig
from maddpg.environments import particles
from maddpg.environments.contract import restart
from maddpg.storage.files import write_json
from maddpg.training.fused import Fused

BATCH, HIDDEN, REPEATS = 1024, (64, 64), 7
REPLAY = {3: 1_000_000, 6: 500_000, 12: 100_000, 24: 20_000}
"""Transitions in the replay; a million where they fit."""


Product = tuple[str, int, int]
"""("forward" | "weight" | "input", columns in, columns out) of a layer's product over the batch."""


def products(algorithm: Algorithm) -> list[Product]:
    """Every matrix product in one agent's share of an update.

    The target actor and the target critic run forward; the critic forward, then backward for weights (all layers) and inputs (but the first
    layer's, which nobody needs); for the actor's step, actor and critic forward, the critic backward for its own action's columns alone,
    the actor backward for weights and for inputs (but the first).
    """
    spec = algorithm.spec
    actor = _layers(spec.observation_width, spec.action_width)
    critic = _layers(spec.agent_count * (spec.observation_width + spec.action_width), 1)
    forward = [("forward", *layer) for layer in actor + critic + critic + actor + critic]
    weights = [("weight", *layer) for layer in critic + actor]
    inputs = [("input", *layer) for layer in critic[1:] + critic[1:] + [(spec.action_width, HIDDEN[0])] + actor[1:]]
    return forward + weights + inputs


def _layers(inputs: int, outputs: int) -> list[tuple[int, int]]:
    sizes = [inputs, *HIDDEN, outputs]
    return list(itertools.pairwise(sizes))


def multiply_adds(algorithm: Algorithm) -> int:
    """Of one update of every agent."""
    return sum(BATCH * into * out for _, into, out in products(algorithm)) * algorithm.spec.agent_count


def seconds(work: Callable[[], Any]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    jax.block_until_ready(work())
    return time.perf_counter() - began


def square_product() -> tuple[Callable[[], Any], int]:
    """One large square product, and its multiply-adds."""
    size = 2048
    matrix = jax.random.normal(jax.random.key(0), (size, size))
    multiply = jax.jit(jnp.matmul)
    return lambda: multiply(matrix, matrix), size**3


def thin_products(algorithm: Algorithm) -> Callable[[], Any]:
    """All products of one update, by themselves, in one program: no activation, loss or optimiser between them."""
    agents, keys = algorithm.spec.agent_count, iter(jax.random.split(jax.random.key(0), 200))

    def random(*shape: int) -> jax.Array:
        return jax.random.normal(next(keys), (agents, *shape))

    operands = {
        "forward": lambda into, out: (random(BATCH, into), random(into, out)),
        "weight": lambda into, out: (random(into, BATCH), random(BATCH, out)),
        "input": lambda into, out: (random(BATCH, out), random(out, into)),
    }
    pairs = [operands[kind](into, out) for kind, into, out in products(algorithm)]
    multiply = jax.jit(lambda pairs: [left @ right for left, right in pairs])
    return lambda: multiply(pairs)


def measure(agents: int) -> dict[str, float]:
    """All figures for one number of agents."""
    environment = particles.make("simple_spread", agents=agents)
    config = AlgorithmConfig(actor_layers=HIDDEN, critic_layers=HIDDEN, twin_critics=False)
    training = TrainingConfig(updates=1, batch_size=BATCH, replay_capacity=REPLAY.get(agents, 20_000), warmup_steps=2_000)
    algorithm = assemble(config, environment.spec)
    numbers = hyper(algorithm)
    fused = Fused(algorithm, environment, training)

    began = time.perf_counter()
    run = fused.start(jax.random.split(jax.random.key(0), 1))
    run = fused.warm_up(numbers, run, training.warmup_rounds)
    run = jax.block_until_ready(fused.train(numbers, run, 1))
    compile_seconds = time.perf_counter() - began

    batch = fused.store.replay.sample(run.replay[0], run.rounds * training.round_steps, jax.random.key(1), BATCH)
    learner = jax.tree.map(lambda leaf: leaf if leaf.ndim == 0 else leaf[0], replace(run.learner, updates=run.learner.updates[0]))

    @jax.jit
    def updates(numbers: Hyper, learner: TrainState, rounds: jax.Array) -> TrainState:
        def once(index: jax.Array, learner: TrainState) -> TrainState:
            return update(algorithm, numbers, learner, Batches(batch), jax.random.fold_in(jax.random.key(0), index))[0]

        return jax.lax.fori_loop(0, rounds, once, learner)

    square, square_count = square_product()
    thin, count = thin_products(algorithm), multiply_adds(algorithm)
    for work in (lambda: updates(numbers, learner, 1), square, thin):
        seconds(work)
    rounds = max(3, int(1.0 / seconds(lambda: updates(numbers, learner, 3)) * 3))
    times: dict[str, list[float]] = {"loop": [], "updates": [], "square": [], "thin": []}
    for _ in range(REPEATS):
        began = time.perf_counter()
        run = jax.block_until_ready(fused.train(numbers, run, rounds))
        times["loop"].append((time.perf_counter() - began) / rounds)
        times["updates"].append(seconds(lambda: updates(numbers, learner, rounds)) / rounds)
        times["square"].append(min(seconds(square) for _ in range(5)))
        times["thin"].append(min(seconds(thin) for _ in range(5)))
    loop, alone, square_time, thin_time = (np.array(times[name]) for name in ("loop", "updates", "square", "thin"))
    return {
        "agents": agents,
        "steps_per_second": float(np.median(training.round_steps / loop)),
        "loop_over_updates": float(np.median(loop / alone)),
        "multiply_adds_per_second": float(np.median(count / alone)),
        "square_rate": float(np.median(square_count / square_time)),
        "share_of_square_rate": float(np.median(count / alone / (square_count / square_time))),
        "share_of_thin_rate": float(np.median(thin_time / alone)),
        "compile_seconds": compile_seconds,
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0,
        "replay": fused.store.replay.capacity,
    }


def worlds_alone(environments: int = 1000, steps: int = 200) -> float:
    """Environment steps a second of simple_spread by itself, with random actions and automatic resets."""
    environment = particles.make("simple_spread")

    @jax.jit
    def play(key: jax.Array, worlds: Any) -> Any:
        def one_step(worlds: Any, key: jax.Array) -> tuple[Any, jax.Array]:
            act_key, step_key, reset_key = jax.random.split(key, 3)
            action = jax.random.uniform(act_key, (environments, 3, 5))
            stepped, result = jax.vmap(environment.step)(jax.random.split(step_key, environments), worlds, action)
            worlds, result = jax.vmap(partial(restart, environment))(jax.random.split(reset_key, environments), stepped, result)
            return worlds, result.reward.sum()

        return jax.lax.scan(one_step, worlds, jax.random.split(key, steps))

    worlds, _ = jax.vmap(environment.reset)(jax.random.split(jax.random.key(0), environments))
    seconds(lambda: play(jax.random.key(1), worlds))
    return float(np.median([environments * steps / seconds(lambda: play(jax.random.key(1), worlds)) for _ in range(REPEATS)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, nargs="+", default=[3, 6, 12, 24])
    rows = []
    print(f"worlds alone: {worlds_alone():,.0f} steps a second")
    for agents in parser.parse_args().agents:
        # A process of its own: peak memory and compile time are those of this size alone.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            row = pool.apply(measure, (agents,))
        rows.append(row)
        print(
            f"{agents} agents: {row['steps_per_second']:,.0f} steps/s; loop / updates alone {row['loop_over_updates']:.2f}; updates "
            f"{row['multiply_adds_per_second'] / 1e9:.1f} billion multiply-adds/s, {row['share_of_thin_rate']:.0%} of their own products' "
            f"rate, {row['share_of_square_rate']:.0%} of a square product's ({row['square_rate'] / 1e9:.0f} billion/s); "
            f"compiled in {row['compile_seconds']:.1f} s; peak memory {row['peak_memory'] / 2**30:.2f} GiB, {row['replay']:_} transitions",
            flush=True,
        )
    RESULTS.mkdir(exist_ok=True)
    write_json(RESULTS / "throughput.json", {"device": jax.devices()[0].device_kind, "rows": rows})


if __name__ == "__main__":
    main()
