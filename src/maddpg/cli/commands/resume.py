"""maddpg resume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from maddpg.cli.running import run_to_the_end
from maddpg.cli.trusted import read_run, read_trusted
from maddpg.storage.checkpoint import CheckpointFolder
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.zoo import in_zoo
from maddpg.training.build import build
from maddpg.training.plan import plan


@dataclass(frozen=True)
class Resume:
    """Go on with a run that was stopped, from its newest whole checkpoint, as if it had never been stopped."""

    run_folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]
    """The folder that `maddpg train` made."""
    steps: int | None = None
    """Train until so many environment steps are done, in place of what the run was begun with."""
    env: str | None = None
    """The environment of one's own that it was trained on, package.module:factory, which says that you trust it."""

    def run(self) -> int:
        """Train to the end, evaluate, print, save; the exit code."""
        if in_zoo(self.run_folder):
            raise ValueError(f"{self.run_folder} is finished and has no checkpoint; {self._instead()}")
        folder, config = read_run(self.run_folder)
        checkpoints = folder.read_checkpoint_config()
        newest = CheckpointFolder(folder.checkpoints, checkpoints.checkpoints_kept).found()[:1]
        ended = folder.evaluation.is_file() and newest in ([], [config.training.rounds])
        if ended and self.steps in (None, config.training.steps):
            following = "give --steps to train for more" if newest else f"it has no checkpoint to go on from: {self._instead()}"
            print(f"{folder.path} is finished, {config.training.steps:_} steps; {following}")
            return 0
        if not newest and folder.parameters.is_file():
            raise ValueError(f"{folder.path} has networks but no checkpoint to go on from; {self._instead()}")
        enable_compilation_cache()
        if self.steps is not None:
            if self.steps < config.training.steps:
                raise ValueError(f"steps = {self.steps}: the run was begun with {config.training.steps}; give more, or leave it out")
            config = replace(config, training=replace(config.training, steps=self.steps))
        parts = build(config, read_trusted(self.env, config))
        console = Console(stderr=True)
        console.print(f"{config.environment}: {plan(parts, from_checkpoint=bool(newest))}", highlight=False, markup=False, soft_wrap=True)
        return run_to_the_end(parts, folder, checkpoints, console, resume=True)

    def _instead(self) -> str:
        """What can be done with a run that has no checkpoint."""
        run = str(self.run_folder)
        return f"`maddpg train --config {run}` trains it again, and in Python maddpg.MADDPG.load({run!r}) learns on with its networks"
