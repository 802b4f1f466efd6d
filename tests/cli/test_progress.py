"""Progress: lines at intervals, or a bar on a terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from maddpg.cli import progress as module
from maddpg.cli.progress import counting, describe, training_progress
from maddpg.training.progress import Progress


def at(steps: int, phase: str = "training") -> Progress:
    speed, returns = (50_000.4, {"agent_0": -12.34, "agent_1": 5.0}) if steps else (0.0, {})
    return Progress(phase, steps, 1_000_000, speed, returns, 12.3)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [1_000.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    return now


def test_a_progress_in_words():
    assert describe(at(0, "compiling")) == "compiling"
    assert describe(at(0, "warming up")) == "warming up"
    assert describe(at(500)) == "50,000 steps/s  return -12.3, 5.0"
    assert describe(replace(at(500), seeds=3)) == "50,000 steps/s over 3 seeds  return -12.3, 5.0"


def test_lines_at_intervals_where_there_is_no_terminal(clock):
    out = io.StringIO()
    with training_progress(Console(file=out, width=100)) as tell:
        tell(at(0, "compiling"))
        for seconds, steps in ((1, 10_000), (9.9, 20_000), (10, 250_000), (15, 300_000), (19.9, 400_000), (20, 500_000), (21, 1_000_000)):
            clock[0] = 1_000 + seconds
            tell(at(steps))

    assert out.getvalue().splitlines() == [
        "           0 of 1_000_000 steps  compiling",
        "     250_000 of 1_000_000 steps  50,000 steps/s  return -12.3, 5.0  12 s left",
        "     500_000 of 1_000_000 steps  50,000 steps/s  return -12.3, 5.0  12 s left",
        "   1_000_000 of 1_000_000 steps  50,000 steps/s  return -12.3, 5.0  12 s left",
    ]


def test_a_bar_on_a_terminal():
    out = io.StringIO()
    with training_progress(Console(file=out, width=120, force_terminal=True)) as tell:
        tell(at(0, "compiling"))
        tell(at(1_000_000))

    assert "compiling" in out.getvalue()
    assert "50,000 steps/s  return -12.3, 5.0" in out.getvalue()
    assert "1000000/1000000" in out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_counting_is_silent_without_a_terminal(terminal):
    out = io.StringIO()
    with counting(Console(file=out, width=100, force_terminal=terminal), "episodes", 4) as tell:
        tell(3)
        tell(1)

    assert ("4/4" in out.getvalue()) == terminal
    assert (out.getvalue().strip() != "") == terminal
