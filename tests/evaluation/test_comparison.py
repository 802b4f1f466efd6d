"""Algorithms compared by the scores of their runs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from maddpg.evaluation.comparison import Contender, compare
from maddpg.storage.files import without_nan

FIRST = Contender("x", ("x",), {}, [np.array([1.0, 2.0, 3.0, 14.0])], [np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0], [0.0, 14.0]])])
SECOND = Contender("y", ("y",), {"gamma": 0.9}, [np.array([2.0, 4.0])], [np.array([[2.0, 2.0], [4.0, 4.0]])])


def test_every_number_of_a_row():
    comparison = compare("all agents", "return", True, ["game"], [FIRST, SECOND], [np.array([10, 20])])
    first, second = comparison.rows

    assert (first.interquartile_mean.estimate, first.mean.estimate) == (2.5, 5)
    assert first.optimality_gap.estimate == 0
    assert first.above_first is None
    assert second.above_first.estimate == pytest.approx((1.5 + 3) / 8)  # 2 is above 1 and as good as 2; 4 is above 1, 2 and 3
    assert first.area.estimate == pytest.approx(1.25)  # halves of 1, 2, 3 and 14, without the least and the largest
    assert first.area.low < first.area.estimate < first.area.high
    np.testing.assert_allclose(first.curves[0].estimate, [0, 2.5])
    np.testing.assert_allclose(second.curves[0].estimate, [3, 3])
    np.testing.assert_allclose(second.profile.estimate[[0, 50, -1]], [1, 0, 0])
    assert (comparison.thresholds[0], comparison.thresholds[-1]) == (1, 14)


def test_plain_returns_have_no_gap():
    rows = compare("all agents", "return", False, ["game"], [FIRST, SECOND]).rows

    assert rows[0].optimality_gap is None


def test_without_curves_there_is_no_area():
    alone = [Contender("x", ("x",), {}, FIRST.scores), Contender("y", ("y",), {}, SECOND.scores)]

    assert compare("all agents", "return", False, ["game"], alone).rows[1].area is None


def test_all_of_it_is_json():
    comparison = compare("all agents", "return", True, ["game"], [FIRST, SECOND], [np.array([10, 20])])
    tables = json.loads(json.dumps(without_nan(comparison.to_dict()), allow_nan=False))

    assert [each["name"] for each in tables["algorithms"]] == ["x", "y"]
    assert tables["algorithms"][1]["differs"] == {"gamma": 0.9}
    assert tables["algorithms"][0]["curves"][0]["estimate"] == [0, 2.5]
    assert tables["steps"] == [[10, 20]]
