"""Checks that several commands share."""

from __future__ import annotations

from pathlib import Path

from maddpg.storage.run_folder import make_folder


def require_episodes(episodes: int, least: int, most: int = 1_000_000) -> None:
    """Raise `ValueError` unless there are enough episodes for what a command tells of them, and not more than memory may hold."""
    if episodes < least:
        advice = "" if least < 2 else ", and 1000 or more for numbers to believe"
        raise ValueError(f"--episodes {episodes}: it must be at least {least}{advice}")
    if episodes > most:
        raise ValueError(f"--episodes {episodes}: it must be at most {most}")


def make_out_folder(out: Path | None) -> None:
    """Make the folder of --out, if it was given. Raises `ValueError`, before any work, where it cannot be written."""
    if out is None:
        return
    try:
        make_folder(out)
    except ValueError as error:
        raise ValueError(f"--out {error}") from error
