"""maddpg export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from maddpg.cli.trusted import read_run, read_trusted
from maddpg.export import export_actors
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.zoo import in_zoo
from maddpg.training.build import build
from maddpg.training.saved import load_actors, trained_steps


@dataclass(frozen=True)
class Export:
    """Write each agent's actor alone, with its spaces, for use elsewhere: `maddpg.load_policy` loads it, and needs nothing else."""

    run_folder: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RUN")]]
    """The folder of a run, or zoo:NAME, a trained team that comes with maddpg."""
    agent: tuple[str, ...] = ()
    """Whose actors. Left out: those of all who learned something."""
    format: str = "safetensors"
    """safetensors: plain arrays, which NumPy can act with; onnx: a graph for onnxruntime and others; stablehlo: a program for JAX, of any
    network."""
    seed: int | None = None
    """Of the seeds that were trained. Left out: the first."""
    sub_policy: str | None = None
    """Of an ensemble: average, all by their mean, as if left out; or the number of one."""
    out: Path | None = None
    """The folder to write, new or empty. Left out: RUN/export, or NAME-export for zoo:NAME."""
    best: bool = False
    """The networks of each seed's best evaluation while it trained, in place of those at the end."""
    env: str | None = None
    """package.module:factory, to say that you trust the environment that the run was trained on: its code is run."""

    def run(self) -> int:
        """Write, tell; the exit code."""
        enable_compilation_cache()
        folder, config = read_run(self.run_folder)
        parts = build(config, read_trusted(self.env, config))
        written = export_actors(
            parts,
            load_actors(folder, config, parts.algorithm, self.best),
            trained_steps(folder, config, self.best),
            self.out or self._default_out(folder.path),
            agents=self.agent,
            format=self.format,
            seed=self.seed,
            sub_policy=_read_sub_policy(self.sub_policy),
        )
        for path in written:
            print(path)
        next_line = f"next: python -c \"import maddpg; print(maddpg.load_policy('{written[0].parent}'))\"; docs/export.md says more"
        Console(stderr=True).print(next_line, highlight=False, markup=False, soft_wrap=True)
        return 0

    def _default_out(self, folder: Path) -> Path:
        """Beside what is exported; what comes with the package stays as it is."""
        return Path(f"{folder.name}-export") if in_zoo(self.run_folder) else folder / "export"


def _read_sub_policy(word: str | None) -> int | Literal["average"] | None:
    """A number as a number; which there are, the run says."""
    if word is None:
        return None
    if word == "average":
        return "average"
    if not word.isdecimal():
        raise ValueError(f"--sub-policy {word!r}: it must be average, or the number of a sub-policy")
    return int(word)
