"""Results kept by what decides them: a run that is finished is never run again, one that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maddpg.algorithm.networks import Network
from maddpg.config import CheckpointConfig, Config
from maddpg.environments.registry import read_environment
from maddpg.settings import from_dict, to_dict
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import read_json, write_json
from maddpg.storage.lock import LOCK, only_one
from maddpg.storage.run_folder import RunFolder, machine
from maddpg.training.build import build
from maddpg.training.progress import Progress
from maddpg.training.run import train
from maddpg.training.saved import load_actors
from maddpg.training.trained import Trained
from maddpg.types import PyTree

ENDED = "ended.json"
"""In a run's folder once it was trained to its end, with its minutes: parameters are there after an interruption too."""

SPENT = "spent.json"
"""In a run's folder: the minutes that it took so far."""

SPENT_SECONDS = 60
"""Between two times that it is written: what a run that is killed does not count."""

LINE_SECONDS = 30


class Stopped(KeyboardInterrupt):
    """A run was stopped on request; it goes on where it is trained again."""

    def __init__(self, signal: int | None = None) -> None:
        super().__init__()
        self.signal = signal


@contextmanager
def lines() -> Iterator[Callable[[Progress], None]]:
    """Progress as a printed line now and then."""
    spoken = 0.0

    def tell(progress: Progress) -> None:
        nonlocal spoken
        if time.perf_counter() - spoken > LINE_SECONDS:
            spoken = time.perf_counter()
            print(f"  {progress.steps:_} of {progress.total:_} steps, {progress.speed}", flush=True)

    yield tell


@dataclass(frozen=True)
class Shelf:
    """Where finished results lie, small JSON files, and the folders of the runs that they came from."""

    results: Path
    """Where results are looked for, and written."""
    runs: Path
    """Where runs have their folders."""
    shipped: Path | None = None
    """Where results are looked for too, and never written."""
    say: Callable[[str], None] = print
    """Hears a line about each run."""
    progress: Callable[[], AbstractContextManager[Callable[[Progress], None]]] = lines
    """Shows how far a run is."""

    def find(self, name: str, *configs: Config, serves: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any] | None:
        """The result of these very configurations, if there is one.

        Configurations are compared, not their digests: a result from before a setting existed counts as one with the setting's default,
        which must therefore be what the program did before.

        Args:
            name: what the result is called.
            configs: all that decided it.
            serves: whether a result holds what is wanted; one from before something was measured is passed over.

        Raises:
            ValueError: a file of that name is damaged.
        """
        for folder in (self.results, *([self.shipped] if self.shipped else [])):
            for path in sorted(folder.glob(f"{name}-*.json")):
                if path.stem.rpartition("-")[0] != name:
                    continue  # another's, whose name only begins alike
                result = _read(path)
                with suppress(ValueError):  # a setting that is no more
                    if tuple(map(from_dict, [result["config"], *result.get("beside", [])])) == configs and serves(result):
                        return result
        return None

    def write(self, name: str, summary: Mapping[str, Any], *configs: Config) -> dict[str, Any]:
        """Keep a summary, where it was made, and the configurations that decided it where `find` looks; return what was kept."""
        self.results.mkdir(parents=True, exist_ok=True)
        first, *others = map(to_dict, configs)
        result = {"name": name, "machine": machine(), "config": first, **({"beside": others} if others else {}), **summary}
        write_json(self.results / f"{name}-{digest(*configs)}.json", result)
        return result

    def trained(
        self, name: str, config: Config, summarise: Callable[[Trained, RunFolder], dict[str, Any]], actor: Network | None = None
    ) -> dict[str, Any]:
        """The summary of a run: its result if it is there, else it is trained now and its result written.

        Args:
            name: what the run is called, and the start of its file's name.
            config: a resolved configuration, all seeds in one program.
            summarise: what to keep of it.
            actor: a network in place of the perceptron; whoever changes it changes the name.
        """
        known = self.find(name, config)
        if known is not None:
            return known
        with self._held(name, config) as folder:
            known = self.find(name, config)  # another process may have written it a moment ago
            if known is not None:
                return known
            result, minutes = self._train(name, config, folder, actor)
            cost = {"steps": result.steps, "updates": result.updates, "training_minutes": minutes}
            try:
                written = self.write(name, {**cost, **summarise(result, folder)}, config)
            finally:
                result.close()
            _drop_checkpoints(folder)  # not before: where the summary fails, the run need not be trained again
            return written

    def actors(self, name: str, config: Config) -> tuple[PyTree, float]:
        """The actors of a run, [seed, agent, member, ...], and its minutes: from its folder if it ended there, else trained now.

        Raises:
            Busy: another process is training it.
        """
        folder = self.folder(name, config)
        if not self.has_ended(name, config):
            with self._held(name, config):
                if not self.has_ended(name, config):  # another process may have ended it a moment ago
                    self._train(name, config, folder)[0].close()
                    _drop_checkpoints(folder)
        return load_actors(folder, config, build(config).algorithm), json.loads((folder.path / ENDED).read_text())["training_minutes"]

    def has_ended(self, name: str, config: Config) -> bool:
        """Whether the run was trained to its end, and its networks are there."""
        folder = self.folder(name, config)
        return (folder.path / ENDED).is_file() and folder.parameters.is_file() and folder.read_config() == config

    def folder(self, name: str, config: Config) -> RunFolder:
        """Where a run's own files are."""
        return RunFolder(self.runs / f"{name}-{digest(config)}")

    @contextmanager
    def _held(self, name: str, config: Config) -> Iterator[RunFolder]:
        """A run's folder, which no other process trains in meanwhile."""
        folder = self.folder(name, config)
        folder.path.mkdir(parents=True, exist_ok=True)
        with only_one(folder.path):
            yield folder

    def _train(self, name: str, config: Config, folder: RunFolder, actor: Network | None = None) -> tuple[Trained, float]:
        """Train, or go on where it was stopped: what came of it, and its minutes, those before it was stopped too."""
        enable_compilation_cache()
        parts = build(config, read_environment(config.environment), actor)
        going_on = folder.config.is_file() and folder.read_config() == config
        if not going_on:
            _empty(folder.path)
        self.say(f"training {name}: {config.training.seeds} seeds, {config.training.steps:_} steps each")
        (folder.path / ENDED).unlink(missing_ok=True)  # of networks that are no more
        spent = folder.path / SPENT
        before = json.loads(spent.read_text())["minutes"] if spent.is_file() else 0.0
        began = noted = time.perf_counter()

        def note() -> float:
            nonlocal noted
            noted = time.perf_counter()
            minutes = before + (noted - began) / 60
            write_json(spent, {"minutes": minutes})
            return minutes

        try:
            with self.progress() as show:

                def tell(progress: Progress) -> None:
                    show(progress)
                    if time.perf_counter() - noted >= SPENT_SECONDS:
                        with suppress(OSError):  # a full disk ends no training
                            note()

                result = train(parts, folder, tell, checkpoints=CheckpointConfig(), say=self.say, resume=going_on)
        finally:
            minutes = note()
        if not result.finished:
            result.close()
            raise Stopped(result.signal)
        write_json(folder.path / ENDED, {"training_minutes": minutes})
        return result, minutes


def _read(path: Path) -> dict[str, Any]:
    """A result, or a ValueError that says what to do."""
    result = read_json(path)
    if not isinstance(result, dict) or "config" not in result:
        raise ValueError(f"{path} is no result of ours: delete it, and it is made again")
    return result


def _drop_checkpoints(folder: RunFolder) -> None:
    """They take gigabytes with many seeds, and a finished run has its networks."""
    shutil.rmtree(folder.checkpoints, ignore_errors=True)


def _empty(folder: Path) -> None:
    """Take away all that is in a folder but its lock."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def digest(*configs: Config) -> str:
    """Eight digits that differ where anything in the configurations does."""
    texts = (json.dumps(to_dict(config), sort_keys=True) for config in configs)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]
