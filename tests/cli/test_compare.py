"""`maddpg compare`: by table, by JSON and by picture."""

from __future__ import annotations

import json

import pytest

from tests.runs import command
from tests.saved_runs import config_of, save_outcome, with_settings

NAMES = ("agent_0", "agent_1", "agent_2")


@pytest.fixture
def runs(tmp_path):
    """Two algorithms in simple_spread."""
    config = config_of("simple_spread", seeds=2)
    curves = {10: (1.0, 1.0), 20: (2.0, 3.0)}
    first = save_outcome(tmp_path / "first", config, {name: [1.0, 3.0] for name in NAMES}, curves=curves)
    other = with_settings(config, "algorithm", critic_view="own")
    return first, save_outcome(tmp_path / "second", other, {name: [2.0, 2.0] for name in NAMES}, curves=curves)


def test_json_is_one_object_and_all_of_it(runs, tmp_path, capsys):
    assert command("compare --json --out", tmp_path / "out", *runs) == 0

    printed = capsys.readouterr()
    assert printed.err == ""
    found = json.loads(printed.out, parse_constant=pytest.fail)
    assert found == json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert (tmp_path / "out" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    (comparison,) = found["comparisons"]
    assert [each["mean"]["estimate"] for each in comparison["algorithms"]] == pytest.approx([0.2, 0.2])
    assert comparison["algorithms"][1]["above_first"]["estimate"] == 0.5


def test_the_table_says_what_differs(runs, capsys):
    assert command("compare --metric return", *runs) == 0

    printed = capsys.readouterr()
    for part in ("simple_spread: return of all agents", "1 first\n", "IQM", "2 second: algorithm.critic_view = own"):
        assert part in printed.out
    assert printed.err == "next: add --out DIR for profiles, learning curves and all numbers\n"


def test_for_teams_that_compete_it_names_what_is_fairer(small_run, tmp_path, capsys):
    config = with_settings(config_of("simple_push"), "algorithm", gamma=0.5)
    other = save_outcome(tmp_path / "other", config, {"adversary_0": [1.0], "agent_0": [2.0]})
    assert command("compare", small_run, other) == 0

    printed = capsys.readouterr()
    assert "return of adversary" in printed.out
    assert "return of good" in printed.out
    assert "each team met its own opponents only; next: " in printed.err
    assert f"crossplay {small_run} {other}" in printed.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("RUN", "compare needs two runs or more; `maddpg evaluate RUN` shows a single one"),
        ("RUN OTHER --metric speed", "unknown metric 'speed'. Known: score, return, hits, time"),
        ("RUN RUN", "RUN and RUN are of the same settings and seed 0; give one of them"),
    ],
)
def test_what_makes_no_sense_is_refused(words, line, runs, capsys):
    folders = dict(zip(("RUN", "OTHER"), map(str, runs), strict=True))

    assert command("compare", *(folders.get(word, word) for word in words.split())) == 2

    expected = line if "`" in line else line.replace("RUN", folders["RUN"])
    assert capsys.readouterr().err == f"maddpg: {expected}\n"


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(runs, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("maddpg.cli.commands.compare.compare_runs", lambda *_: pytest.fail("it worked"))

    assert command("compare --out", tmp_path / "file", *runs) == 2

    assert capsys.readouterr() == ("", f"maddpg: --out {tmp_path / 'file'} cannot be written: File exists; give another folder\n")
