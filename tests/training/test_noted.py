"""What a checkpoint notes of a journal is read whole, or refused."""

from __future__ import annotations

import json
import math

import pytest

from maddpg.training.noted import Noted, read_noted

TABLE = {
    "logged": 3,
    "updated": 5,
    "evaluated": 2,
    "bytes": 70,
    "episode_return": {"a": -1.5, "b": None},
    "best": {"steps": [20, 0], "returns": [4, None]},
}


def test_what_was_noted_is_read():
    noted = read_noted(TABLE, seeds=2)

    assert math.isnan(noted.episode_return["b"])  # which JSON does not have
    assert noted == Noted(3, 5, 2, 70, {"a": -1.5, "b": noted.episode_return["b"]}, (20, 0), (4.0, -math.inf))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(((name,), value) for name in ("logged", "updated", "evaluated", "bytes") for value in (-1, 1.5, "3", None, True, 2**70)),
        *((("episode_return",), value) for value in (None, 3, [1], {"a": "x"}, {"a": True}, {"a": 10**400}, {"a": math.inf})),
        *((("best",), value) for value in (None, [], {}, 3, {"steps": [0, 0]})),
        *((("best", "steps"), value) for value in ([0], [0, 0, 0], [0, -1], 3, None, {"0": 0, "1": 0})),
        *((("best", "returns"), value) for value in ([0], [0, "x"], [0, [0]], None, [0, 10**400])),
    ],
)
def test_anything_else_is_refused(path, value):
    table = json.loads(json.dumps(TABLE))
    place = table
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value

    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        read_noted(table, seeds=2)
    del place[path[-1]]
    with pytest.raises(ValueError, match=f"KeyError.'{path[-1]}'"):
        read_noted(table, seeds=2)


@pytest.mark.parametrize("table", [None, [], 3, "journal"])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(ValueError, match="its journal is damaged"):
        read_noted(table, seeds=2)
