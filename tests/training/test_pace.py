"""Chunks of about half a second."""

from __future__ import annotations

import pytest

from maddpg.training.pace import CHUNK_SECONDS, Pace


def test_a_chunk_grows_to_its_time():
    pace, lengths = Pace(), []
    for _ in range(6):
        lengths.append(pace.length)
        pace.record(pace.length, 5.0 if len(lengths) == 1 else pace.length / 1_000)  # the first compiles

    assert lengths == [1, 1, 8, 64, 500, 500]
    assert lengths[-1] / 1_000 == CHUNK_SECONDS


def test_a_chunk_that_was_cut_short_says_how_fast_it_went():
    pace = Pace(length=64)

    pace.record(10, 0.1)

    assert pace.length == 50


def test_a_round_that_takes_long_is_a_chunk():
    pace = Pace(length=4)

    pace.record(4, 60.0)

    assert pace.length == 1


def test_a_clock_that_stands_still_is_no_trouble():
    pace = Pace()

    pace.record(1, 0.0)

    assert pace.length == 8


def test_the_speed_leaves_the_compilation_out():
    pace = Pace()
    assert pace.rounds_per_second == 0

    pace.record(1, 30.0)
    assert pace.rounds_per_second == 0

    pace.record(10, 0.1)
    pace.record(20, 0.2)
    assert pace.rounds_per_second == pytest.approx(100)
