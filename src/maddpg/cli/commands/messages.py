"""maddpg messages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from maddpg.cli.checks import require_episodes
from maddpg.cli.trusted import read_run, read_trusted
from maddpg.evaluation.communication import measure_messages
from maddpg.report.messages import message_tables
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import without_nan
from maddpg.training.build import build
from maddpg.training.saved import load_actors


@dataclass(frozen=True)
class Messages:
    """Measure what the trained agents of a run say: its bits about what the others cannot see, and what the team loses without it."""

    run_folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]
    """The folder of a run whose world has messages, or that was trained with a channel."""
    episodes: int = 2_000
    """Episodes for each seed, each played three times: with messages as sent, cut, and shuffled between episodes."""
    senders: tuple[str, ...] = ()
    """Whose messages are cut and shuffled. Left out: everybody's."""
    best: bool = False
    """The networks of each seed's best evaluation while it trained, in place of those at the end."""
    env: str | None = None
    """package.module:factory, to say that you trust the environment that the run was trained on: its code is run."""
    json: bool = False
    """Print one JSON object and nothing else on standard output."""

    def run(self) -> int:
        """Play, measure, print; the exit code."""
        require_episodes(self.episodes, least=2)
        enable_compilation_cache()
        folder, config = read_run(self.run_folder)
        parts = build(config, read_trusted(self.env, config))
        actor = load_actors(folder, config, parts.algorithm, self.best)
        measured = measure_messages(parts.algorithm, parts.device_environment(), actor, self.episodes, self.senders or None)
        if self.json:
            seeds = [{"seed": seed, **each.to_dict()} for seed, each in zip(config.training.all_seeds, measured, strict=True)]
            print(json.dumps(without_nan({"seeds": seeds}), allow_nan=False))
        else:
            console = Console()
            for title, table in message_tables(dict(zip(config.training.all_seeds, measured, strict=True))):
                console.print(title, highlight=False, markup=False, soft_wrap=True)
                console.print(table)
        return 0
