"""A run's README.md: what it is, for whoever gets its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from maddpg.config import Config, preset
from maddpg.environments.foreign import is_factory
from maddpg.environments.registry import OWN
from maddpg.evaluation.scores import AgentScore, Evaluation
from maddpg.settings import to_dict
from maddpg.storage.files import write_bytes
from maddpg.storage.run_folder import RunFolder, machine
from maddpg.types import EnvSpec


def write_card(
    folder: RunFolder, config: Config, spec: EnvSpec, steps: int, evaluation: Evaluation | None = None, best: bool = False
) -> None:
    """Write the card of a run.

    Args:
        folder: the run's.
        config: what it was trained with, resolved.
        spec: its environment's.
        steps: environment steps that each seed has done so far.
        evaluation: how its networks play, if somebody looked.
        best: whether these are those of its best evaluation, in place of the last ones.

    Raises:
        OSError: it cannot be written.
    """
    write_bytes(folder.card, "\n".join(_lines(folder, config, spec, steps, evaluation, best)).encode())


def _lines(folder: RunFolder, config: Config, spec: EnvSpec, steps: int, evaluation: Evaluation | None, best: bool) -> Iterator[str]:
    training = config.training
    teams = "; ".join(f"team {team}: {', '.join(a.name for a in spec.agents if a.team == team)}" for team in spec.teams)
    seeds = f"seed {training.seed}" if training.seeds == 1 else f"seeds {training.seed} to {training.seed + training.seeds - 1}"
    yield f"# {config.environment}, trained by maddpg\n"
    yield f"Multi-agent actor-critic (MADDPG, Lowe et al. 2017) in `{config.environment}`: {teams}."
    chosen = f", of {training.steps:_}: the networks of its best evaluation" if best else ""
    yield f"{steps:_} environment steps of {seeds}{chosen}."
    yield "\n## Scores\n"
    yield from _scores(evaluation)
    yield "\n## Use it\n"
    env = _typed(config)
    yield "```python"
    yield f'from maddpg import MADDPG\n\nmodel = MADDPG.load("{folder.path.name}"{f", env={env!r}" if env else ""})'
    yield "actions = model.predict(observations)  # {name: observation} -> {name: action}"
    yield "```\n"
    flag = f" --env {env}" if env else ""
    yield f"`maddpg evaluate {folder.path.name}{flag}` plays it, `maddpg export {folder.path.name}{flag}` writes each agent's actor alone."
    yield "\n## Train it again\n"
    yield f"`maddpg train {f'{env} ' if env else ''}--config {folder.path.name}`"
    yield "\nOn the same machine, number of cores and versions the compiled loop does the same to the last bit."
    yield "\n## Settings\n"
    yield from _settings(config)
    yield "\n## Versions\n"
    yield ", ".join(f"{name} {value}" for name, value in machine().items()) + "\n"


def _scores(evaluation: Evaluation | None) -> Iterator[str]:
    if evaluation is None:
        yield "Not evaluated yet: `maddpg evaluate` does."
        return
    count = len(evaluation.seeds)
    over = f"over {count} seeds" if count > 1 else "over episodes"
    yield f"Return of an episode, {evaluation.episodes:_} greedy episodes of each seed; mean and standard error {over}.\n"
    yield "| agent | played by | return | random | still | scripted |"
    yield "|---|---|---|---|---|---|"
    for name, player in evaluation.players.items():
        scores = [seed.agents[name] for seed in evaluation.seeds]
        scripted = "" if scores[0].scripted is None else f"{scores[0].scripted:.2f}"
        yield f"| {name} | {player} | {_interval(scores)} | {scores[0].random:.2f} | {scores[0].still:.2f} | {scripted} |"
    metrics = [(name, seed.seed, value) for seed in evaluation.seeds for name, value in seed.metrics.items()]
    if metrics:
        yield "\nMeans over episodes (docs/metrics.md says what each is):\n"
        yield "| metric | seed | value |"
        yield "|---|---|---|"
        for name, seed, value in sorted(metrics):
            yield f"| {name} | {seed} | {_metric(value)} |"


def _interval(scores: list[AgentScore]) -> str:
    means = [score.mean for score in scores]
    error = float(np.std(means, ddof=1) / np.sqrt(len(means))) if len(means) > 1 else scores[0].standard_error
    return f"{np.mean(means):.2f} ± {error:.2f}"


def _metric(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{agent} {number:.3g}" for agent, number in value.items())
    return f"{value:.3g}"


def _settings(config: Config) -> Iterator[str]:
    """What differs from the default preset."""
    default = to_dict(preset("tuned", config.environment))
    rows = list(_differences(to_dict(config), default))
    if not rows:
        yield "The default preset, `tuned`."
        return
    yield "What differs from the default preset, `tuned`; `config.json` has all.\n"
    yield "| setting | here | default |"
    yield "|---|---|---|"
    for name, here, usual in rows:
        yield f"| {name} | {_code(here)} | {_code(usual)} |"


def _differences(here: Mapping[str, Any], usual: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, Any, Any]]:
    for name, value in here.items():
        other = usual.get(name)
        if isinstance(value, Mapping):
            yield from _differences(value, other if isinstance(other, Mapping) else {}, f"{where}{name}.")
        elif value != other:
            yield f"{where}{name}", value, other


def _code(value: Any) -> str:
    return "" if value is None else f"`{json.dumps(value)}`"


def _typed(config: Config) -> str | None:
    """The environment's name, where it must be typed again."""
    return config.environment if is_factory(config.environment) or config.environment == OWN else None
