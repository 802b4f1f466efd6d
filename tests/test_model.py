"""The face for Python: learn, predict, evaluate, save, load."""

from __future__ import annotations

import inspect
import json
import shutil
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from gymnasium import spaces
from pettingzoo import ParallelEnv

import maddpg
from maddpg import (
    MADDPG,
    AlgorithmConfig,
    ChannelConfig,
    CheckpointConfig,
    Config,
    HostConfig,
    TeamConfig,
    TrainingConfig,
    WorldConfig,
    preset,
)
from maddpg.environments.contract import Environment
from maddpg.environments.registry import make_environment, resolve
from maddpg.environments.translation import Translator
from maddpg.storage.arrays import named_leaves, read_metadata, save_tree
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import build
from maddpg.training.run import train
from maddpg.types import Availability

SMALL = Config(
    "",
    algorithm=AlgorithmConfig(actor_layers=(8,), critic_layers=(8,)),
    training=TrainingConfig(
        environments=10,
        batch_size=32,
        replay_capacity=2_000,
        warmup_steps=50,
        log_interval=100,
        evaluation_interval=0,
        evaluation_episodes=20,
    ),
)

WARMING_UP = "learn ended inside the warm-up, which takes 50 steps: nothing was learned yet; give learn more steps, or MADDPG a smaller"


class Matching(ParallelEnv):
    """Two agents choose among three; both are paid if they choose alike, more for the third. The first sees a constant."""

    def __init__(self, pay: float = 1.0) -> None:
        self.possible_agents = ["row", "column"]
        self.max_cycles = 3
        self.pay = pay

    def observation_space(self, agent):
        return spaces.Discrete(2, start=1)

    def action_space(self, agent):
        return spaces.Discrete(3, start=5)

    def reset(self, seed=None, options=None):
        self.agents, self.clock = list(self.possible_agents), 0
        return dict.fromkeys(self.agents, 1), {agent: {} for agent in self.agents}

    def step(self, actions):
        self.clock += 1
        assert all(5 <= action <= 7 for action in actions.values())
        reward = self.pay * (actions["row"] - 4) * (actions["row"] == actions["column"])
        everyone, late = self.agents, self.clock == self.max_cycles
        self.agents = [] if late else everyone
        seen = dict.fromkeys(everyone, 1)
        return seen, dict.fromkeys(everyone, reward), dict.fromkeys(everyone, False), dict.fromkeys(everyone, late), {}


@pytest.fixture(scope="module")
def spread():
    return MADDPG("simple_spread", replace(SMALL, training=replace(SMALL.training, seeds=2)), seed=3).learn(300)


def observations(model, value=0.1):
    return {name: np.full(18, value, np.float32) for name in model.agents}


def test_learning_goes_on_where_it_stopped(spread):
    before = jax.device_get(spread.networks["actor"])

    spread.learn(95)

    assert spread.steps == 400  # whole rounds of 10
    assert not jax.tree.all(jax.tree.map(np.array_equal, before, jax.device_get(spread.networks["actor"])))
    lines = [json.loads(line) for line in (spread.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["steps"] for line in lines if line["seed"] == 3] == [100, 200, 300, 400]


def test_two_pieces_are_the_same_as_one():
    whole, pieces = (MADDPG("simple", SMALL, seed=1) for _ in range(2))

    whole.learn(200)
    pieces.learn(80).learn(120)

    jax.tree.map(np.testing.assert_array_equal, jax.device_get(whole.networks), jax.device_get(pieces.networks))


def test_a_callback_hears_of_progress_and_ends_learning():
    model, heard = MADDPG("simple", SMALL), []

    def callback(same, progress):
        assert same is model
        heard.append(progress)
        return progress.steps < 100

    model.learn(10_000, callback)

    assert heard[0].phase == "compiling"
    assert heard[-1].steps == model.steps >= 100
    assert model.steps < 10_000
    assert all(progress.total == 10_000 for progress in heard)


def test_predictions_are_by_name_and_by_seed(spread):
    actions = spread.predict(observations(spread))

    assert set(actions) == set(spread.agents)
    assert all(action.shape == (5,) for action in actions.values())
    assert all(((action >= 0) & (action <= 1)).all() for action in actions.values())
    again, other = spread.predict(observations(spread)), spread.predict(observations(spread), seed=4)
    jax.tree.map(np.testing.assert_array_equal, actions, again)
    assert not np.array_equal(actions["agent_0"], other["agent_0"])
    assert set(spread.predict({"agent_1": np.zeros(18)})) == {"agent_1"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"agent_9": np.zeros(18)}, "unknown agent 'agent_9'; did you mean 'agent_"),
        ({"agent_0": np.zeros(17)}, r"agent_0: the observation has shape \(17,\); it must have \(18,\)"),
    ],
)
def test_what_does_not_fit_is_refused(spread, given, message):
    with pytest.raises(ValueError, match=message):
        spread.predict(given)


def test_a_seed_that_was_not_trained_is_refused(spread):
    with pytest.raises(ValueError, match="seed = 9: this was trained with 3, 4"):
        spread.predict(observations(spread), seed=9)


def test_what_is_saved_is_what_is_loaded(spread, tmp_path):
    spread.save(tmp_path / "run")
    loaded = MADDPG.load(tmp_path / "run")

    jax.tree.map(np.testing.assert_array_equal, jax.device_get(spread.networks), jax.device_get(loaded.networks))
    jax.tree.map(np.testing.assert_array_equal, spread.predict(observations(spread)), loaded.predict(observations(spread)))
    assert (tmp_path / "run" / "metrics.jsonl").is_file()
    with pytest.raises(ValueError, match="is not empty"):
        spread.save(tmp_path / "run")


def test_a_loaded_run_goes_on_from_its_networks(spread, tmp_path):
    spread.save(tmp_path / "run")
    loaded = MADDPG.load(tmp_path / "run")
    before = jax.device_get(loaded.networks)

    with pytest.warns(UserWarning, match=WARMING_UP):
        loaded.learn(50)

    jax.tree.map(np.testing.assert_array_equal, before, jax.device_get(loaded.networks))


def test_a_loaded_run_has_a_whole_replay_to_learn_on_with(spread, tmp_path):
    spread.save(tmp_path / "run")
    save_tree(tmp_path / "run" / "parameters.safetensors", spread.networks)  # as if nobody had noted for how long they were trained

    loaded = MADDPG.load(tmp_path / "run")

    assert loaded.parts.loop.store.replay.capacity == spread.parts.loop.store.replay.capacity == SMALL.training.replay_capacity
    assert loaded._trained_steps == (spread.steps, spread.steps)


def test_a_loaded_run_counts_the_steps_from_before(spread, tmp_path):
    spread.save(tmp_path / "run")
    before = spread.steps

    MADDPG.load(tmp_path / "run").save(tmp_path / "saved")
    with MADDPG.load(tmp_path / "run", folder=tmp_path / "longer") as loaded, pytest.warns(UserWarning, match=WARMING_UP):
        loaded.learn(20)

    assert RunFolder(tmp_path / "saved").read_config().training.steps == before
    assert MADDPG.load(tmp_path / "saved")._trained_steps == (before, before)
    assert MADDPG.load(tmp_path / "longer")._trained_steps == (before + 20, before + 20)


def test_a_loaded_run_holds_its_frozen_team_itself(small_run, tmp_path):
    shutil.copytree(small_run, tmp_path / "team")
    config = replace(SMALL, teams={"adversary": TeamConfig(player="frozen", run=str(tmp_path / "team"))})
    MADDPG("simple_push", config, seed=1).save(tmp_path / "run")
    shutil.rmtree(tmp_path / "team")
    loaded = MADDPG.load(tmp_path / "run")
    before = jax.device_get(loaded.networks["actor"])

    loaded.learn(100)

    pairs = list(zip(jax.tree.leaves(before), jax.tree.leaves(jax.device_get(loaded.networks["actor"])), strict=True))
    assert all(np.array_equal(old[:, 0], new[:, 0]) for old, new in pairs)
    assert not any(np.array_equal(old[:, 1], new[:, 1]) for old, new in pairs)


def test_nobody_learns_for_longer_than_can_be_counted():
    with pytest.raises(ValueError, match=r"^steps = 3000000000: a run may take 2_000_000_000: counters live in 32 bits$"):
        MADDPG("simple", SMALL).learn(3_000_000_000, lambda *_: False)


def test_what_could_not_begin_does_not_hold_its_folder(tmp_path, monkeypatch):
    model = MADDPG("simple", SMALL, folder=tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr("maddpg.training.memory.available_bytes", lambda: 1_000)
        with pytest.raises(ValueError, match=r"this run needs 0\.00 GiB of memory"):
            model.learn(10)

    with pytest.warns(UserWarning, match=WARMING_UP):
        assert model.learn(10).steps == 10


@pytest.mark.parametrize("steps", ["a", None, 0, -3, 1.5, float("nan"), float("inf")])
def test_steps_that_are_no_steps_are_refused(steps):
    learn = inspect.unwrap(MADDPG.learn)  # without the check of types, which only tests have

    with pytest.raises(ValueError, match=rf"^steps = {steps!r}: it must be a whole number of at least 1$"):
        learn(MADDPG("simple", SMALL), steps)


def test_settings_are_given_by_name_as_flags_are():
    model = MADDPG("simple_tag", seed=3, gamma=0.95, critic_view="own", actor_layers=(8, 8), warmup_steps=2e3, adversaries=2)

    tuned = preset("tuned", "")
    assert model.config == resolve(
        replace(
            tuned,
            environment="simple_tag",
            algorithm=replace(tuned.algorithm, gamma=0.95, critic_view="own", actor_layers=(8, 8)),
            training=replace(tuned.training, seed=3, warmup_steps=2_000),
            world=replace(tuned.world, adversaries=2),
        )
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gama": 0.9}, r"^unknown setting 'gama'; did you mean 'gamma'\? `maddpg train --help` lists all, as flags$"),
        ({"zzz": 1}, r"^unknown setting 'zzz'\. `maddpg"),
        ({"gamma": 1.5}, r"^gamma = 1.5: must lie in \[0, 1\]$"),
        ({"gamma": "high"}, r"^gamma = 'high': it must be "),
        ({"critic_view": "mine"}, r"^critic_view = 'mine': it must be one of all, team, own$"),
        ({"steps": 100}, r"^steps = 100: a model learns for as long as it is told; give them to learn$"),
        ({"config": SMALL, "gamma": 0.9, "tau": 0.1}, r"^gamma, tau beside config: settings come from one of the two; put all into config"),
    ],
)
def test_settings_by_name_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        MADDPG("simple", **settings)


LOOKED_AT = {
    "on the device": ("simple", {}),
    "ensembles, and targets of their own": (
        "simple_push",
        {"algorithm": replace(SMALL.algorithm, ensemble_size=2, target_initialisation="independent")},
    ),
    "against a frozen team": ("simple_push", {"teams": {"adversary": TeamConfig(player="frozen", run="RUN")}}),
    "in Python": (Matching, {"host": HostConfig(workers=0)}),
}


@pytest.mark.parametrize(("env", "settings"), LOOKED_AT.values(), ids=LOOKED_AT.keys())
def test_networks_that_were_looked_at_are_those_that_learn(env, settings, small_run):
    config = replace(SMALL, **settings)
    config = replace(config, teams={name: replace(team, run=str(small_run)) for name, team in config.teams.items()})

    with MADDPG(env, config, seed=1) as looked, MADDPG(env, config, seed=1) as unseen:
        fresh = looked.networks
        with pytest.warns(UserWarning, match=WARMING_UP):
            unseen.learn(10)
        jax.tree.map(np.testing.assert_array_equal, jax.device_get(fresh), jax.device_get(unseen.networks))

        looked.learn(100)
        unseen.learn(90)
        jax.tree.map(np.testing.assert_array_equal, jax.device_get(looked.networks), jax.device_get(unseen.networks))
        assert not jax.tree.all(jax.tree.map(np.array_equal, jax.device_get(fresh), jax.device_get(looked.networks)))


def test_an_environment_of_ones_own_learns_what_pays_most(tmp_path):
    numbers = replace(SMALL.training, updates=4)
    with MADDPG(Matching, replace(SMALL, training=numbers, host=HostConfig(workers=0)), arguments={"pay": 2.0}, seed=0) as model:
        model.learn(1_500)
        evaluation = model.evaluate(episodes=20)
        assert model.predict({"row": 1, "column": 1}) == {"row": 7, "column": 7}
        drawn = [model.predict({"row": 1, "column": 1}, deterministic=False)["row"] for _ in range(5)]
        model.save(tmp_path / "run")

    scores = evaluation.seeds[0].agents
    assert scores["row"].mean == scores["column"].mean == 18.0  # 3 steps of 3 times the pay
    assert scores["row"].random < 9
    assert scores["row"].scripted is None
    assert set(drawn) <= {5, 6, 7}

    with pytest.raises(ValueError, match=r"given in Python; give it again: MADDPG.load\(path, env=...\)"):
        MADDPG.load(tmp_path / "run")
    with MADDPG.load(tmp_path / "run", env=Matching) as loaded:
        assert loaded.predict({"row": 1, "column": 1}) == {"row": 7, "column": 7}


def test_a_closed_model_learns_no_more_and_forgets_nothing(tmp_path):
    model = MADDPG("simple", SMALL, folder=tmp_path / "run").learn(100)
    model.close()
    model.close()

    assert model.steps == 100
    assert (tmp_path / "run" / "parameters.safetensors").is_file()
    with pytest.raises(ValueError, match="this model is closed"):
        model.learn(10)
    with pytest.raises(ValueError, match="is not empty"):
        MADDPG("simple", SMALL, folder=tmp_path / "run")


def test_forbidden_choices_are_not_predicted_on_the_device():
    world = make_environment(Config("simple", world=WorldConfig(action_mode="discrete")))
    assert isinstance(world, Environment)
    allowed = Availability(action_mask=jnp.ones((1, 5), bool))
    model = MADDPG(replace(world, spec=replace(world.spec, masked=True), availability=lambda _: allowed), SMALL)
    seen = {"agent_0": np.zeros(4, np.float32)}
    liked = model.predict(seen)["agent_0"]

    other = model.predict(seen, infos={"agent_0": {"action_mask": liked == 0}})["agent_0"]

    assert other.sum() == 1
    assert not (other * liked).any()
    with pytest.raises(ValueError, match=r"the action mask has shape \(3,\); it must have \(5,\)"):
        model.predict(seen, infos={"agent_0": {"action_mask": [1, 1, 1]}})
    with pytest.raises(ValueError, match="sub_policy = 3: it must be average, or a number from 0 to 0"):
        model.predict(seen, sub_policy=3)


def test_an_object_where_a_function_is_needed_is_refused():
    with pytest.raises(ValueError, match=r"env is a Matching: .*lambda: Matching\(\)"):
        MADDPG(Matching())


def test_another_environment_than_the_runs_is_refused(spread, tmp_path):
    spread.save(tmp_path / "run")

    with pytest.raises(ValueError, match="this run was trained on simple_spread; give that, or leave it out"):
        MADDPG.load(tmp_path / "run", env="simple_tag")


def test_the_package_has_no_other_names():
    with pytest.raises(AttributeError, match="no attribute 'MADPG'"):
        _ = maddpg.MADPG


def test_actors_leave_the_house_with_what_they_learned(tmp_path):
    model = MADDPG("simple", SMALL).learn(200)
    model.save(tmp_path / "run")
    model = MADDPG.load(tmp_path / "run").learn(100)
    seen = {"agent_0": np.array([0.1, 0.2, -0.3, 0.4], np.float32)}

    written = model.export(tmp_path / "actors")

    policy = maddpg.load_policy(tmp_path / "actors")
    assert policy["agent_0"].description.steps == 300
    np.testing.assert_allclose(policy.act(seen)["agent_0"], model.predict(seen)["agent_0"], atol=1e-6)
    assert written[0].parent == tmp_path / "actors"


def test_a_channel_goes_beside_what_an_environment_in_python_gives():
    talking = replace(SMALL, channel=ChannelConfig(channel_senders=("row",), channel_size=2))
    with MADDPG(Matching, talking, seed=0) as model:
        action = model.predict({"row": 1, "column": (1, np.array([0.0, 1.0]))})
        other = model.predict({"row": 1, "column": (1, np.array([1.0, 0.0]))})

        choice, message = action["row"]
        assert choice in (5, 6, 7)
        assert sorted(message) == [0, 1]
        assert action["column"] in (5, 6, 7)
        np.testing.assert_array_equal(other["row"][1], message)
        with pytest.raises(ValueError, match=r"^column hears messages: .* a tuple, the environment's own and 2 numbers of mail$"):
            model.predict({"row": 1, "column": 1})


def test_mail_is_seen_by_its_receiver():
    world = MADDPG(Matching, replace(SMALL, channel=ChannelConfig(channel_senders=("row",), channel_size=2))).parts.environment

    rows, there, _ = Translator(world).pack({"column": (1, np.array([0.25, 0.75]))}, {})

    np.testing.assert_array_equal(rows, [[0, 0, 0, 0], [1, 0, 0.25, 0.75]])
    np.testing.assert_array_equal(there, [False, True])


def test_a_model_goes_on_after_whatever_happened(tmp_path):
    config = replace(SMALL, training=replace(SMALL.training, seeds=2))
    with MADDPG("simple_push", config, seed=3).learn(300) as unbroken:
        expected = jax.device_get(unbroken.networks)
    first = MADDPG("simple_push", config, seed=3, folder=tmp_path / "run", checkpoints=CheckpointConfig(checkpoint_steps=100)).learn(120)
    with pytest.raises(ValueError, match=r"is being trained by another process"):
        MADDPG.resume(tmp_path / "run")
    first.close()

    with MADDPG.resume(tmp_path / "run") as second:
        assert second.steps == 120
        second.learn(180)

    jax.tree.map(np.testing.assert_array_equal, expected, jax.device_get(second.networks))
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["steps"] for line in lines if line["seed"] == 3] == [100, 200, 300]


def test_a_finished_run_stays_finished_until_it_learns_on(tmp_path):
    config = resolve(replace(SMALL, environment="simple", training=replace(SMALL.training, steps=150)))
    folder = RunFolder(tmp_path)
    train(build(config), folder, checkpoints=CheckpointConfig())
    folder.evaluation.write_text("of the end")
    files = (folder.config, folder.evaluation, folder.metrics, folder.parameters)
    before = [path.read_bytes() for path in files]

    MADDPG.resume(tmp_path).close()
    assert [path.read_bytes() for path in files] == before

    with MADDPG.resume(tmp_path) as model:
        assert model.parts.loop.store.rows == 2_000
        model.learn(50)
    assert folder.read_config() == replace(config, training=replace(config.training, steps=200))
    assert (tmp_path / "evaluation-150.json").read_text() == "of the end"
    assert not folder.evaluation.exists()


def test_without_a_folder_or_a_checkpoint_there_is_nothing_to_go_on_from(spread, tmp_path):
    with pytest.raises(ValueError, match=r"^checkpoints need a folder that stays: "):
        MADDPG("simple", SMALL, checkpoints=CheckpointConfig())
    spread.save(tmp_path / "saved")
    with pytest.raises(ValueError, match=r"saved has no checkpoint to go on from; MADDPG.load\('.*saved'\) learns on with its networks$"):
        MADDPG.resume(tmp_path / "saved")


def test_the_best_networks_are_loaded_where_they_are_asked_for(small_run):
    best = json.loads(read_metadata(small_run / "best.safetensors")["best"])
    last, chosen = MADDPG.load(small_run), MADDPG.load(small_run, best=True)

    assert chosen._trained_steps == tuple(best[str(seed)]["steps"] for seed in (3, 4))
    stored = safetensors.numpy.load_file(small_run / "best.safetensors")
    for name, leaf in named_leaves(chosen.networks).items():
        np.testing.assert_array_equal(leaf, stored[name])
    at_the_end = [seed for seed, about in best.items() if about["steps"] == 350]
    same = jax.tree.leaves(jax.tree.map(lambda a, b: (a == b).reshape(2, -1).all(axis=1), last.networks["actor"], chosen.networks["actor"]))
    np.testing.assert_array_equal(np.all(same, axis=0), [str(seed) in at_the_end for seed in (3, 4)])
