"""Checkpoints on disk: whole or refused, and the replay in files that are only ever added."""

from __future__ import annotations

import json
import os
import random
import shutil
from dataclasses import replace

import numpy as np
import pytest

from maddpg.storage import checkpoint
from maddpg.storage.checkpoint import CheckpointFolder, ReplayRows
from maddpg.storage.manifest import Damaged, Newer, _checksum

SEEDS, WIDTH, CAPACITY = 2, 3, 40


def ring(added: int) -> np.ndarray:
    """A ring after so many transitions, each of which holds its own number."""
    rows = np.zeros((SEEDS, CAPACITY, WIDTH), np.float32)
    for number in range(added):
        rows[:, number % CAPACITY] = number + np.arange(SEEDS)[:, None] / 10
    return rows


def rows_of(added: int) -> ReplayRows:
    rows = ring(added)
    return ReplayRows(added, CAPACITY, SEEDS, WIDTH, lambda first, count: rows[:, first : first + count])


def save(folder: CheckpointFolder, added: int) -> None:
    state = {
        "run/a": np.arange(added, dtype=np.float32),
        "run/turned": np.arange(6, dtype=np.int32).reshape(2, 3).T,
        "run/none": np.zeros(0),
    }
    folder.save(added // 10, state, rows_of(added), {"steps": added})


def read(folder: CheckpointFolder, rounds: int) -> tuple[dict, np.ndarray]:
    manifest = folder.read(rounds)
    rows = np.zeros((SEEDS, CAPACITY, WIDTH), np.float32)
    for first, segment in folder.read_rows(manifest.replay):
        places = (first + np.arange(segment.shape[1])) % CAPACITY
        rows[:, places] = segment
    return folder.read_state(manifest, 2**20), rows


@pytest.fixture
def folder(tmp_path):
    return CheckpointFolder(tmp_path / "checkpoints", kept=2)


def test_what_is_read_is_what_was_saved(folder):
    for added in (30, 70, 130):  # the ring goes round three times
        save(folder, added)
        state, rows = read(folder, added // 10)
        np.testing.assert_array_equal(rows, ring(added))
        np.testing.assert_array_equal(state["run/a"], np.arange(added))
        np.testing.assert_array_equal(state["run/turned"], [[0, 3], [1, 4], [2, 5]])  # safetensors would save its memory
    assert folder.found() == [13, 7]
    np.testing.assert_array_equal(read(folder, 7)[1], ring(70))


def test_only_new_rows_are_written(folder, monkeypatch):
    written, write = [], checkpoint.write_bytes
    monkeypatch.setattr(checkpoint, "write_bytes", lambda path, content: (written.append(path.name), write(path, content)))

    for added in (20, 30, 50):
        save(folder, added)

    assert [name for name in written if name.startswith("replay")] == [
        "replay-000000000000000-000000000020000.safetensors".replace("020000", "000020"),
        "replay-000000000000020-000000000000030.safetensors",
        "replay-000000000000030-000000000000040.safetensors",  # where the ring begins again
        "replay-000000000000040-000000000000050.safetensors",
    ]


def test_long_stretches_are_cut(folder, monkeypatch):
    monkeypatch.setattr(checkpoint, "LONGEST_SEGMENT", 4 * SEEDS * WIDTH * 7)
    save(folder, 30)

    assert len(list(folder.path.glob("replay-*"))) == 5
    np.testing.assert_array_equal(read(folder, 3)[1], ring(30))


def test_what_nobody_needs_is_deleted(folder):
    (folder.path).mkdir()
    (folder.path / "state-000000000099.safetensors").write_bytes(b"left over")
    (folder.path / ".state-000000000099.safetensors.7.part").write_bytes(b"left over")
    (folder.path / "notes.txt").write_text("mine")
    for added in (20, 70, 130, 200):
        save(folder, added)

    assert folder.found() == [20, 13]
    names = {path.name for path in folder.path.iterdir()}
    assert "notes.txt" in names
    assert not {name for name in names if "99" in name or name.endswith(".part")}
    assert len([name for name in names if name.startswith("state-")]) == 2
    firsts = sorted(int(name[7:22]) for name in names if name.startswith("replay-"))
    assert firsts[0] >= 70  # what only older rings held


def test_it_goes_on_from_an_older_one(folder):
    for added in (20, 50):
        save(folder, added)
    again = CheckpointFolder(folder.path, kept=2)
    again.continue_from(again.read(2))

    assert again.found() == [2]
    save(again, 60)
    np.testing.assert_array_equal(read(again, 6)[1], ring(60))


@pytest.mark.parametrize(
    "name", ["state-000000000005.safetensors", "checkpoint-000000000005.json", "replay-000000000000020-000000000000040.safetensors"]
)
@pytest.mark.parametrize("how", ["missing", "cut", "flipped"])
def test_damage_is_found(folder, name, how):
    for added in (20, 50):
        save(folder, added)
    path = folder.path / name
    content = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "cut":
        path.write_bytes(content[:-3])
    else:
        content[len(content) // 2] ^= 4
        path.write_bytes(content)

    with pytest.raises(Damaged):
        read(folder, 5)
    np.testing.assert_array_equal(read(folder, 2)[1], ring(20))


def rewrite(folder: CheckpointFolder, change) -> None:
    """A manifest with a right checksum and something else in it."""
    path = folder.path / "checkpoint-000000000005.json"
    table = json.loads(path.read_text())
    del table["checksum"]
    change(table)
    path.write_text(json.dumps({**table, "checksum": _checksum(table)}))


@pytest.mark.parametrize("name", ["../config.json", "/etc/passwd", "state-5.safetensors", "", "state-000000000005.safetensors/../x"])
def test_names_in_a_manifest_lead_nowhere_else(folder, name):
    save(folder, 50)
    rewrite(folder, lambda table: table["state"].update(name=name))

    with pytest.raises(Damaged, match="is no name of a checkpoint's file"):
        folder.read(5)


def test_missing_rows_are_found(folder):
    save(folder, 20)
    save(folder, 50)
    rewrite(folder, lambda table: table["replay"]["segments"].pop(1))

    with pytest.raises(Damaged, match="of the replay are missing"):
        folder.read(5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.pop("state"), r"checkpoint-000000000005.json is damaged: it has no 'state'$"),
        (lambda table: table.update(rounds="a\nb" * 1000), r"checkpoint-000000000005.json is damaged: 'a\\nb.{190,200} is no count$"),
        (lambda table: table.update(rounds=True), r"checkpoint-000000000005.json is damaged: True is no count$"),
        (lambda table: table.update(about=3), r"checkpoint-000000000005.json is damaged: 'int' object is not iterable$"),
        (lambda table: table.update(replay={}), r"checkpoint-000000000005.json is damaged: it has no 'segments'$"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_one_line_with_its_name(folder, change, message):
    save(folder, 50)
    rewrite(folder, change)

    with pytest.raises(Damaged, match=message):
        folder.read(5)


def test_a_manifest_that_is_too_deep_to_look_into_is_damaged(folder):
    save(folder, 50)
    path = folder.path / "checkpoint-000000000005.json"
    deep = "[" * 900 + "]" * 900
    path.write_text(f'{{"schema": 1, "checksum": "", "rounds": {deep}}}')

    with pytest.raises(Damaged, match=r"checkpoint-000000000005\.json is damaged: "):
        folder.read(5)


def test_sizes_are_compared_before_anything_is_read(folder, monkeypatch):
    """The files are as large as the manifest says: 100 GiB, which take no room on the disk."""
    save(folder, 50)
    manifest = folder.read(5)
    huge = replace(manifest.state, bytes=100 * 2**30)
    os.truncate(folder.path / manifest.state.name, huge.bytes)
    (segment, *_) = manifest.replay.segments
    wide = replace(segment, file=replace(segment.file, bytes=100 * 2**30))
    monkeypatch.setattr(type(folder.path), "read_bytes", lambda path: pytest.fail(f"{path} was read"))

    with pytest.raises(Damaged, match="has 107374182400 bytes, and may have 1000"):
        folder.read_state(replace(manifest, state=huge), 1000)
    with pytest.raises(Damaged, match="has 107374182400 bytes, and may have 16"):
        next(folder.read_rows(replace(manifest.replay, segments=(wide,))))


def test_what_is_no_file_is_no_checkpoint(folder):
    save(folder, 20)
    os.mkfifo(folder.path / "checkpoint-000000000007.json")  # whoever opens it waits for ever
    (folder.path / "checkpoint-000000000008.json").mkdir()

    assert folder.found() == [2]


def test_many_small_files_of_the_replay_become_few(folder, monkeypatch):
    monkeypatch.setattr(checkpoint, "MOST_SEGMENTS", 3)
    for added in range(1, 30):
        save(folder, added)
        np.testing.assert_array_equal(read(folder, added // 10)[1], ring(added))

        assert len(folder.read(added // 10).replay.segments) <= 3 + 2 + 1


def test_a_later_schema_is_said_to_be_later(folder):
    save(folder, 50)
    rewrite(folder, lambda table: table.update(schema=99))

    with pytest.raises(Newer, match="schema 99, and this version reads up to 1: install a newer maddpg"):
        folder.read(5)


def test_nothing_in_a_checkpoint_can_do_more_than_be_refused(folder, tmp_path):
    """A thousand damaged copies: each is read as it was, or refused."""
    for added in (20, 50):
        save(folder, added)
    files = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    random_source, refused = random.Random(1), 0
    copy = CheckpointFolder(tmp_path / "copy", kept=2)
    outside = set(os.listdir(tmp_path)) | {"copy"}
    for _ in range(1_000):
        shutil.rmtree(copy.path, ignore_errors=True)
        shutil.copytree(folder.path, copy.path)
        name = random_source.choice(sorted(files))
        content = bytearray(files[name])
        start = random_source.randrange(len(content))
        content[start : start + random_source.choice([0, 1, 8])] = random_source.randbytes(random_source.choice([0, 1, 8]))
        (copy.path / name).write_bytes(content)
        try:
            np.testing.assert_array_equal(read(copy, 5)[1], ring(50))
        except Damaged:
            refused += 1
    assert refused > 500
    assert set(os.listdir(tmp_path)) == outside
