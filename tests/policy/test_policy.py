"""Policies as they are used: observations in, the environment's actions out, masks, names, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maddpg.policy import Policies, Policy
from maddpg.policy.description import Description
from maddpg.policy.heads import Head
from maddpg.spaces.kinds import Choices, Columns, Numbers, Product

DESCRIBED = Description(
    environment="market",
    agent="buyer",
    team="buyers",
    seed=0,
    sub_policy=None,
    steps=100,
    observation=Product((Columns(2), Choices((), "int64", (2,), (0,))), ("prices", "hungry")),
    action=Product((Choices((), "int64", (3,), (5,)), Numbers((1,), "float32", (0.0,), (10.0,))), ("ware", "bid")),
    heads=(Head("categorical", 3), Head("gaussian", 1, (-1.0,), (1.0,))),
    message_size=0,
    action_mask="none",
    members=1,
    layers=(4, 5),
    format="safetensors",
    bytes=1,
    versions={},
)
SEEN = {"prices": [1.0, 2.0], "hungry": 1}


def logits(observation):
    """Likes the first ware as much as the first price is, the second as the second; bids the middle, with little doubt."""
    zeros = np.zeros((1, len(observation), 2), np.float32)
    return np.concatenate([observation[None, :, :2], zeros, zeros[..., :1] - 5], axis=-1)


BUYER = Policy(DESCRIBED, logits)


def test_an_action_is_the_environments_own():
    action = BUYER.act(SEEN)

    assert list(action) == ["ware", "bid"]
    assert action["ware"] == 6
    assert isinstance(action["ware"], np.int64)
    assert action["bid"].dtype == np.float32
    np.testing.assert_allclose(action["bid"], [5.0])
    assert BUYER.agent == "buyer"


def test_what_is_forbidden_is_not_done():
    assert BUYER.act(SEEN, action_mask={"ware": [1, 0, 1]})["ware"] == 5
    assert BUYER.act(SEEN, action_mask=[0, 0, 1])["ware"] == 7
    observed = Policy(replace(DESCRIBED, action_mask="observed"), logits)
    assert observed.act({**SEEN, "action_mask": [1, 0, 1]})["ware"] == 5
    assert observed.act({**SEEN, "action_mask": [1, 0, 1]}, action_mask=[1, 1, 1])["ware"] == 6
    with pytest.raises(ValueError, match="buyer: the observation has no action_mask, though its space has"):
        observed.act(SEEN)


def test_drawn_actions_come_from_the_generator():
    def draw(seed):
        generator = np.random.default_rng(seed)
        return [BUYER.act(SEEN, deterministic=False, generator=generator)["ware"] for _ in range(50)]

    assert draw(0) == draw(0) != draw(1)
    assert set(draw(0)) == {5, 6, 7}
    assert draw(0).count(6) > 20  # its probability is 0.67


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BUYER.act({"prices": [1.0]}), "buyer: the observation is .*; it must be a mapping with prices, hungry"),
        (lambda: BUYER.act({"prices": [1.0, np.nan], "hungry": 0}), "buyer: the observation is nan in column 1; it must be finite"),
        (lambda: BUYER.act({"prices": [1.0, 1e300], "hungry": 0}), "buyer: the observation is inf in column 1; it must be finite"),
        (lambda: BUYER.act(SEEN, action_mask=[1, 1]), "buyer: the action mask has 2 values; it must have 3"),
        (lambda: BUYER.act(SEEN, action_mask=[0, 0, 0]), "buyer: the action mask forbids every option of a choice; allow one"),
        (lambda: BUYER.act(SEEN, deterministic=False), r"buyer: a drawn action needs a generator, such as numpy.random.default_rng\(0\)"),
        (lambda: BUYER.act_in_columns(np.zeros(4)), r"buyer: observations have shape \(4,\); it must be \(batch, 4\)"),
        (lambda: BUYER.act_in_columns(np.zeros((1, 4)), allowed=np.ones((1, 3), bool)), r"buyer: the mask has shape \(1, 3\); it must"),
        (
            lambda: Policy(replace(DESCRIBED, members=2), logits).act(SEEN, deterministic=False, generator=np.random.default_rng(0)),
            "buyer: the mean of 2 networks has one action, and none to draw; export one of them",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_agents_may_be_called_as_the_environment_calls_them():
    team = Policies({"0": Policy(replace(DESCRIBED, agent="0"), logits), "1": Policy(replace(DESCRIBED, agent="1"), logits)})

    actions = team.act({0: SEEN, "1": SEEN}, action_masks={0: [1, 0, 1]})

    assert {agent: action["ware"] for agent, action in actions.items()} == {0: 5, "1": 6}
    assert team[1].agent == "1"
    assert 1 in team
    with pytest.raises(ValueError, match=r"unknown agent '7'\. Known: 0, 1"):
        team.act({7: SEEN})


def test_a_team_acts_by_name():
    team = Policies({"buyer": BUYER, "other": Policy(replace(DESCRIBED, agent="other"), logits)})

    assert (list(team), len(team), repr(team)) == (["buyer", "other"], 2, "Policies(buyer, other)")
    actions = team.act({"other": SEEN, "buyer": SEEN}, action_masks={"other": [1, 0, 1]})
    assert (actions["buyer"]["ware"], actions["other"]["ware"]) == (6, 5)
    assert list(team.act({"other": SEEN})) == ["other"]
    drawn = [team.act({"buyer": SEEN}, False, generator=np.random.default_rng(seed))["buyer"]["ware"] for seed in range(20)]
    assert len({*drawn}) > 1
    for unknown in (lambda: team.act({"byer": SEEN}), lambda: team.act({}, action_masks={"byer": [1]})):
        with pytest.raises(ValueError, match="unknown agent 'byer'; did you mean 'buyer'"):
            unknown()
    with pytest.raises(KeyError, match="unknown agent 'byer'; did you mean 'buyer'"):
        _ = team["byer"]
