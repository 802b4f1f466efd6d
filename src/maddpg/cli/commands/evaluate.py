"""maddpg evaluate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from maddpg.cli.checks import require_episodes
from maddpg.cli.progress import counting
from maddpg.cli.trusted import read_run, read_trusted
from maddpg.config import Config
from maddpg.environments.registry import is_particle_world, resolve
from maddpg.evaluation.evaluate import evaluate
from maddpg.evaluation.players import choose_players, read_sub_policy
from maddpg.report.tables import evaluation_table, lost_line
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import without_nan
from maddpg.training.build import build
from maddpg.training.saved import load_actors


@dataclass(frozen=True)
class Evaluate:
    """Play the trained agents of a run, greedily, beside random, still and scripted play."""

    run_folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]
    """The folder of a run, or zoo:NAME, a trained team that comes with maddpg."""
    episodes: int = 1_000
    """Episodes for each seed."""
    env: str | None = None
    """Where to play: left out, where the run was trained; mpe2:NAME, a world of ours in the real mpe2 package; package.module:factory, to
    say that you trust the environment that the run was trained on."""
    play: tuple[str, ...] = ()
    """Who plays a team or an agent instead of the trained actor: NAME=random, still or scripted, such as `--play good=scripted`."""
    sub_policy: str = "drawn"
    """Who of an ensemble plays: drawn, one for each team and episode; average, all by their mean; or the number of one."""
    best: bool = False
    """The networks of each seed's best evaluation while it trained, in place of those at the end."""
    json: bool = False
    """Print one JSON object and nothing else on standard output."""

    def run(self) -> int:
        """Play, print; the exit code."""
        require_episodes(self.episodes, least=1)
        enable_compilation_cache()
        folder, config = read_run(self.run_folder)
        reference = self.env is not None and is_particle_world(config)
        parts = build(config, None if reference else read_trusted(self.env, config))
        algorithm = parts.algorithm
        sub_policy = read_sub_policy(algorithm, self.sub_policy)
        seeds, mode = config.training.all_seeds, config.world.action_mode
        console = Console(stderr=True)
        stage = parts.stage(config.training.evaluation_episodes, sub_policy)
        try:
            players = choose_players(algorithm, _pairs(self.play), stage.scripted)
            actor = load_actors(folder, config, algorithm, self.best)
            if not reference:
                evaluation = evaluate(parts.spec, stage.play(actor), seeds, self.episodes, players, mode, scripted=stage.scripted)
            else:
                from maddpg.evaluation.reference import reference_play

                assert self.env is not None
                environment = parts.device_environment()
                _require_same_world(self.env, config)
                with counting(console, f"episodes in {self.env}", self.episodes * (len(seeds) + 3)) as tell:
                    play = reference_play(config, algorithm, environment, actor, tell, sub_policy)
                    evaluation = evaluate(environment.spec, play, seeds, self.episodes, players, mode, self.env)
        finally:
            stage.close()
        if self.json:
            print(json.dumps(without_nan(evaluation.to_dict()), allow_nan=False))
        else:
            Console().print(evaluation_table(evaluation))
        console.print(lost_line(evaluation), end="", highlight=False, markup=False, soft_wrap=True)
        return 0


def _pairs(words: tuple[str, ...]) -> dict[str, str]:
    """NAME=PLAYER words as a table."""
    for word in words:
        if word.count("=") != 1:
            raise ValueError(f"--play {word!r}: it must be NAME=PLAYER, such as good=scripted")
    return dict(word.split("=") for word in words)


def _require_same_world(env: str, config: Config) -> None:
    """Raise `ValueError` unless `env` is mpe2's version of the world that the run was trained in."""
    place, _, name = env.partition(":")
    if place != "mpe2":
        raise ValueError(f"--env {env!r}: it must be mpe2:NAME, here mpe2:{config.environment}; or leave it out")
    if resolve(Config(name)).environment != config.environment:
        raise ValueError(f"--env {env!r}: this run was trained in {config.environment}; give mpe2:{config.environment}")
