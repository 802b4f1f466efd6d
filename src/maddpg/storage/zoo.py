"""Trained teams that come with this package: folders of runs as all others, by the name zoo:NAME."""

from __future__ import annotations

import hashlib
from pathlib import Path

from maddpg.names import unknown_name
from maddpg.storage.run_folder import RunFolder

ZOO = Path(__file__).parent.parent / "zoo"
SUMS = "SHA256SUMS"
"""In the zoo's folder: the checksum of each file, as `sha256sum --check` takes them."""
PREFIX = "zoo:"


def zoo_names(zoo: Path = ZOO) -> tuple[str, ...]:
    """Which there are."""
    return tuple(sorted(path.name for path in zoo.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))))


def in_zoo(name: str | Path) -> bool:
    """Whether a run is named as one of these."""
    return str(name).startswith(PREFIX)


def find_run(name: str | Path, zoo: Path = ZOO) -> RunFolder:
    """The folder of a run: a path as it is, or zoo:NAME.

    Raises:
        ValueError: the zoo has no such team (with the nearest name), or its files are not those that were put there.
    """
    if not in_zoo(name):
        return RunFolder(Path(name))
    team = str(name).removeprefix(PREFIX)
    if team not in zoo_names(zoo):
        raise ValueError(unknown_name("team in the zoo", team, zoo_names(zoo)))
    folder = zoo / team
    sums = [(zoo / file, sum_) for file, sum_ in _sums(zoo) if file.startswith(f"{team}/")]
    if not sums or not all(file.is_file() and checksum(file) == sum_ for file, sum_ in sums):
        raise ValueError(f"{name}: its files are not those that were put there; install maddpg again")
    return RunFolder(folder)


def write_sums(zoo: Path) -> None:
    """Note the checksums of all files that are in the zoo now."""
    files = [file for name in zoo_names(zoo) for file in sorted((zoo / name).iterdir())]
    (zoo / SUMS).write_text("".join(f"{checksum(file)}  {file.relative_to(zoo).as_posix()}\n" for file in files))


def checksum(path: Path) -> str:
    """SHA-256 of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sums(zoo: Path) -> list[tuple[str, str]]:
    """File and checksum, a pair for each line."""
    pairs = [line.split("  ", 1) for line in (zoo / SUMS).read_text().splitlines()]
    return [(file, sum_) for sum_, file in pairs]
