"""Folders of runs: made new, numbered, recognised."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib import metadata

import jax
import pytest

from maddpg.config import AlgorithmConfig, CheckpointConfig, Config, TrainingConfig, WorldConfig
from maddpg.storage.run_folder import RunFolder, make_run_folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


CONFIG = Config(
    "simple_tag",
    world=WorldConfig(action_mode="discrete", prey_speed=2.0, agents=2),
    algorithm=AlgorithmConfig(actor_layers=(8, 16), critic_layers=(), gradient_clip=None, noise_final=0.0),
    training=TrainingConfig(steps=2_000_000, seed=5),
)


def test_numbers_go_up(elsewhere):
    names = [str(make_run_folder(None, "simple_tag").path) for _ in range(3)]

    assert names == ["runs/simple_tag-1", "runs/simple_tag-2", "runs/simple_tag-3"]
    assert all((elsewhere / name).is_dir() and not list((elsewhere / name).iterdir()) for name in names)


def test_the_next_number_is_above_all_there_are(elsewhere):
    for name in ("simple-9", "simple-10", "simple-3", "simple-old", "simple_tag-77", "simple"):
        (elsewhere / "runs" / name).mkdir(parents=True)

    assert make_run_folder(None, "simple").path.name == "simple-11"


def test_runs_that_start_at_once_get_folders_of_their_own(elsewhere, monkeypatch):
    """A rival made its folder after we looked at which there are."""
    monkeypatch.setattr(type(elsewhere), "glob", lambda self, pattern: iter(()))

    names = [make_run_folder(None, "simple").path.name for _ in range(3)]

    assert names == ["simple-1", "simple-2", "simple-3"]


def test_a_folder_of_ones_own_is_made_with_its_parents(elsewhere):
    assert make_run_folder(elsewhere / "a" / "b", "simple").path == elsewhere / "a" / "b"
    assert (elsewhere / "a" / "b").is_dir()
    assert make_run_folder(elsewhere / "a" / "b", "simple").path.is_dir()  # empty: it will do


def test_a_folder_that_holds_something_is_left_alone(elsewhere):
    (elsewhere / "full").mkdir()
    (elsewhere / "full" / ".hidden").touch()

    with pytest.raises(ValueError, match="full is not empty; give a new folder"):
        make_run_folder(elsewhere / "full", "simple")

    assert [path.name for path in (elsewhere / "full").iterdir()] == [".hidden"]


@pytest.mark.parametrize("out", ["file", "file/new"])
def test_a_folder_that_cannot_be_made_is_refused(out, elsewhere):
    (elsewhere / "file").touch()

    with pytest.raises(ValueError, match=f"{out} cannot be written: .*; give another folder"):
        make_run_folder(elsewhere / out, "simple")


def test_a_folder_that_cannot_be_written_is_refused(elsewhere, monkeypatch):
    """We may be root, who may write anywhere."""

    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(elsewhere), "touch", refuse)
    with pytest.raises(ValueError, match="new cannot be written: Permission denied; give another folder"):
        make_run_folder(elsewhere / "new", "simple")


def test_the_configuration_comes_back_as_it_went(elsewhere):
    folder = RunFolder(elsewhere)

    folder.write_config(CONFIG)

    assert folder.read_config() == CONFIG


def test_a_configuration_that_would_come_back_as_another_is_not_written(elsewhere):
    with pytest.raises(ValueError, match=r"config.json cannot be written: a setting is not finite .*; give a finite number"):
        RunFolder(elsewhere).write_config(Config("mine:make", arguments={"reach": math.inf}))

    assert not list(elsewhere.iterdir())


def test_the_configuration_says_what_the_run_ran_on(elsewhere):
    folder = RunFolder(elsewhere)
    folder.write_config(CONFIG)

    tables = json.loads(folder.config.read_text())

    assert tables["schema"] == 3
    assert tables["machine"]["jax"] == jax.__version__
    assert tables["machine"]["maddpg"] == metadata.version("maddpg")
    assert {"jaxlib", "numpy", "optax", "python", "processor", "cores", "device"} < set(tables["machine"])


def test_what_a_configuration_does_not_say_has_its_default(elsewhere):
    folder = RunFolder(elsewhere)
    folder.config.write_text(json.dumps({"schema": 1, "config": {"environment": "simple", "algorithm": {"gamma": 0.5}}}))

    assert folder.read_config() == replace(Config("simple"), algorithm=AlgorithmConfig(gamma=0.5))


def test_what_is_no_run_is_refused(elsewhere):
    with pytest.raises(ValueError, match=r"nowhere is not a run: it has no config\.json; give a folder that `maddpg train` made"):
        RunFolder(elsewhere / "nowhere").read_config()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"{} {}", "cannot be read"),
        (b"3", "is not a run's configuration"),
        (b'{"config": {"environment": "simple"}}', "is of schema None"),
        (b'{"schema": 1}', "is not a run's configuration"),
        (b'{"schema": 1, "config": {"environment": "simple", "training": {"steps": "many"}}}', "training.steps = 'many'"),
        (b'{"schema": 1, "config": {"environment": "simple", "training": {"steps": -1}}}', "steps = -1"),
    ],
)
def test_a_damaged_configuration_is_refused_by_name(content, message, elsewhere):
    folder = RunFolder(elsewhere)
    folder.config.write_bytes(content)

    with pytest.raises(ValueError, match=message) as refusal:
        folder.read_config()

    assert str(refusal.value).startswith(str(folder.config))


@pytest.mark.parametrize("rest", ["", ', "checkpoints": {"checkpoints_kept": 3}'])
def test_what_is_not_said_of_checkpoints_has_its_default(rest, elsewhere):
    folder = RunFolder(elsewhere)
    folder.config.write_text(f'{{"schema": 2, "config": {{"environment": "simple"}}{rest}}}')

    assert folder.read_checkpoint_config() == CheckpointConfig(checkpoints_kept=3 if rest else 2)


@pytest.mark.parametrize("table", ["true", "[1]", "3", "null"])
def test_checkpoints_that_are_no_table_are_refused(table, elsewhere):
    folder = RunFolder(elsewhere)
    folder.config.write_text(f'{{"schema": 2, "config": {{"environment": "simple"}}, "checkpoints": {table}}}')

    with pytest.raises(ValueError, match=r"config\.json: checkpoints = .*: it must be a table of settings"):
        folder.read_checkpoint_config()
