"""Results are found again by their configurations, and what was stopped goes on."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from dataclasses import replace

import jax
import numpy as np
import pytest

from maddpg.config import AlgorithmConfig, TrainingConfig, preset
from maddpg.environments.registry import resolve
from maddpg.settings import to_dict
from maddpg.storage.lock import LOCK, Busy, only_one
from maddpg.storage.run_folder import machine
from maddpg.training.build import build
from maddpg.training.progress import Progress
from maddpg.training.saved import load_networks
from maddpg.training.shelf import ENDED, SPENT, Shelf, digest, lines

CONFIG = resolve(preset("tuned", "simple"))
OTHER = replace(CONFIG, training=replace(CONFIG.training, seed=1))
SMALL = AlgorithmConfig(actor_layers=(4,), critic_layers=(4,))
AMOUNT = TrainingConfig(steps=400, environments=10, warmup_steps=10, batch_size=8, log_interval=50, evaluation_interval=0)
TINY = resolve(replace(CONFIG, algorithm=SMALL, training=AMOUNT))


def shelf_in(folder, said: list[str] | None = None, **fields) -> Shelf:
    """A shelf in this folder; `said` hears what it says."""
    return Shelf(folder / "results", folder / "runs", say=(said if said is not None else []).append, **fields)


@pytest.fixture
def shelf(tmp_path):
    """An empty shelf."""
    return shelf_in(tmp_path)


@contextmanager
def interrupting():
    """Somebody presses Ctrl-C as soon as anything was learned."""
    yield lambda progress: signal.raise_signal(signal.SIGINT) if progress.steps else None


def stored(shelf) -> dict:
    """The one result, as it lies there."""
    (path,) = shelf.results.iterdir()
    return json.loads(path.read_text())


def put(shelf, name: str, tables: dict) -> None:
    """A result written by hand."""
    shelf.results.mkdir()
    (shelf.results / f"{name}-0.json").write_text(json.dumps({"config": tables}))


def test_progress_in_a_line_says_no_speed_before_there_is_one(capsys):
    for progress in (Progress("warming up", 500, 2_000, 0.0, {}, 0.0), Progress("training", 1_500, 2_000, 1_234.5, {}, 1.0)):
        with lines() as tell:
            tell(progress)
            tell(progress)  # too soon for another

    assert capsys.readouterr().out.splitlines() == ["  500 of 2_000 steps, warming up", "  1_500 of 2_000 steps, 1,234 steps/s"]


def test_a_result_is_found_by_its_configuration_alone(shelf):
    assert shelf.find("name", CONFIG) is None

    written = shelf.write("name", {"figure": 1}, CONFIG)

    assert shelf.find("name", CONFIG) == stored(shelf) == json.loads(json.dumps(written))
    assert (written["name"], written["figure"]) == ("name", 1)
    assert shelf.find("other", CONFIG) is None
    assert shelf.find("name", OTHER) is None


def test_a_result_whose_name_only_begins_alike_is_another(shelf):
    shelf.write("name-of-another", {"figure": 1}, CONFIG)

    assert shelf.find("name", CONFIG) is None
    assert shelf.find("name-of", CONFIG) is None


def test_a_result_of_several_configurations_needs_them_all_in_their_order(shelf):
    shelf.write("name", {"figure": 1}, CONFIG, OTHER)

    assert shelf.find("name", CONFIG, OTHER)["figure"] == 1
    for others in ([CONFIG], [OTHER], [OTHER, CONFIG], [CONFIG, OTHER, OTHER]):
        assert shelf.find("name", *others) is None

    shelf.write("name", {"figure": 2}, OTHER, CONFIG)
    assert [shelf.find("name", *pair)["figure"] for pair in ((CONFIG, OTHER), (OTHER, CONFIG))] == [1, 2]
    assert len({digest(CONFIG), digest(OTHER), digest(CONFIG, OTHER), digest(OTHER, CONFIG)}) == 4


def test_a_result_from_before_a_setting_counts_as_one_with_its_default(shelf):
    tables = to_dict(CONFIG)
    del tables["algorithm"]["inference"], tables["teams"], tables["channel"]
    put(shelf, "name", tables)

    assert shelf.find("name", CONFIG) == stored(shelf)
    assert shelf.find("name", replace(CONFIG, algorithm=replace(CONFIG.algorithm, twin_critics=False))) is None


def test_a_result_that_lacks_what_is_wanted_is_passed_over(shelf):
    shelf.write("name", {"figure": 1}, CONFIG)

    assert shelf.find("name", CONFIG, serves=lambda result: "other" in result) is None
    assert shelf.find("name", CONFIG, serves=lambda result: "figure" in result) is not None


@pytest.mark.parametrize(("content", "line"), [("", "cannot be read"), ("[]", "is no result of ours: delete it"), ("{}", "is no result")])
def test_a_damaged_result_is_named(shelf, content, line):
    shelf.results.mkdir()
    (shelf.results / "name-0.json").write_text(content)

    with pytest.raises(ValueError, match=rf"name-0\.json {line}"):
        shelf.find("name", CONFIG)


def test_what_another_run_left_is_taken_away_under_the_same_lock(shelf):
    """Whoever takes away the lock as well lets two processes train in one folder."""
    folder = shelf.folder("name", TINY)
    folder.path.mkdir(parents=True)
    (folder.path / LOCK).touch()
    (folder.path / "left").mkdir()
    (folder.path / "left" / "over").touch()
    lock = (folder.path / LOCK).stat().st_ino

    shelf.actors("name", TINY)

    assert (folder.path / LOCK).stat().st_ino == lock
    assert not (folder.path / "left").exists()


def test_a_run_that_another_process_ended_meanwhile_is_not_trained_again(shelf, monkeypatch):
    shelf.actors("name", TINY)
    ended = iter([False, True])
    monkeypatch.setattr(Shelf, "has_ended", lambda self, name, config: next(ended))
    monkeypatch.setattr("maddpg.training.shelf.train", lambda *arguments, **options: pytest.fail("trained again"))

    shelf.actors("name", TINY)

    assert list(ended) == []


def test_a_run_that_another_process_trains_is_not_trained_here(shelf):
    folder = shelf.folder("name", TINY).path
    folder.mkdir(parents=True)

    with only_one(folder), pytest.raises(Busy, match="is being trained by another process"):
        shelf.actors("name", TINY)


def test_a_result_with_a_setting_that_is_no_more_is_passed_over(shelf):
    tables = to_dict(CONFIG)
    tables["algorithm"]["gone"] = 1
    put(shelf, "name", tables)

    assert shelf.find("name", CONFIG) is None


def test_shipped_results_are_read_and_never_written(tmp_path):
    source = Shelf(tmp_path / "shipped", tmp_path / "none")
    source.write("name", {"figure": "shipped"}, CONFIG)
    source.write("name", {"figure": "shipped"}, OTHER)
    shelf = shelf_in(tmp_path, shipped=source.results)
    before = {path: path.read_bytes() for path in source.results.iterdir()}

    assert shelf.find("name", CONFIG)["figure"] == "shipped"
    assert not shelf.results.exists()

    shelf.write("name", {"figure": "own"}, CONFIG)
    assert shelf.find("name", CONFIG)["figure"] == "own"  # what was made here comes first
    assert shelf.find("name", OTHER)["figure"] == "shipped"
    assert {path: path.read_bytes() for path in source.results.iterdir()} == before
    assert shelf_in(tmp_path).find("name", OTHER) is None


def summarise(result, folder) -> dict:
    """Everything that came of a run."""
    return {"lines": folder.metrics.read_text().splitlines(), "networks": folder.parameters.read_bytes().hex()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A shelf with a run that nobody stopped, its result, and what it said."""
    said: list[str] = []
    shelf = shelf_in(tmp_path_factory.mktemp("whole"), said)
    return shelf, shelf.trained("whole", TINY, summarise), said


def test_a_run_whose_result_is_there_is_not_run_again(whole):
    shelf, first, said = whole

    assert shelf.trained("whole", TINY, lambda *_: pytest.fail("it was run again")) == json.loads(json.dumps(first))
    assert said == ["training whole: 1 seeds, 400 steps each"]
    assert first["steps"] == 400
    assert first["training_minutes"] > 0


def test_actors_are_those_of_the_folder_and_trained_once(whole):
    shelf, result, said = whole

    actors, minutes = shelf.actors("whole", TINY)

    assert said == ["training whole: 1 seeds, 400 steps each"]
    assert minutes == result["training_minutes"]
    saved = load_networks(shelf.folder("whole", TINY), TINY, build(TINY).algorithm)["actor"]
    jax.tree.map(np.testing.assert_array_equal, actors, saved)


def test_a_run_has_ended_where_all_of_it_is_there(whole, tmp_path):
    source = whole[0].folder("whole", TINY)
    shelf = shelf_in(tmp_path)
    folder = shelf.folder("name", TINY)
    assert not shelf.has_ended("name", TINY)
    folder.path.mkdir(parents=True)
    for path in (source.path / ENDED, source.parameters, source.config):
        (folder.path / path.name).write_bytes(path.read_bytes())
    assert shelf.has_ended("name", TINY)

    for path in (folder.path / ENDED, folder.parameters):
        content = path.read_bytes()
        path.unlink()
        assert not shelf.has_ended("name", TINY)
        path.write_bytes(content)

    folder.write_config(replace(TINY, training=replace(TINY.training, seed=5)))  # as two configurations of one digest would
    assert not shelf.has_ended("name", TINY)


def test_a_run_that_was_stopped_goes_on(whole, tmp_path):
    unbroken = whole[1]
    with pytest.raises(KeyboardInterrupt):
        shelf_in(tmp_path, progress=interrupting).trained("broken", TINY, summarise)
    said: list[str] = []
    shelf = shelf_in(tmp_path, said)
    folder = shelf.folder("broken", TINY)
    assert folder.checkpoints.is_dir()
    assert folder.parameters.is_file()
    assert not shelf.has_ended("broken", TINY)
    assert not shelf.results.exists()
    assert json.loads((folder.path / SPENT).read_text())["minutes"] > 0
    (folder.path / SPENT).write_text('{"minutes": 1000.0}')
    first = folder.metrics.read_text()

    broken = shelf.trained("broken", TINY, summarise)

    assert [line for line in said if line.startswith("resumed at step") and "no checkpoint" not in line]
    assert (broken["lines"], broken["networks"]) == (unbroken["lines"], unbroken["networks"])
    assert len(first.splitlines()) < len(broken["lines"])
    assert broken["training_minutes"] > 1000
    assert not folder.checkpoints.exists()
    assert shelf.has_ended("broken", TINY)

    folder.parameters.unlink()  # trained again, and stopped again: it has not ended
    with pytest.raises(KeyboardInterrupt):
        shelf_in(tmp_path, progress=interrupting).actors("broken", TINY)
    assert folder.parameters.is_file()
    assert not shelf.has_ended("broken", TINY)


def test_the_minutes_of_a_run_that_is_killed_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("maddpg.training.shelf.SPENT_SECONDS", 0)
    shelf, noted = shelf_in(tmp_path), []

    @contextmanager
    def looking():
        yield lambda progress: noted.append(shelf.folder("killed", TINY).path.joinpath(SPENT).is_file())

    replace(shelf, progress=looking).actors("killed", TINY)

    assert noted[0] is False
    assert all(noted[1:])


def test_a_run_whose_summary_failed_is_not_trained_again(whole, tmp_path):
    said: list[str] = []
    shelf = shelf_in(tmp_path, said)
    with pytest.raises(ZeroDivisionError):
        shelf.trained("late", TINY, lambda *_: 1 / 0)
    assert not shelf.results.exists()

    late = shelf.trained("late", TINY, summarise)

    assert said[-1] == "resumed at step 400"
    assert (late["lines"], late["networks"], late["steps"]) == tuple(whole[1][name] for name in ("lines", "networks", "steps"))
    assert not shelf.folder("late", TINY).checkpoints.exists()


def test_a_result_that_another_process_wrote_meanwhile_is_taken(shelf, monkeypatch):
    found = iter([None, {"figure": 1}])
    monkeypatch.setattr(Shelf, "find", lambda self, name, config: next(found))

    assert shelf.trained("name", TINY, lambda *_: pytest.fail("it was run")) == {"figure": 1}


def test_a_result_tells_where_it_was_made(shelf):
    shelf.write("name", {"figure": 1}, CONFIG)

    assert stored(shelf)["machine"] == machine()


def test_a_folder_of_another_run_is_emptied(shelf, monkeypatch):
    def train(parts, folder, *_, resume, **others):
        assert not resume
        assert sorted(path.name for path in folder.path.iterdir()) == [".lock"]
        raise InterruptedError

    monkeypatch.setattr("maddpg.training.shelf.train", train)
    folder = shelf.folder("name", TINY)
    folder.path.mkdir(parents=True)
    folder.write_config(OTHER)
    (folder.path / SPENT).write_text('{"minutes": 1000.0}')
    (folder.path / "left").touch()

    with pytest.raises(InterruptedError):
        shelf.actors("name", TINY)

    assert json.loads((folder.path / SPENT).read_text())["minutes"] < 1000
