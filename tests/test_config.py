"""The configuration: what it refuses, how it is written and read, and the two presets."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from maddpg.config import AlgorithmConfig, ChannelConfig, Config, HostConfig, TeamConfig, TrainingConfig, WorldConfig, preset
from maddpg.names import unknown_name
from maddpg.settings import from_dict, merge, to_dict
from maddpg.training.build import build

INFINITE = float("inf")
REFUSED = [
    (AlgorithmConfig, "actor_layers", (64, 0), "at least 1 unit"),
    (AlgorithmConfig, "critic_layers", (-1,), "at least 1 unit"),
    (AlgorithmConfig, "critic_input", "pixels", "observations, state, both"),
    (AlgorithmConfig, "critic_view", "opponents", "all, team, own"),
    (AlgorithmConfig, "policy", "greedy", "deterministic, stochastic"),
    (AlgorithmConfig, "estimator", "hard", "straight_through, soft"),
    (AlgorithmConfig, "others_actions", "target", "replay, current"),
    (AlgorithmConfig, "target_action", "greedy", "sample, relaxed, mode"),
    (AlgorithmConfig, "minibatch", "own", "shared, per_agent"),
    (AlgorithmConfig, "agent_order", "random", "together, in_turn"),
    (AlgorithmConfig, "target_unit", "steps", "updates, episodes"),
    (AlgorithmConfig, "target_initialisation", "zero", "copy, independent"),
    (AlgorithmConfig, "clip_by", "global", "agent, tensor"),
    (AlgorithmConfig, "temperature", 0.0, "above 0"),
    (AlgorithmConfig, "temperature", INFINITE, "a finite number, such as 1.0"),
    (AlgorithmConfig, "gradient_clip", INFINITE, "a finite number, such as 10.0"),
    (AlgorithmConfig, "logit_regulariser", INFINITE, "a finite number, or left out"),
    (AlgorithmConfig, "noise", INFINITE, "a finite number, such as 0.4"),
    (AlgorithmConfig, "noise_final", INFINITE, "a finite number, or left out"),
    (AlgorithmConfig, "inference_entropy", INFINITE, "a finite number, such as 0.001"),
    (AlgorithmConfig, "gamma", 1.5, r"\[0, 1\]"),
    (AlgorithmConfig, "gamma", float("nan"), r"\[0, 1\]"),
    (AlgorithmConfig, "tau", 0.0, r"\(0, 1\]"),
    (AlgorithmConfig, "target_interval", 0, "at least 1"),
    (AlgorithmConfig, "actor_rate", 1.0, r"\[0, 1\)"),
    (AlgorithmConfig, "critic_rate", -0.1, r"\[0, 1\)"),
    (AlgorithmConfig, "gradient_clip", 0.0, "above 0"),
    (AlgorithmConfig, "logit_regulariser", -1.0, "at least 0"),
    (AlgorithmConfig, "noise", -0.2, "at least 0"),
    (AlgorithmConfig, "noise_final", -0.2, "at least 0"),
    (AlgorithmConfig, "noise_steps", 0, "at least 1"),
    (AlgorithmConfig, "value_after_death", "half", "zero, team"),
    (AlgorithmConfig, "inference_layers", (0,), "at least 1 unit"),
    (AlgorithmConfig, "actor_layers", (70_000,), "32 hidden layers, of 65_536 units each"),
    (AlgorithmConfig, "critic_layers", (70_000,), "32 hidden layers, of 65_536 units each"),
    (AlgorithmConfig, "inference_rate", 1.5, r"\[0, 1\)"),
    (AlgorithmConfig, "inference_entropy", -1e-3, "at least 0"),
    (AlgorithmConfig, "ensemble_size", 0, "between 1 and 64"),
    (AlgorithmConfig, "ensemble_size", 65, "between 1 and 64"),
    (AlgorithmConfig, "ensemble_index", "episode", "team, agent"),
    (AlgorithmConfig, "ensemble_target", "best", "recorded, drawn"),
    (TrainingConfig, "steps", 0, "between 1 and 2_000_000_000"),
    (TrainingConfig, "steps", 3_000_000_000, "between 1 and 2_000_000_000"),
    (TrainingConfig, "steps", 9_000, "warm-up alone takes 10000"),
    (TrainingConfig, "seeds", 0, "between 1 and"),
    (TrainingConfig, "seed", -1, "between 0 and 1_999_999_999"),
    (TrainingConfig, "environments", 0, "between 1 and"),
    (TrainingConfig, "environments", 1_500_000, "warm-up takes all rounds"),
    (TrainingConfig, "environments", 1_999_999_999, "warm-up takes all rounds"),
    (TrainingConfig, "collect", 0, "between 1 and"),
    (TrainingConfig, "updates", 0, "between 1 and"),
    (TrainingConfig, "batch_size", 0, "between 1 and"),
    (TrainingConfig, "replay_capacity", 0, "between 1 and"),
    (TrainingConfig, "warmup_steps", 0, "at least 1"),
    (TrainingConfig, "warmup_policy", "scripted", "random, policy"),
    (TrainingConfig, "log_interval", 0, "between 1 and"),
    (TrainingConfig, "evaluation_interval", -1, "at least 0"),
    (TrainingConfig, "evaluation_episodes", 0, "between 1 and"),
    (HostConfig, "workers", -1, "between 0 and 1024"),
    (HostConfig, "workers", 1025, "between 0 and 1024"),
    (HostConfig, "time_limit", 0, "at least 1"),
    (HostConfig, "step_timeout", 0.0, "above 0"),
    (HostConfig, "step_timeout", float("inf"), "at most a million seconds"),
    (HostConfig, "step_timeout", float("nan"), "above 0"),
    (HostConfig, "max_faults", -1, "at least 0"),
]


@pytest.mark.parametrize(("table", "name", "value", "rule"), REFUSED, ids=[f"{name}={value}" for _, name, value, _ in REFUSED])
def test_a_refusal_names_the_field_the_value_and_the_rule(table, name, value, rule):
    with pytest.raises(ValueError, match=rule) as refusal:
        table(**{name: value})

    culprit = "steps = 1500000" if "all rounds" in rule else f"{name} = {value!r}"
    assert str(refusal.value).startswith(culprit)


def test_a_channels_noise_is_finite():
    with pytest.raises(ValueError, match=r"^channel_noise = inf: must be a finite number, such as 0.0"):
        ChannelConfig(channel_senders=("all",), channel_kind="continuous", channel_noise=INFINITE)


def test_every_field_that_is_checked_has_a_refusal_above():
    free = {"twin_critics", "inference"}  # bools: nothing to refuse

    for table in (AlgorithmConfig, TrainingConfig, HostConfig):
        assert {item.name for item in fields(table)} - free == {name for refused, name, _, _ in REFUSED if refused is table}


def test_worker_processes_are_as_many_as_cores_that_may_be_used_unless_somebody_says(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {1, 4, 6}, raising=False)
    assert HostConfig().worker_count == 3
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    assert HostConfig().worker_count == os.cpu_count()
    assert HostConfig(workers=0).worker_count == 0
    assert HostConfig(workers=1024, time_limit=1, step_timeout=1e6, max_faults=0).worker_count == 1024


def test_counters_stay_within_32_bits():
    with pytest.raises(ValueError, match="all rounds take 2800000000 steps"):
        TrainingConfig(steps=2_000_000_000, environments=1_400_000_000)
    with pytest.raises(ValueError, match=r"^updates = 200000: all rounds take 3000000000 updates: at most 2_000_000_000"):
        TrainingConfig(updates=200_000)
    assert TrainingConfig(updates=100_000).most_rounds == 20_000


def test_noise_that_does_not_decay_takes_no_steps_for_it():
    with pytest.raises(ValueError, match=r"^noise_steps = 100: says how long noise decays, and it does not; give noise_final too"):
        AlgorithmConfig(noise_steps=100)
    teams = {"good": TeamConfig(noise_steps=100)}

    with pytest.raises(ValueError, match=r"^noise_steps = 100: says how long"):
        build(Config("simple_push", teams=teams))
    decaying = build(Config("simple_push", algorithm=AlgorithmConfig(noise_final=0.1), teams=teams))
    assert decaying.hyper.noise_steps.tolist() == [500_000, 100]


def test_an_unknown_setting_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"unknown setting of algorithm 'gama'; did you mean 'gamma'\? Known: .*actor_rate"):
        from_dict({"environment": "simple", "algorithm": {"gama": 0.9}})
    with pytest.raises(ValueError, match="unknown setting 'trainig'; did you mean 'training'"):
        from_dict({"environment": "simple", "trainig": {}})


def test_a_name_like_no_other_gets_the_list_alone():
    assert unknown_name("colour", "xyzzy", ["red", "green"]) == "unknown colour 'xyzzy'. Known: red, green"


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "environment is missing"),
        ({"environment": 3}, "environment is missing"),
        ({"environment": "simple", "algorithm": 3}, "algorithm = 3: it must be a table"),
        ({"environment": "simple", "algorithm": {"gamma": "high"}}, "algorithm.gamma = 'high': it must be a number"),
        ({"environment": "simple", "algorithm": {"gamma": True}}, "algorithm.gamma = True: it must be a number"),
        ({"environment": "simple", "algorithm": {"gamma": None}}, "algorithm.gamma = None: it must be a number"),
        ({"environment": "simple", "algorithm": {"twin_critics": 1}}, "algorithm.twin_critics = 1: it must be true or false"),
        ({"environment": "simple", "algorithm": {"actor_layers": 64}}, "algorithm.actor_layers = 64: it must be a list"),
        ({"environment": "simple", "algorithm": {"clip_by": "me"}}, "algorithm.clip_by = 'me': it must be one of agent, tensor"),
        ({"environment": "simple", "training": {"steps": 1.5}}, "training.steps = 1.5: it must be a whole number"),
        ({"environment": "simple", "training": {"seeds": True}}, "training.seeds = True: it must be a whole number"),
        ({"environment": "simple", "training": {"seeds": [0] * 50}}, "training.seeds = [0, 0, 0, 0, 0, 0, ...]: it must be a whole number"),
        ({"environment": "simple", "training": True}, "training = True: it must be a table"),
        ({"environment": "simple", "teams": [1]}, "teams = [1]: it must be a table"),
        ({"environment": "simple", "teams": {"a": 3}}, "teams.a = 3: it must be a table"),
        ({"environment": "simple", "teams": {"a\nb": {}}}, r"teams: 'a\nb' is no name"),
        ({"environment": "simple", "arguments": {"a\nb": 1}}, r"arguments: 'a\nb' is no name of an argument"),
        ({"environment": "simple", "arguments": {"a" * 101: 1}}, f"arguments: '{'a' * 101}' is no name of an argument"),
        ({"environment": "a\nb"}, r"environment = 'a\nb': must be a name"),
        ({"environment": "a" * 201}, f"environment = '{'a' * 97}"),
    ],
)
def test_what_is_read_is_checked(tables, message):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  the message is compared whole
        from_dict(tables)

    assert message in str(refusal.value)


@pytest.mark.parametrize("value", [10**400, -(10**400), 2**1024])
def test_a_whole_number_beyond_all_floats_is_refused(value):
    with pytest.raises(ValueError, match=r"algorithm.gamma = -?\d+\.\.\.\d+: it must be a number"):
        from_dict({"environment": "simple", "algorithm": {"gamma": value}})


def test_there_may_be_so_many_layers_and_no_more():
    assert AlgorithmConfig(actor_layers=(1,) * 32).actor_layers == (1,) * 32
    with pytest.raises(ValueError, match=r"actor_layers = \(1, 1, 1, 1, 1, 1, ...\): there may be 32 hidden layers"):
        AlgorithmConfig(actor_layers=(1,) * 33)


def test_whole_numbers_may_be_written_as_floats_and_floats_as_whole_numbers():
    config = from_dict({"environment": "simple", "training": {"steps": 1.5e6}, "algorithm": {"gamma": 1}})

    assert config.training.steps == 1_500_000
    assert isinstance(config.training.steps, int)
    assert isinstance(config.algorithm.gamma, float)


def test_merging_replaces_what_is_given_and_leaves_the_rest():
    base = preset("paper", "simple_tag")

    merged = merge(base, {"algorithm": {"gamma": 0.5}})

    assert merged == replace(base, algorithm=replace(base.algorithm, gamma=0.5))


algorithms = some.builds(
    AlgorithmConfig,
    actor_layers=some.lists(some.integers(1, 512), max_size=3).map(tuple),
    critic_view=some.sampled_from(["all", "team", "own"]),
    twin_critics=some.booleans(),
    gamma=some.floats(0, 1),
    gradient_clip=some.none() | some.floats(1e-6, 1e6),
    noise_final=some.none() | some.floats(0, 1),
)
trainings = some.builds(TrainingConfig, steps=some.integers(100_000, 10**9), seeds=some.integers(1, 100), seed=some.integers(0, 2**30))
worlds = some.builds(WorldConfig, action_mode=some.sampled_from([None, "box", "discrete"]), agents=some.none() | some.integers(1, 9))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(base=some.sampled_from(["tuned", "paper"]), world=worlds, algorithm=algorithms, training=trainings)
def test_comes_back_from_json_as_it_went(base, world, algorithm, training):
    preset_config = preset(base, "simple_tag")
    for config in (preset_config, replace(preset_config, world=world, algorithm=algorithm, training=training)):
        assert from_dict(json.loads(json.dumps(to_dict(config)))) == config


def test_a_run_is_whole_rounds():
    training = TrainingConfig(steps=1_001, warmup_steps=150, environments=10, collect=5, replay_capacity=320)

    assert (training.round_steps, training.rounds, training.warmup_rounds, training.replay_rows) == (50, 21, 3, 350)


def test_the_replay_is_no_larger_than_the_run_fills():
    training = TrainingConfig(steps=20_050, environments=100, replay_capacity=1_000_050)

    assert (training.replay_rows, training.most_replay_rows) == (20_100, 1_000_100)


RELEASED_CODE = {
    # openai/maddpg, train.py's defaults and maddpg/trainer/maddpg.py
    "actor_layers": (64, 64),
    "critic_layers": (64, 64),
    "critic_input": "observations",
    "critic_view": "all",
    "twin_critics": False,
    "estimator": "soft",
    "temperature": 1.0,
    "others_actions": "replay",
    "minibatch": "per_agent",
    "gamma": 0.95,
    "tau": 0.01,
    "target_interval": 1,
    "target_initialisation": "independent",
    "actor_rate": 1e-2,
    "critic_rate": 1e-2,
    "gradient_clip": 0.5,
    "clip_by": "tensor",
    "logit_regulariser": 1e-3,
}


def test_the_preset_paper_is_the_released_code():
    config = preset("paper", "simple_spread")

    assert {name: getattr(config.algorithm, name) for name in RELEASED_CODE} == RELEASED_CODE
    training = config.training
    assert training.round_steps / training.updates == 100  # one update of each agent for every hundred steps
    assert training.batch_size == 1024
    assert training.replay_capacity == 1_000_000
    assert training.warmup_steps == 1024 * 25  # a replay of batch * max_episode_len
    assert training.warmup_policy == "policy"  # it never acts at random
    assert training.steps == 60_000 * 25
    assert config.world.episode_length == 25


def test_the_preset_tuned_is_the_defaults():
    assert preset("tuned", "simple") == Config("simple")


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="preset 'best': it must be tuned or paper"):
        preset("best", "simple")
