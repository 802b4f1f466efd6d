"""The folder of a run: which files it holds, and how it is made and recognised."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

import jax

from maddpg.config import CheckpointConfig, Config
from maddpg.config.host import usable_cores
from maddpg.settings import from_dict, merge, to_dict
from maddpg.storage.files import read_json, to_json, write_bytes
from maddpg.storage.migration import SCHEMA, migrate


@dataclass(frozen=True)
class RunFolder:
    """A run's folder.

    config.json: everything that decides the run, and the versions it ran with. metrics.jsonl: a line for each seed and interval.
    checkpoints: what it goes on from. best.safetensors: the networks of each seed's best evaluation. parameters.safetensors: actors,
    critics and their targets at the end. evaluation.json: the final table. README.md: what the run is, for whoever gets the folder.
    learning_curves.png, episodes.png: what people look at first.
    """

    path: Path

    @property
    def config(self) -> Path:
        """Everything that decides the run."""
        return self.path / "config.json"

    @property
    def metrics(self) -> Path:
        """A JSON line for each seed and interval."""
        return self.path / "metrics.jsonl"

    @property
    def parameters(self) -> Path:
        """All seeds' networks at the end of training."""
        return self.path / "parameters.safetensors"

    @property
    def evaluation(self) -> Path:
        """The table that was printed."""
        return self.path / "evaluation.json"

    @property
    def card(self) -> Path:
        """What the run is, for whoever gets the folder."""
        return self.path / "README.md"

    @property
    def curves(self) -> Path:
        """The picture of the learning curves."""
        return self.path / "learning_curves.png"

    @property
    def episodes(self) -> Path:
        """The picture of the trained team at work."""
        return self.path / "episodes.png"

    @property
    def checkpoints(self) -> Path:
        """The folder of what a run goes on from."""
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        """The networks with which each seed did best in an evaluation."""
        return self.path / "best.safetensors"

    @property
    def environment_error(self) -> Path:
        """The traceback of the environment that ended the run."""
        return self.path / "environment_error.txt"

    def read_config(self) -> Config:
        """The run's configuration.

        Raises:
            ValueError: this is not a run, or its configuration is damaged or of another schema.
        """
        return read_config(self.existing_config())

    def read_checkpoint_config(self) -> CheckpointConfig:
        """When the run is written down. Raises as `read_config`."""
        tables = _read_tables(self.existing_config())
        try:
            return merge(CheckpointConfig(), tables.get("checkpoints", {}), "checkpoints.")
        except ValueError as error:
            raise ValueError(f"{self.config}: {error}") from error

    def write_config(self, config: Config, checkpoints: CheckpointConfig | None = None) -> None:
        """Write the configuration, and what it runs on: bits repeat on the same machine, cores and versions only.

        Raises:
            ValueError: a number in it is not finite; as null it would come back as another configuration.
        """
        tables = {"schema": SCHEMA, "config": to_dict(config), "checkpoints": asdict(checkpoints or CheckpointConfig())}
        try:
            content = to_json({**tables, "machine": machine()})
        except ValueError as error:
            raise ValueError(f"{self.config} cannot be written: a setting is not finite ({error}); give a finite number") from error
        write_bytes(self.config, content)

    def set_aside_evaluation(self) -> None:
        """Name the evaluation of an earlier end by its steps, so that it does not pass for that of the run as it will be."""
        if self.evaluation.is_file():
            training = self.read_config().training
            self.evaluation.replace(self.path / f"evaluation-{training.rounds * training.round_steps}.json")

    def existing_config(self) -> Path:
        """The path of its configuration; raises `ValueError` where there is none."""
        if not self.config.is_file():
            raise ValueError(f"{self.path} is not a run: it has no config.json; give a folder that `maddpg train` made")
        return self.config


def read_config(path: Path) -> Config:
    """The configuration in a run's config.json; raises `ValueError` where it is damaged or of another schema."""
    tables = _read_tables(path)
    try:
        return from_dict(tables["config"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def machine() -> dict[str, Any]:
    """What decides a run's bits beside its configuration: versions, processor, cores and device."""
    versions = {name: metadata.version(name) for name in ("maddpg", "jax", "jaxlib", "numpy", "optax")}
    return {
        **versions,
        "python": platform.python_version(),
        "processor": platform.machine(),
        "cores": usable_cores(),
        "device": jax.devices()[0].device_kind,
    }


def _read_tables(path: Path) -> dict[str, Any]:
    """The content of a config.json, brought to today's schema."""
    tables = read_json(path)
    if not isinstance(tables, dict) or not isinstance(tables.get("config"), dict):
        raise ValueError(f"{path} is not a run's configuration")
    return migrate(tables, str(path))


def make_run_folder(out: Path | None, environment: str) -> RunFolder:
    """The folder `out`, or the next free runs/<environment>-<n>.

    Raises:
        ValueError: the folder holds something already, or cannot be written.
    """
    if out is None:
        with _in_one_line(Path("runs"), "give --out another folder"):
            out = _make_next(Path("runs"), environment)
    else:
        with _in_one_line(out, "give another folder"):
            full = out.is_dir() and any(out.iterdir())
        if full:
            raise ValueError(f"{out} is not empty; give a new folder, so that nothing saved is lost")
    return RunFolder(make_folder(out))


def make_folder(folder: Path) -> Path:
    """Make a folder, with those above it, or take the one that is there. Raises `ValueError` where no file can be written in it."""
    with _in_one_line(folder, "give another folder"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink(missing_ok=True)  # two processes may try it at once
    return folder


@contextmanager
def _in_one_line(folder: Path, way_out: str) -> Iterator[None]:
    """`ValueError` with the way out in the place of `OSError`."""
    try:
        yield
    except OSError as error:
        raise ValueError(f"{folder} cannot be written: {error.strerror}; {way_out}") from error


def _make_next(runs: Path, environment: str) -> Path:
    """Make the next free <environment>-<n> in `runs`: two runs that start at once get two folders."""
    runs.mkdir(exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", environment)  # a name such as mpe2:simple_tag_v3 is no name of a file everywhere
    numbers = [path.name.rpartition("-")[2] for path in runs.glob(f"{name}-*")]
    for number in count(1 + max((int(number) for number in numbers if number.isdecimal()), default=0)):
        with suppress(FileExistsError):
            folder = runs / f"{name}-{number}"
            folder.mkdir()
            return folder
    raise AssertionError("there is always another number")
