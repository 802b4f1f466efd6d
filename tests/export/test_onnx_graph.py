"""The ONNX graph's last part: from columns to the environment's own action, for every kind of space."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from maddpg.export.onnx_graph import make_model
from maddpg.export.spaces import describe_space
from maddpg.policy.description import Description
from maddpg.policy.heads import Head
from maddpg.policy.network import perceptron
from maddpg.policy.policy import Policy
from maddpg.policy.spaces import Choices, Columns, leaves
from tests.export.test_spaces import ACTIONS, assert_same, name


def flatten(action):
    """The leaves of an action that hold anything, in order."""
    if isinstance(action, dict | tuple):
        return [leaf for part in (action.values() if isinstance(action, dict) else action) for leaf in flatten(part)]
    return [action] if action.size else []


@pytest.mark.parametrize("space", ACTIONS, ids=name)
def test_the_graph_gives_the_environments_own_action(space):
    action = describe_space(space, "a", True)
    heads = []
    for _, leaf in leaves(action):
        if isinstance(leaf, Choices):
            heads += [Head("categorical", size) for size in leaf.sizes]
        elif leaf.size:
            heads.append(Head("point", leaf.size, (-1.0,) * leaf.size, (1.0,) * leaf.size))
    description = Description(
        environment="test",
        agent="a",
        team="a",
        seed=0,
        sub_policy=None,
        steps=0,
        observation=Columns(3),
        action=action,
        heads=tuple(heads),
        message_size=0,
        action_mask="none",
        members=1,
        layers=(3, action.size),
        format="onnx",
        bytes=1,
        versions={"maddpg": "0"},
    )
    generator = np.random.default_rng(0)
    layers = [(generator.normal(size=(3, action.size)).astype(np.float32), generator.normal(size=action.size).astype(np.float32))]
    policy = Policy(description, perceptron(1, layers))
    seen = generator.normal(size=(300, 3)).astype(np.float32)

    session = onnxruntime.InferenceSession(make_model(description, layers))
    names = [output.name for output in session.get_outputs()][2:]
    results = dict(zip(names, session.run(names, {"observation": seen}), strict=True))

    parts = [(path, leaf) for path, leaf in leaves(action) if leaf.size]
    assert names == [f"action{path}" for path, _ in parts]
    for row, observation in enumerate(seen):
        for (path, leaf), expected in zip(parts, flatten(policy.act(observation)), strict=True):
            mine = results[f"action{path}"][row]
            assert mine.dtype == expected.dtype
            assert mine.shape == expected.shape
            if isinstance(leaf, Choices) or expected.dtype.kind != "f":
                np.testing.assert_array_equal(mine, expected)
            else:
                span = np.reshape(np.array(leaf.high) - np.array(leaf.low), leaf.shape)
                assert (np.abs(mine - expected) <= 1e-6 * span).all()


def test_comparing_actions_would_find_another_type():
    with pytest.raises(AssertionError):
        assert_same(np.int64(1), np.int32(1))
