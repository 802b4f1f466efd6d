"""Files are written whole or not at all."""

from __future__ import annotations

import json
import math
import os

import numpy as np
import pytest

from maddpg.storage.files import read_json, require_plain, without_nan, write_bytes, write_json


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "file"

    write_bytes(path, b"one")
    write_bytes(path, b"two")

    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(step, tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(*((os, "fsync", fail) if step == "fsync" else (type(path), "replace", fail)))
    with pytest.raises(OSError, match="no space left"):
        write_bytes(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_half_a_file(tmp_path, monkeypatch):
    """What is synced is the whole content, beside the place, and the place still holds what it did."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append({file.name: file.read_bytes() for file in tmp_path.iterdir()}))

    write_bytes(path, b"new")

    staged, renamed = seen
    assert sorted(staged.values()) == [b"new", b"old"]
    assert staged["file"] == b"old"
    assert renamed == {"file": b"new"}  # and then the folder is synced


def test_a_link_in_the_staged_files_place_is_not_followed(tmp_path):
    path, victim = tmp_path / "file", tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / f".file.{os.getpid()}.part").symlink_to(victim)

    write_bytes(path, b"new")

    assert (path.read_bytes(), path.is_symlink(), victim.read_bytes()) == (b"new", False, b"mine")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config.json")

    with pytest.raises(ValueError, match=r"config\.json cannot be read: it is no file"):
        read_json(tmp_path / "config.json")


@pytest.mark.parametrize("kind", ["link to a file", "link to a folder", "link to nothing", "pipe"])
@pytest.mark.parametrize("deep", [False, True])
def test_what_leads_out_of_a_folder_is_refused(kind, deep, tmp_path):
    folder, outside = tmp_path / "run", tmp_path / "outside"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    require_plain(folder)
    outside.mkdir()
    (outside / "file").touch()
    place = folder / "checkpoints" / "x" if deep else folder / "x"
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to({"link to a file": outside / "file", "link to a folder": outside, "link to nothing": tmp_path / "none"}[kind])

    with pytest.raises(ValueError, match=r"x is a link or no file, and could lead out of .*run: put the file itself there"):
        require_plain(folder)


def test_json_has_no_nan(tmp_path):
    path = tmp_path / "file.json"

    write_json(path, {"a": math.nan, "b": [1.5, math.inf, (-math.inf,)], "c": {"d": 2, "e": "nan", "f": None, "g": True}})

    assert json.loads(path.read_text(), parse_constant=pytest.fail) == {
        "a": None,
        "b": [1.5, None, [None]],
        "c": {"d": 2, "e": "nan", "f": None, "g": True},
    }
    assert path.read_text().endswith("}\n")


def test_what_json_cannot_hold_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.json"
    write_json(path, 1)

    with pytest.raises(TypeError):
        write_json(path, {"a": object()})

    assert path.read_text() == "1\n"


def test_finite_numbers_stay():
    assert without_nan([0.0, -1.5e308, 5e-324, np.float64(2.5)]) == [0.0, -1.5e308, 5e-324, 2.5]


def test_what_another_process_takes_away_meanwhile_is_no_link(tmp_path, monkeypatch):
    """Who waits for a run looks into its folder again and again, while files are put in their places there."""
    (tmp_path / "kept").touch()
    monkeypatch.setattr("os.walk", lambda folder: [(str(folder), ["gone"], ["kept", ".gone.json.1.part"])])

    require_plain(tmp_path)

    (tmp_path / "link").symlink_to(tmp_path / "kept")
    monkeypatch.setattr("os.walk", lambda folder: [(str(folder), [], ["link"])])
    with pytest.raises(ValueError, match="link is a link or no file"):
        require_plain(tmp_path)
