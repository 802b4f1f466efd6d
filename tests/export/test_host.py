"""Actors of environments in Python: what comes in and goes out is the environment's own, as in `predict`."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from maddpg import MADDPG, AlgorithmConfig, ChannelConfig, Config, TrainingConfig
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


def make(environment, **channel):
    """A model in which nothing has been trained, with weights at random, and its exported team."""
    algorithm, training = AlgorithmConfig(actor_layers=(8,)), TrainingConfig(seeds=len(SEEDS))
    config = Config("", algorithm=algorithm, training=training, channel=ChannelConfig(**channel))
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
    elif isinstance(one, tuple):
        for part, right in zip(one, other, strict=True):
            same(part, right)
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


def act_alike(model, folder, cases):
    """What the first agent does, by its exported actor as by the model; a case is what it sees, and a mask that comes beside it."""
    name = model.agents[0]
    export_actors(model.parts, model.networks["actor"], [0, 0], folder, agents=[name])
    team = load_policy(folder)
    for seen, mask in cases:
        action = team.act({name: seen}, action_masks={name: mask})
        same(action, model.predict({name: seen}, {name: {"action_mask": mask}}))
        yield action[name]


MASKS = [np.int8(mask) for mask in ([1, 1, 0], [1, 0, 1], [0, 1, 1])] * 20


def test_a_sender_heeds_the_mask_in_its_observation(tmp_path):
    eye = spaces.Dict({"action_mask": spaces.MultiBinary(3), "sight": spaces.Box(-1, 1, (4,))})
    eye.seed(0)
    cases = [({"sight": eye["sight"].sample(), "action_mask": mask}, None) for mask in MASKS]
    first = dict.fromkeys("ab", cases[0][0])

    with make(
        lambda: Film([frame(0, "ab", observations=first)], "ab", eye),
        channel_senders=("a",),
        channel_receivers=("b",),
        channel_size=2,
    ) as model:
        actions = list(act_alike(model, tmp_path / "export", cases))

    assert all(mask[choice] for mask, (choice, _) in zip(MASKS, actions, strict=True))
    assert len({int(choice) for choice, _ in actions}) > 1
    assert all(message.tolist() in ([1, 0], [0, 1]) for _, message in actions)


def test_a_sender_that_hears_heeds_the_mask_that_is_given(tmp_path):
    """Its own action has two parts, as many as the pair of that action and its message: so has a mask."""
    generator = np.random.default_rng(0)
    cases = [((generator.uniform(-1, 1, 2), generator.integers(0, 2, 2)), (mask, np.ones(2))) for mask in MASKS]
    move = spaces.Tuple((spaces.Discrete(3), spaces.Discrete(2)))
    free = {agent: {"action_mask": (np.ones(3), np.ones(2))} for agent in "ab"}

    with make(
        lambda: Film([frame(0, "ab", infos=free)], "ab", action_space=move),
        channel_senders=("all",),
        channel_size=2,
    ) as model:
        actions = list(act_alike(model, tmp_path / "export", cases))

    assert all(mask[choice] for mask, ((choice, _), _) in zip(MASKS, actions, strict=True))
    assert len({int(choice) for (choice, _), _ in actions}) > 1
