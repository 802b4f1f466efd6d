"""Observations against their spaces: how far outside, and in which part."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from maddpg.environments.conformance.findings import Findings
from maddpg.environments.conformance.outside import check_against_space

BOX = spaces.Box(np.array([-1, 0], np.float32), np.array([1, np.inf], np.float32))


def found(space, value):
    findings = Findings()
    check_against_space(findings, space, value, "ant", 4)
    assert all((finding.agent, finding.step) == ("ant", 4) for finding in findings.ordered())
    return [(finding.severity, finding.what) for finding in findings.ordered()]


@pytest.mark.parametrize("value", [[1, 0], [-1, 1e9], [1 + 1e-6, 3], [np.nan, 0]])
def test_what_is_inside_but_for_rounding_is_well(value):
    assert found(BOX, np.array(value, np.float32)) == []


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ([-1.5, 0], "the observation lies 0.5 outside its space: -1.5 in column 0, whose bounds are -1 and 1"),
        ([0, -0.25], "the observation lies 0.25 outside its space: -0.25 in column 1, whose bounds are 0 and inf"),
        ([1.25, -7], "the observation lies 7 outside its space: -7 in column 1, whose bounds are 0 and inf"),
    ],
)
def test_the_column_that_is_farthest_outside_is_named(value, what):
    assert found(BOX, np.array(value, np.float32)) == [("warning", what)]


def test_another_type_is_noted():
    assert found(BOX, [0.0, 0.0]) == [("note", "the observation is of type a list, where its space says float32")]


def test_parts_are_named_and_the_mask_is_not_looked_at():
    space = spaces.Dict({"here": BOX, "pair": spaces.Tuple([spaces.Discrete(3), BOX]), "action_mask": spaces.MultiBinary(2)})
    inside, outside = np.array([0, 0], np.float32), np.array([2, 0], np.float32)

    assert found(space, {"here": inside, "pair": (2, inside), "action_mask": [7, 7]}) == []
    assert found(space, {"here": inside, "pair": (-1, outside), "action_mask": [1, 1]}) == [
        ("error", "the observation['pair'][0] is -1, which is not in Discrete(3)"),
        ("warning", "the observation['pair'][1] lies 1 outside its space: 2 in column 0, whose bounds are -1 and 1"),
    ]
