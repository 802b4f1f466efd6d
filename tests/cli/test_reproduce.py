"""`maddpg reproduce`: trains what is missing, goes on where it was stopped, and writes tables and figures."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from dataclasses import replace

import pytest
from matplotlib.image import imread

from maddpg.paper import STUDIES
from maddpg.paper.reproduce import plan
from maddpg.training.shelf import Shelf
from tests.paper.tiny import LISTENER, PUSH, SIZE, put, workshop
from tests.runs import command

REPRODUCE = "maddpg.cli.commands.reproduce"
ONE = replace(PUSH, kinds=("DDPG",))
"""One run, and one meeting of its seeds."""


@pytest.fixture(autouse=True)
def shipped(tmp_path, monkeypatch):
    """In a folder of its own, with tiny studies and a folder of shipped results, which is empty."""
    for study in (ONE, LISTENER):
        monkeypatch.setitem(STUDIES, study.name, study)
    monkeypatch.setattr(f"{REPRODUCE}.FULL", replace(SIZE, settings=("paper", "tuned")))
    monkeypatch.setattr(f"{REPRODUCE}.QUICK", SIZE)
    monkeypatch.setattr(f"{REPRODUCE}.SHIPPED", tmp_path / "shipped")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Shelf(tmp_path / "shipped", tmp_path / "none")


@contextmanager
def interrupting(console):
    """Somebody presses Ctrl-C as soon as anything was learned."""
    yield lambda progress: signal.raise_signal(signal.SIGINT) if progress.steps else None


def ship(shelf, study, size=SIZE) -> None:
    """All results of a study, as if somebody had made them."""
    for piece in plan([study], shelf, size, ["tuned"]).pieces:
        values = [0.25, 0.5] if piece.trains else [[0.25, 0.5], [0.5, 0.25]]
        curve = {"steps": [1, 2], **{name: [[0.0, 1.0], [1.0, 2.0]] for name in ("return", *study.curves)}}
        put(piece, shelf, {measure.heading: values for measure in study.measures}, curves={"evaluation": curve})


def test_it_goes_on_where_it_was_stopped_and_does_nothing_twice(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    with monkeypatch.context() as stopped:
        stopped.setattr(f"{REPRODUCE}.training_progress", interrupting)
        assert command("reproduce push --settings tuned") == 130
    said = capsys.readouterr().err
    assert said.endswith("stopped; typed again, the same line goes on\n")
    assert said.startswith("push: 0 of 2 results are there, 2 to make\ntraining paper-simple-push-tuned-ddpg: 2 seeds, 400 steps each\n")
    folder = tmp_path / "here" / "runs" / "paper"
    assert not (folder / "results").exists()

    assert command("reproduce push --settings tuned") == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("push: 0 of 2 results are there, 2 to make\n")
    assert "resumed at step " in printed.err
    assert "2 of 2 done, paper-simple-push-tuned-apart-ddpg-ddpg: " in printed.err
    assert printed.err.endswith("written: runs/paper\n")
    for words in ("Keep-away", "DDPG", "trained apart", "return of the", "95% interval over seeds"):
        assert words in " ".join(printed.out.split())
    lines = (folder / "push.md").read_text().splitlines()
    assert lines[:3] == ["## Keep-away", "", "| good agent | adversary |  | seeds | return of the good agent | succeeds, % |"]
    assert lines[4].startswith("| DDPG | DDPG | tuned, trained apart | 2 | ")
    assert imread(folder / "push.png").std() > 0
    results = {path: path.read_bytes() for path in (folder / "results").iterdir()}
    assert sorted(json.loads(text)["name"].rpartition("tuned-")[2] for text in results.values()) == ["apart-ddpg-ddpg", "ddpg"]

    assert command("reproduce push --settings tuned") == 0
    again = capsys.readouterr()
    assert again.err == "push: 2 of 2 results are there; add --afresh --out DIR to train them all here\nwritten: runs/paper\n"
    assert again.out == printed.out
    assert {path: path.read_bytes() for path in (folder / "results").iterdir()} == results


def test_results_that_come_with_the_package_are_taken(tmp_path, shipped, capsys):
    ship(shipped, LISTENER)

    assert command("reproduce listener --settings tuned --out", tmp_path / "new" / "out") == 0

    printed = capsys.readouterr()
    assert printed.err.startswith("listener: 2 of 2 results are there; add --afresh")
    assert "37.5 (0.0 to 100.0)" in (tmp_path / "new" / "out" / "listener.md").read_text()
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == ["listener.md", "listener.png"]
    assert list((tmp_path / "here").iterdir()) == []


def test_afresh_takes_nothing_that_was_made_elsewhere(shipped, monkeypatch, capsys):
    ship(shipped, LISTENER)
    monkeypatch.setattr("maddpg.paper.reproduce.Plan.carry_out", lambda self: None)

    assert command("reproduce listener --settings tuned --afresh") == 1

    said = capsys.readouterr().err.splitlines()
    assert said[0] == "listener: 0 of 2 results are there, 2 to make"
    assert said[-1] == "2 results are missing, those that failed; typed again, the same line tries them once more"


def test_several_processes_share_the_work(tmp_path, monkeypatch, capsys):
    asked = []

    def all_made(studies, shelf, size, settings, jobs):
        asked.append(([study.name for study in studies], settings, jobs))
        for study in studies:
            ship(shelf, study)

    monkeypatch.setattr(f"{REPRODUCE}.require_jobs", lambda jobs: None)
    monkeypatch.setattr(f"{REPRODUCE}.carry_out_side_by_side", all_made)
    monkeypatch.setattr("maddpg.paper.reproduce.Plan.carry_out", lambda self: pytest.fail("one process more"))

    assert command("reproduce push listener --settings tuned --jobs 3") == 0

    assert asked == [(["push", "listener"], ("tuned",), 3)]
    assert capsys.readouterr().err.startswith("push: 2 of 2 results are there; add --afresh")
    assert (tmp_path / "here" / "runs" / "paper" / "listener.md").is_file()


def test_quick_results_have_files_of_their_own_and_both_settings_are_shown_each_once(tmp_path, shipped, monkeypatch, capsys):
    monkeypatch.setattr("maddpg.paper.reproduce.Plan.carry_out", lambda self: None)
    put(workshop(shipped, ONE).apart(("DDPG", "DDPG")), shipped, {measure.heading: [[0.5, 0.5], [0.5, 0.5]] for measure in ONE.measures})

    assert command("reproduce push listener push --quick") == 1
    said = [line.split(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert said[:-1] == ["push", "listener", "written"]
    assert command("reproduce push --settings paper tuned paper") == 1

    folder = tmp_path / "here" / "runs" / "paper"
    assert sorted(path.name for path in folder.iterdir()) == ["listener-quick.md", "push-quick.md", "push-quick.png", "push.md", "push.png"]
    rows = [line.split(" | ")[2] for line in (folder / "push.md").read_text().splitlines() if line.startswith("| DDPG")]
    assert rows == ["paper, trained apart", "tuned, trained apart"]
    quick = [line.split(" | ")[2] for line in (folder / "push-quick.md").read_text().splitlines() if line.startswith("| DDPG")]
    assert quick == ["tuned, trained apart"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("", f"reproduce needs the name of a table: one of {', '.join(STUDIES)}, push, listener, or all"),
        ("covrt", f"unknown table 'covrt'; did you mean 'covert'? Known: {', '.join(STUDIES)}, push, listener, all"),
        ("push covrt", "unknown table 'covrt'; did you mean 'covert'?"),
        ("push --jobs 0", "--jobs must be from 1 to "),
        ("push --jobs 9999", "--jobs must be from 1 to "),
        ("push --quik", "reproduce has no flag --quik; did you mean --quick? `maddpg reproduce --help` lists all"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing_behind(words, line, tmp_path, capsys):
    assert command(f"reproduce {words}") == 2

    said = capsys.readouterr().err
    assert said.startswith(f"maddpg: {line}")
    assert said.count("\n") == 1
    assert list((tmp_path / "here").iterdir()) == []


def test_a_setting_that_there_is_not_is_refused(tmp_path, capsys):
    assert command("reproduce push --settings tunned") == 2

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for part in ("maddpg: ", "--settings", "'tunned'; did you mean 'tuned'?", "paper"):
        assert part in said
    assert list((tmp_path / "here").iterdir()) == []


def test_its_help_names_every_table(capsys):
    assert command("reproduce --help") == 0

    said = capsys.readouterr().out
    assert all(name in said for name in ("communication", "predator-prey", "covert", "all"))


def test_a_folder_that_cannot_be_written_is_refused_before_the_training(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr("maddpg.paper.reproduce.Plan.carry_out", lambda self: pytest.fail("it trained"))

    assert command("reproduce push --out", tmp_path / "file") == 2

    assert capsys.readouterr() == ("", f"maddpg: --out {tmp_path / 'file'} cannot be written: File exists; give another folder\n")
