"""Listing environments, and how the program ends."""

from __future__ import annotations

import sys
from importlib import metadata

import pytest

from maddpg.cli import commands, main
from maddpg.particles import SCENARIOS
from tests.runs import command


def test_envs_prints_a_line_for_each_environment(capsys):
    assert command("envs") == 0

    printed = capsys.readouterr()
    assert printed.err == ""
    heading, *rows = printed.out.splitlines()
    assert heading.split()[0] == "environment"
    assert [row.split()[0] for row in rows] == list(SCENARIOS)
    by_name = {row.split()[0]: row for row in rows}
    assert "3 x (18 -> Box(5))" in by_name["simple_spread"]
    assert "box, simplex, discrete" in by_name["simple_spread"]
    assert "box" not in by_name["simple_crypto"].replace("simplex", "")


def test_it_says_its_version(capsys):
    assert command("--version") == 0

    assert capsys.readouterr() == (f"maddpg {metadata.version('maddpg')}\n", "")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ValueError("steps = 0: too few"), 2, "maddpg: steps = 0: too few\n"),
        (ImportError("it needs mpe2"), 1, "maddpg: it needs mpe2\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_exit_codes(error, code, said, capsys, monkeypatch):
    def fail(self):
        raise error

    monkeypatch.setattr(commands.Environments, "run", fail)

    assert command("envs") == code
    assert capsys.readouterr() == ("", said)


def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    def fail(self):
        raise TypeError("a bug")

    monkeypatch.setattr(commands.Environments, "run", fail)
    with pytest.raises(TypeError, match="a bug"):
        main(["envs"])


def test_a_reader_that_goes_away_is_no_mistake(monkeypatch):
    def fail(self):
        raise BrokenPipeError

    monkeypatch.setattr(commands.Environments, "run", fail)
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # put back afterwards
    assert command("envs") == 1
    assert sys.stdout is None


def test_without_its_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tyro", None)

    with pytest.raises(SystemExit, match=r'the command line needs its extra: pip install "maddpg\[cli\]"'):
        main(["envs"])
