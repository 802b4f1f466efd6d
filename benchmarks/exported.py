"""Exported actors at work in the real mpe2 package: `python -m benchmarks.exported [RUN]`.

Without a RUN, simple_spread is trained with the default preset for 200,000 steps, one seed. All its actors are exported in every format.
Then the same episodes (same seeds of mpe2's simple_spread_v3) are played by our own evaluation, by the ten lines of NumPy in
docs/export.md, by onnxruntime alone, by JAX from the StableHLO programs alone, and by `maddpg.load_policy`; a return is an episode's, mean
over agents.
"""

from __future__ import annotations

import argparse
import importlib
import re
import tempfile
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.cache import RESULTS, SHELF
from benchmarks.tables import fill
from maddpg.config import Config, TrainingConfig, preset
from maddpg.environments import mpe2
from maddpg.environments.registry import resolve
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.evaluation.players import as_trained
from maddpg.evaluation.reference import reference_play
from maddpg.export import export_actors
from maddpg.policy import Policy, load_policy
from maddpg.policy.description import FORMATS, Format
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import read_json, write_json
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import build
from maddpg.training.saved import load_actors

PAGE = Path(__file__).parent.parent / "docs" / "export.md"
RESULT = RESULTS / "exported.json"
EPISODES = 200
OURS = "`maddpg evaluate`"
Act = Callable[[np.ndarray], np.ndarray]
"""One agent: observations [batch, size] float32 -> columns [batch, action]."""


def settings() -> Config:
    """What is trained where no run is given."""
    training = TrainingConfig(steps=200_000, seeds=1, evaluation_interval=0)
    return resolve(Config("simple_spread", algorithm=preset("tuned", "").algorithm, training=training))


def page_block(name: str) -> dict[str, Any]:
    """What a block of the page defines, by the name of its file."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (block,) = (block for block in blocks if block.startswith(f"# {name}.py\n"))
    defined: dict[str, Any] = {}
    exec(compile(block, f"{PAGE.name}: {name}.py", "exec"), defined)
    return defined


def by_numpy(file: Path) -> Act:
    """The reader on the page."""
    act: Act = page_block("reader")["load"](str(file.with_suffix("")))
    return act


def by_onnxruntime(file: Path) -> Act:
    """onnxruntime, and nothing of ours."""
    session = importlib.import_module("onnxruntime").InferenceSession(file.with_suffix(".onnx").read_bytes())
    return lambda observation: session.run(["action"], {"observation": observation})[0]


def by_jax(file: Path) -> Act:
    """jax.export, and nothing of ours."""
    from jax import export

    program = jax.jit(export.deserialize(bytearray(file.with_suffix(".stablehlo").read_bytes())).call)
    return lambda observation: np.asarray(program(observation)["columns"])


def by_policy(file: Path) -> Act:
    """`maddpg.load_policy` as it is used: one observation, the environment's action."""
    policy = load_policy(file)
    assert isinstance(policy, Policy)
    return lambda observation: np.stack([policy.act(row) for row in observation])


def play(config: Config, team: Mapping[str, Act], episodes: int) -> np.ndarray:
    """Returns [episode] in mpe2, mean over agents; the episodes of `reference_play`."""
    copy = mpe2.make(config.environment, **config.world.given())
    returns = np.zeros(episodes)
    for episode in range(episodes):
        observations, _ = copy.parallel.reset(seed=EVALUATION_SEED % 2**30 + episode)
        while copy.parallel.agents:
            columns = {name: act(np.asarray(observations[name], np.float32)[None])[0] for name, act in team.items()}
            widest = max(map(len, columns.values()))
            rows = np.stack([np.pad(columns[agent.name], (0, widest - len(columns[agent.name]))) for agent in copy.scenario.bodies.agents])
            observations, rewards, *_ = copy.parallel.step(mpe2.to_actions(copy, rows))
            returns[episode] += np.mean([*rewards.values()])
    return returns


def measure(folder: RunFolder, episodes: int) -> dict[str, Any]:
    """Every way of playing the same actors."""
    config = folder.read_config()
    parts = build(config)
    actor = jax.tree.map(lambda leaf: leaf[:1], load_actors(folder, config, parts.algorithm))
    evaluation = reference_play(config, parts.algorithm, parts.device_environment(), actor, lambda _: None)
    returns = {OURS: np.asarray(evaluation(as_trained(parts.algorithm), episodes).returns)[0].mean(axis=1)}
    ways: dict[str, tuple[Format, Callable[[Path], Act]]] = {
        "ten lines of NumPy": ("safetensors", by_numpy),
        "onnxruntime": ("onnx", by_onnxruntime),
        "JAX, from StableHLO": ("stablehlo", by_jax),
        **{f"`load_policy`, {format}": (format, by_policy) for format in FORMATS},
    }
    steps = config.training.rounds * config.training.round_steps
    with tempfile.TemporaryDirectory() as place:
        files = {format: export_actors(parts, actor, [steps], Path(place) / format, format=format) for format in FORMATS}
        for name, (format, load) in ways.items():
            team = {agent: load(file) for agent, file in zip(parts.spec.names, files[format], strict=True)}
            returns[name] = play(config, team, episodes)
            print(f"{name}: {returns[name].mean():.3f}", flush=True)
    return {
        "environment": f"mpe2:{config.environment}",
        "steps": steps,
        "episodes": episodes,
        "versions": {name: metadata.version(name) for name in ("jax", "mpe2", "numpy", "onnx", "onnxruntime", "safetensors")},
        "returns": {name: values.tolist() for name, values in returns.items()},
    }


def table() -> list[str]:
    """A row for each way of playing."""
    returns = {name: np.array(values) for name, values in read_json(RESULT)["returns"].items()} if RESULT.is_file() else {}
    rows = ["| played by | return of an episode | largest difference in any episode |", "|---|---|---|"]
    for name, values in returns.items():
        mean = f"{values.mean():.4f} ± {values.std(ddof=1) / np.sqrt(len(values)):.4f}"
        rows.append(f"| {name} | {mean} | {'' if name == OURS else f'{np.abs(values - returns[OURS]).max():.0e}'} |")
    return rows


def render(text: str) -> str:
    """The page with its table made anew."""
    return fill(text, {"exported": table()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", type=Path, metavar="RUN", help="the folder of a run in a world of ours; trained now if left out")
    parser.add_argument("--episodes", type=int, default=EPISODES)
    given = parser.parse_args()
    enable_compilation_cache()
    if given.run is None:
        SHELF.actors("exported", settings())
        folder = SHELF.folder("exported", settings())
    else:
        folder = RunFolder(given.run)
    try:
        result = measure(folder, given.episodes)
    except ValueError as error:
        parser.error(str(error))
    if given.run is None and given.episodes == EPISODES:
        write_json(RESULT, result)
        PAGE.write_text(render(PAGE.read_text()))


if __name__ == "__main__":
    main()
