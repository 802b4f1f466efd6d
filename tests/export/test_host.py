"""Actors of environments in Python: what comes in and goes out is the environment's own, as in `predict`."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from maddpg import MADDPG, AlgorithmConfig, Config, TrainingConfig
from maddpg.export import export_actors
from maddpg.policy import load_policy
from tests.environments.foreign.worlds import Auction, Film, frame
from tests.export.actors import SEEDS, make_actor

ARM = spaces.Dict({"grip": spaces.Discrete(3, start=-1), "turn": spaces.Box(-2.0, np.array([1.0, 5.0]), dtype=np.float64)})
LEGS = spaces.MultiDiscrete([3, 2], start=[1, 0])
EYE = spaces.Box(-1.0, 1.0, (2, 2), np.float32)
SKIN = spaces.Tuple((spaces.Discrete(3), spaces.MultiBinary(2), spaces.Box(0, 9, (2,), np.int8)))


class Creature(Film):
    """Two agents that see and do different things."""

    def __init__(self):
        seen_as, done_by = {"a": EYE, "b": SKIN}, {"a": ARM, "b": LEGS}
        first = {agent: space.sample() for agent, space in seen_as.items()}
        super().__init__([frame(0, "ab", observations=first)], "ab", seen_as, done_by)


def make(environment):
    """A model in which nothing has been trained, with weights at random, and its exported team."""
    config = Config("", algorithm=AlgorithmConfig(actor_layers=(8,)), training=TrainingConfig(seeds=len(SEEDS)))
    model = MADDPG(environment, config, seed=SEEDS[0])
    model._learned = {"actor": make_actor(model.parts)}
    return model


def same(one, other):
    """Equal in type, structure, and values but for rounding."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            same(one[name], other[name])
    else:
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_actions_are_those_of_predict(tmp_path):
    with make(Creature) as model:
        teams = []
        for format in ("safetensors", "onnx"):
            export_actors(model.parts, model.networks["actor"], [0, 0], tmp_path / format, format=format)
            teams.append(load_policy(tmp_path / format))
        EYE.seed(0)
        SKIN.seed(0)
        grips = set()
        for _ in range(50):
            seen = {"a": EYE.sample(), "b": SKIN.sample()}
            expected = model.predict(seen)
            for team in teams:
                same(team.act(seen), expected)
            grips.add(int(expected["a"]["grip"]))
        assert len(grips) > 1, "one action for all observations proves little"


def test_masks_in_the_observation_are_heeded(tmp_path):
    generator = np.random.default_rng(0)
    with make(Auction) as model:
        export_actors(model.parts, model.networks["actor"], [0, 0], tmp_path / "export")
        team = load_policy(tmp_path / "export")
        bids = set()
        for _ in range(50):
            mask = np.int8(generator.permutation([1, 1, 0, 0]))
            seen = {"bidder_0": {"observation": np.int8(generator.integers(0, 4, 4)), "action_mask": mask}}
            action = team.act(seen)
            assert action == model.predict(seen)
            assert mask[action["bidder_0"]]
            bids.add(int(action["bidder_0"]))
        assert len(bids) > 2
