"""The ONNX graph's last part: from columns to the environment's own action, for every kind of space."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from gymnasium import spaces

from maddpg.environments.foreign.spaces import describe_action
from maddpg.export.onnx_graph import make_model
from maddpg.policy.description import Description
from maddpg.policy.heads import Head
from maddpg.policy.network import perceptron
from maddpg.policy.policy import Policy
from maddpg.spaces.kinds import Choices, Columns, leaves
from tests.spaces.examples import ACTIONS, assert_same, name


def flatten(action):
    """The leaves of an action that hold anything, in order."""
    if isinstance(action, dict | tuple):
        return [leaf for part in (action.values() if isinstance(action, dict) else action) for leaf in flatten(part)]
    return [action] if action.size else []


def describe(action):
    """An agent with such an action, by a network of one layer."""
    heads = []
    for _, leaf in leaves(action):
        if isinstance(leaf, Choices):
            heads += [Head("categorical", size) for size in leaf.sizes]
        elif leaf.size:
            heads.append(Head("point", leaf.size, (-1.0,) * leaf.size, (1.0,) * leaf.size))
    return Description(
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


@pytest.mark.parametrize("space", ACTIONS, ids=name)
def test_the_graph_gives_the_environments_own_action(space):
    action = describe_action(space, "a")
    description = describe(action)
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


def test_names_with_slashes_do_not_meet():
    part = spaces.Discrete(2)
    action = describe_action(spaces.Dict({"a/b": part, "a": spaces.Dict({"b": part}), "~": part}), "a")

    session = onnxruntime.InferenceSession(make_model(describe(action), [(np.ones((3, 6), np.float32), np.ones(6, np.float32))]))

    assert [output.name for output in session.get_outputs()][2:] == ["action/a/b", "action/a~1b", "action/~0"]


@pytest.mark.parametrize("error", [onnx.checker.ValidationError, onnx.shape_inference.InferenceError])
def test_what_onnx_finds_wrong_is_told_in_one_line(error, monkeypatch):
    def refuse(model, full_check):
        raise error("Nodes in a graph\nmust be sorted")

    monkeypatch.setattr(onnx.checker, "check_model", refuse)

    with pytest.raises(ValueError, match=r"a cannot be a graph of ONNX \(Nodes in a graph\\nmust be sorted\); give another --format"):
        make_model(describe(Choices((), "int64", (2,), (0,))), [(np.ones((3, 2), np.float32), np.ones(2, np.float32))])
