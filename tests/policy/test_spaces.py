"""Spaces in JSON, there and back; what is refused stands in test_load.py."""

from __future__ import annotations

import json

import pytest

from maddpg.environments.foreign.observations import describe_observation
from maddpg.environments.foreign.spaces import describe_action
from maddpg.policy.spaces import from_json, to_json
from maddpg.spaces.kinds import Columns
from tests.spaces.examples import ACTIONS, OBSERVATIONS, name


@pytest.mark.parametrize("space", ACTIONS, ids=name)
def test_actions_come_back(space):
    action = describe_action(space, "a")

    assert from_json(True, "here", json.loads(json.dumps(to_json(action)))) == action


@pytest.mark.parametrize("space", OBSERVATIONS, ids=name)
def test_observations_come_back(space):
    seen = describe_observation(space, "a").space

    assert from_json(False, "here", json.loads(json.dumps(to_json(seen)))) == seen


def test_columns_are_maskable_where_nothing_else_is_said():
    """As in exports from before messages were told apart."""
    assert to_json(Columns(3)) == {"kind": "columns", "size": 3}
    assert from_json(True, "here", {"kind": "columns", "size": 3}) == Columns(3)
    message = Columns(3, maskable=False)
    assert from_json(True, "here", json.loads(json.dumps(to_json(message)))) == message
    with pytest.raises(ValueError, match="here: maskable = 0: it must be true or false; export the run again"):
        from_json(True, "here", {"kind": "columns", "size": 3, "maskable": 0})
