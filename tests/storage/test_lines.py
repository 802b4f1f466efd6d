"""Files of lines that never hold half a line; and folders that one process holds."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest

from maddpg.storage.lines import Lines
from maddpg.storage.lock import only_one


def test_lines_are_there_at_once_and_without_nan(tmp_path):
    lines = Lines(tmp_path / "metrics.jsonl")

    for step in range(3):
        lines.add({"step": step, "loss": float("nan")})
        lines.flush()
        assert json.loads(lines.path.read_text().splitlines()[-1]) == {"step": step, "loss": None}

    assert lines.path.read_text().count("\n") == 3


def test_on_a_full_disk_no_half_line_stays_and_none_is_lost(tmp_path, monkeypatch):
    lines = Lines(tmp_path / "metrics.jsonl")
    lines.add({"step": 0})
    lines.flush()
    opened = type(lines.path).open

    class Short:
        def __init__(self, path, mode):
            self.file = opened(path, mode)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def writelines(self, parts):
            self.file.write("".join(parts)[:4])
            self.file.flush()
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(
            type(lines.path), "open", lambda path, mode="r", **rest: Short(path, mode) if mode == "a" else opened(path, mode, **rest)
        )
        for step in (1, 2):
            lines.add({"step": step})
            with pytest.raises(OSError, match="No space left"):
                lines.flush()
            assert lines.path.read_text() == '{"step": 0}\n'

    lines.flush()
    assert [json.loads(line)["step"] for line in lines.path.read_text().splitlines()] == [0, 1, 2]


def test_a_file_is_cut_where_a_line_ends(tmp_path):
    lines = Lines(tmp_path / "metrics.jsonl")
    for step in range(3):
        lines.add({"step": step})
    size = lines.sync()
    assert size == lines.path.stat().st_size == 3 * len('{"step": 0}\n')

    assert lines.cut(size * 2 // 3)
    assert lines.path.read_text().count("\n") == 2
    assert not lines.cut(size // 3 + 1)  # in the middle of a line
    assert lines.path.read_text() == '{"step": 0}\n'
    assert not lines.cut(size)  # more than there is
    assert Lines(tmp_path / "none").cut(0)


def test_a_folder_is_held_by_one_process(tmp_path):
    code = f"from pathlib import Path; from maddpg.storage.lock import only_one\nwith only_one(Path({str(tmp_path)!r})): pass"

    with only_one(tmp_path):
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert f"{tmp_path} is being trained by another process" in other.stderr
    with only_one(tmp_path):  # and then it is free
        pass
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_a_link_in_the_locks_place_is_refused(tmp_path):
    folder, victim = tmp_path / "run", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("mine")
    (folder / ".lock").symlink_to(victim)

    with pytest.raises(ValueError, match=r"\.lock is a link or no file"), only_one(folder):
        pass
    assert victim.read_text() == "mine"


@pytest.mark.parametrize(
    ("content", "size", "left", "whole"),
    [
        (None, 0, None, True),
        (None, 7, None, False),
        (b"1\n22\n333\n", 5, b"1\n22\n", True),
        (b"1\n22\n333\n", 6, b"1\n22\n", False),
        (b"1\n22\n", 50, b"1\n22\n", False),
        (b"1\n22", 50, b"1\n", False),
        (b"12345", 5, b"", False),
        (b"1\n22\n", 0, b"", True),
        (b"1\n" + b"2" * 40 + b"\n", 43, b"1\n" + b"2" * 40 + b"\n", True),
        (b"1\n" + b"2" * 40, 42, b"", False),  # no line of ours is so long
    ],
)
def test_lines_are_cut_where_one_ends(content, size, left, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("maddpg.storage.lines.LONGEST_LINE", 20)
    lines = Lines(tmp_path / "metrics.jsonl")
    if content is not None:
        lines.path.write_bytes(content)

    assert lines.cut(size) is whole
    assert (lines.path.read_bytes() if lines.path.exists() else None) == left


def test_a_huge_file_is_cut_without_reading_it(tmp_path):
    lines = Lines(tmp_path / "metrics.jsonl")
    lines.path.write_bytes(b"1\n")
    os.truncate(lines.path, 100 * 2**30)

    assert lines.cut(2)
    assert lines.path.read_bytes() == b"1\n"
    os.truncate(lines.path, 100 * 2**30)
    assert not lines.cut(2**40)
