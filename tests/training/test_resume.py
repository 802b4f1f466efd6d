"""A run that is stopped and goes on is the run that was never stopped."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass, replace

import jax
import numpy as np
import pytest

from maddpg.config import AlgorithmConfig, ChannelConfig, CheckpointConfig, Config, RewardDesignConfig, TrainingConfig, WorldConfig
from maddpg.environments.registry import resolve
from maddpg.storage import checkpoint
from maddpg.storage.arrays import named_leaves, read_metadata
from maddpg.storage.run_folder import RunFolder
from maddpg.training import pace
from maddpg.training.build import build
from maddpg.training.run import NotSaved, Run, train
from tests.host_worlds import Make, make_parts

TRAINING = TrainingConfig(
    steps=600,
    environments=10,
    batch_size=16,
    replay_capacity=400,  # so that the ring goes round
    warmup_steps=100,
    log_interval=70,
    evaluation_interval=150,
    evaluation_episodes=4,
)
SMALL = AlgorithmConfig(actor_layers=(8,), critic_layers=(8,))
CONFIG = resolve(Config("simple_speaker_listener", algorithm=SMALL, training=TRAINING))
OFTEN = CheckpointConfig(checkpoint_minutes=None, checkpoint_steps=130)
RUNS = {
    "plain": CONFIG,
    "seeds, ensembles, models": replace(
        CONFIG,
        algorithm=replace(SMALL, ensemble_size=2, inference=True, inference_layers=(8,)),
        training=replace(TRAINING, seeds=2, replay_capacity=500),
    ),
    "episodes, rewards, channel": resolve(
        replace(
            Config("simple_spread", world=WorldConfig(action_mode="discrete"), training=TRAINING),
            algorithm=replace(SMALL, target_unit="episodes", target_interval=3, tau=1.0, agent_order="in_turn", minibatch="per_agent"),
            reward_design=RewardDesignConfig(reward_sharing="team_mean"),
            channel=ChannelConfig(channel_senders=("all",)),
        )
    ),
}


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    monkeypatch.setattr(pace, "CHUNK_SECONDS", 1e-3)


def until(steps: int):
    """Whether a run is to stop: from so many steps on."""
    told = []
    return (lambda progress: told.append(progress.steps)), lambda: bool(told) and told[-1] >= steps


def stop_at(parts, folder: RunFolder, steps: int, resume: bool = False, often: CheckpointConfig = OFTEN) -> list[str]:
    """Train until then, and end without any farewell, as a killed process does. What was said."""
    said: list[str] = []
    folder.path.mkdir(exist_ok=True)
    tell, stop = until(steps)
    run = Run(parts, folder, tell, checkpoints=often, say=said.append, resume=resume)
    said += [f"resumed at step {run.rounds * parts.config.training.round_steps}"] * resume
    # A process that is killed writes no checkpoint when it ends.
    write_down = run._write_down
    run._write_down = lambda state, last: write_down(state, last and run.rounds == parts.config.training.rounds)
    run.advance(parts.config.training.rounds, stop)
    run.stage.close()
    parts.loop.close()
    return said


def left(folder: RunFolder) -> dict:
    """All that a run leaves for its reader."""
    return {path.name: path.read_bytes() for path in (folder.metrics, folder.parameters, folder.best) if path.exists()}


def ended(parts, folder: RunFolder, often: CheckpointConfig | None = OFTEN, resume: bool = True) -> tuple[dict, list[str]]:
    said: list[str] = []
    folder.path.mkdir(exist_ok=True)
    result = train(parts, folder, checkpoints=often, say=said.append, resume=resume)
    result.close()
    state = {name: np.asarray(leaf) for name, leaf in named_leaves(result.learner).items()}
    return {**left(folder), **state}, said


def assert_same(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, bytes):
            assert value == other[name], name
        else:
            np.testing.assert_array_equal(value, other[name], err_msg=name)


@pytest.fixture(scope="module", params=list(RUNS))
def unbroken(request, tmp_path_factory):
    config = RUNS[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pace, "CHUNK_SECONDS", 1e-3)
        return config, ended(build(config), RunFolder(tmp_path_factory.mktemp("whole")), None, resume=False)[0]


def test_a_run_that_is_killed_three_times_is_the_run_that_was_not(unbroken, tmp_path):
    config, whole = unbroken
    folder = RunFolder(tmp_path)

    stop_at(build(config), folder, 90)  # before the first checkpoint
    first = stop_at(build(config), folder, 310, resume=True)
    second = stop_at(build(config), folder, 500, resume=True)
    again, third = ended(build(config), folder)

    assert [said[-1] for said in (first, second, third)] == [
        "resumed at step 0",
        "resumed at step 260",
        "resumed at step 390",
    ]
    assert_same(again, whole)


def test_a_run_that_is_asked_to_stop_goes_on_where_it_was(unbroken, tmp_path):
    """The lines of its early end are not there in the end."""
    config, whole = unbroken
    tell, stop = until(333)
    run = Run(build(config), RunFolder(tmp_path), tell, checkpoints=OFTEN)
    run.advance(config.training.rounds, stop)
    run.close()
    stopped = run.rounds * 10

    again, said = ended(build(config), RunFolder(tmp_path))

    assert said == [f"resumed at step {stopped}"]
    assert 333 <= stopped < 600
    assert_same(again, whole)


def test_a_finished_run_can_be_trained_for_longer(unbroken, tmp_path):
    """Also where its replay was as large as it was long: then it grows."""
    config, whole = unbroken
    shorter = replace(config, training=replace(config.training, steps=330))
    ended(build(shorter), RunFolder(tmp_path), resume=False)
    RunFolder(tmp_path).evaluation.write_text("of the first end")

    again, said = ended(build(config), RunFolder(tmp_path))

    assert said == ["resumed at step 330"]
    assert (tmp_path / "evaluation-330.json").read_text() == "of the first end"
    assert not RunFolder(tmp_path).evaluation.exists()
    assert RunFolder(tmp_path).read_config() == config
    assert_same(again, whole)


def test_an_environment_in_python_is_put_back_where_it_was(tmp_path):
    training = replace(TRAINING, steps=400, seeds=2, replay_capacity=200)
    whole, _ = ended(make_parts(Make(), training=training), RunFolder(tmp_path / "whole"), None, resume=False)
    folder = RunFolder(tmp_path / "broken")
    stop_at(make_parts(Make(), training=training), folder, 150, often=replace(OFTEN, checkpoint_steps=70))

    again, said = ended(make_parts(Make(), training=training), folder)

    assert said == ["resumed at step 140"]
    assert_same(again, whole)


@dataclass(frozen=True)
class MakeRestless(Make):
    """Coins that fall as they like, whatever the seed."""

    def __call__(self):
        made = super().__call__()
        begin = made.reset
        made.reset = lambda seed: begin(int.from_bytes(os.urandom(3)))
        return made


def test_an_environment_that_cannot_be_put_back_is_counted(tmp_path):
    training = replace(TRAINING, steps=400, environments=20)
    stop_at(make_parts(MakeRestless(), training=training), RunFolder(tmp_path), 310, often=replace(OFTEN, checkpoint_steps=100))

    parts, said = make_parts(MakeRestless(), training=training), []
    run = Run(parts, RunFolder(tmp_path), checkpoints=OFTEN, say=said.append, resume=True)

    count = int(said[0].split()[0])
    assert 0 < count <= 20
    assert said[0].startswith(
        f"{count} of 20 environments are not where they were: with the same seed and actions they did something else."
    )
    elsewhere = ~np.asarray(run._run.whole[0])
    assert elsewhere.sum() >= count
    assert not np.asarray(run._run.episode_return)[0, elsewhere].any()
    np.testing.assert_array_equal(run._run.observation[0], parts.loop._vectors[0]._crew.block.observation)
    run.advance(run.rounds + 1)
    under_way = elsewhere & (np.asarray(run._run.observation)[0, :, 0, 1] > 0)
    assert under_way.any()
    assert not np.asarray(run._run.whole)[0, under_way].any(), "what they return in the end does not count"
    run.advance(training.rounds)
    assert run.rounds == 20
    run.close()


# Without all of it ---------------------------------------------------------------------------------------------------------------


def lose_replay(monkeypatch):
    """From now on checkpoints are as if they had been written without it, by a version that kept its rings all the same."""
    read = checkpoint.CheckpointFolder.read
    monkeypatch.setattr(checkpoint.CheckpointFolder, "read", lambda self, rounds: replace(read(self, rounds), replay=None))


@pytest.mark.parametrize("with_rings", [False, True])
def test_without_its_replay_a_run_fills_it_again(with_rings, tmp_path, monkeypatch):
    """Also where it is to train for longer, and its replay has become larger."""
    config = RUNS["seeds, ensembles, models"]
    config = replace(config, training=replace(config.training, replay_capacity=1_000))
    folder, often = RunFolder(tmp_path), replace(OFTEN, checkpoint_replay=with_rings)
    stop_at(build(config), folder, 480, often=often)
    assert any(folder.checkpoints.glob("replay-*")) == with_rings
    lose_replay(monkeypatch)

    parts, said = build(replace(config, training=replace(config.training, steps=700))), []
    run = Run(parts, folder, checkpoints=often, say=said.append, resume=True)
    before = jax.device_get(run.networks())
    run.advance(49)

    assert said == ["the checkpoint has no replay: 100 steps are played without learning, to fill it again"]
    jax.tree.map(np.testing.assert_array_equal, before, jax.device_get(run.networks()))
    assert run._run.replay.shape[1] == 700
    rows, rings = np.asarray(run._run.replay), jax.device_get(run._run.rings)
    added = 490
    for replay in rows:
        assert len({row.tobytes() for row in replay[:added]}) == 100  # and all others are copies of those
        assert replay[:added].any(axis=1).all()
    assert (rings.alive.sum(axis=2) == added).all()
    run.advance(70)
    assert run.rounds == 70
    assert not jax.tree.all(jax.tree.map(np.array_equal, before, jax.device_get(run.networks())))
    run.close()


def test_a_run_that_ends_before_its_replay_is_full_again_still_ends(tmp_path):
    folder, often = RunFolder(tmp_path), replace(OFTEN, checkpoint_replay=False)
    stop_at(build(CONFIG), folder, 540, often=often)

    first, said = ended(build(CONFIG), folder, often)

    reason = "the checkpoint has no replay, and no more steps are left than would fill it again: nothing more is learned"
    assert said == [reason, "resumed at step 520"]
    lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert [(line["kind"], line["steps"]) for line in lines][-2:] == [("evaluation", 600), ("training", 600)]
    assert (folder.checkpoints / "checkpoint-000000000060.json").is_file()
    assert read_metadata(folder.parameters)["steps"] == "600"

    again, said = ended(build(CONFIG), folder, often)
    assert said == ["resumed at step 600"]
    assert_same(again, first)


def test_a_replay_of_a_run_whose_end_was_open_fits_into_that_of_one_with_an_end(tmp_path):
    """Whoever goes on with a model by `maddpg resume` has a smaller ring, if the run is short."""
    training = replace(TRAINING, steps=250)
    config = replace(CONFIG, algorithm=replace(SMALL, ensemble_size=2), training=training)
    whole, _ = ended(build(config), RunFolder(tmp_path / "whole"), None, resume=False)
    folder, parts = RunFolder(tmp_path / "broken"), build(config, open_ended=True)
    stop_at(parts, folder, 150)
    assert (parts.loop.store.rows, build(config).loop.store.rows) == (400, 250)

    again, said = ended(build(config), folder)

    assert said == ["resumed at step 130"]
    assert_same(again, whole)


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    parts = build(CONFIG)
    whole, _ = ended(parts, RunFolder(tmp_path / "whole"), None, resume=False)
    folder = RunFolder(tmp_path / "broken")
    stop_at(build(CONFIG), folder, 450)
    newest = folder.checkpoints / "state-000000000039.safetensors"
    content = bytearray(newest.read_bytes())
    content[-20] ^= 1
    newest.write_bytes(content)

    again, said = ended(build(CONFIG), folder)

    assert said == [f"a checkpoint cannot be used: {newest} is damaged: its checksum is wrong", "resumed at step 260"]
    assert_same(again, whole)


def test_where_every_checkpoint_is_damaged_nothing_is_begun_anew(tmp_path):
    """It would write over the metrics, and over the best networks."""
    folder = RunFolder(tmp_path)
    stop_at(build(CONFIG), folder, 450)
    for path in folder.checkpoints.glob("state-*"):
        path.write_bytes(path.read_bytes()[:-1])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    with pytest.raises(
        ValueError, match=r"^a checkpoint cannot be used: .*state-000000000039\..* bytes of .*: delete that folder to begin"
    ):
        train(build(CONFIG), folder, checkpoints=OFTEN, resume=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rounds": np.int32(2_000_000_000)}, "it is of 26 rounds, and its state of 2000000000"),
        ({"added": 250}, "its replay has had 250 transitions, and the run 260"),
        ({"capacity": 100}, "its replay had 100 rows for 260 transitions, and this run's has 400"),
        ({"capacity": 4000}, r"its replay is \[1, 4000, .*\], and this run's \[1, 400, "),
        ({"journal": {}}, "its journal is damaged: KeyError.'best'"),
    ],
)
def test_a_checkpoint_that_contradicts_itself_is_damaged(change, message, tmp_path, monkeypatch):
    """Its checksums are right: somebody, or another program, wrote it so."""
    folder = RunFolder(tmp_path)
    save = checkpoint.CheckpointFolder.save

    def save_wrong(self, rounds, state, replay, about):
        state = {**state, "run/rounds": change.get("rounds", state["run/rounds"])}
        about = {**about, "journal": change.get("journal", about["journal"])}
        save(self, rounds, state, replay, about)

    monkeypatch.setattr(checkpoint.CheckpointFolder, "save", save_wrong)
    stop_at(build(CONFIG), folder, 310)
    monkeypatch.undo()
    read = checkpoint.CheckpointFolder.read
    numbers = {name: value for name, value in change.items() if name in ("added", "capacity")}

    def read_wrong(self, rounds):
        manifest = read(self, rounds)
        return replace(manifest, replay=replace(manifest.replay, **numbers))

    monkeypatch.setattr(checkpoint.CheckpointFolder, "read", read_wrong)

    with pytest.raises(ValueError, match=rf"^a checkpoint cannot be used: .*checkpoints, 26 rounds: {message}"):
        train(build(CONFIG), folder, checkpoints=OFTEN, resume=True)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    stop_at(build(CONFIG), RunFolder(tmp_path), 300)
    other = replace(CONFIG, algorithm=replace(SMALL, gamma=0.5))

    with pytest.raises(ValueError, match=r"checkpoints is of a run with other settings than simple_speaker_listener's in config.json"):
        train(build(other), RunFolder(tmp_path), checkpoints=OFTEN, resume=True)


def test_on_another_machine_it_says_that_bits_may_differ(tmp_path, monkeypatch):
    stop_at(build(CONFIG), RunFolder(tmp_path), 300)
    here = checkpoint_machine()
    monkeypatch.setattr("maddpg.training.checkpointing.machine", lambda: {**here, "jax": "9.9.9"})

    said = stop_at(build(CONFIG), RunFolder(tmp_path), 310, resume=True)

    assert said[0] == f"bits may differ from the run that was never stopped: jax was {here['jax']}, is 9.9.9"


def checkpoint_machine():
    from maddpg.storage.run_folder import machine

    return machine()


# Disks ---------------------------------------------------------------------------------------------------------------------------


def test_a_full_disk_costs_a_checkpoint_and_not_the_run(tmp_path, monkeypatch):
    whole, _ = ended(build(CONFIG), RunFolder(tmp_path / "whole"), None, resume=False)
    write, full = checkpoint.write_bytes, []

    def fail_once(path, content):
        if path.name.startswith("state-") and not full:
            full.append(path)
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(checkpoint, "write_bytes", fail_once)
    again, said = ended(build(CONFIG), RunFolder(tmp_path / "full"), resume=False)

    assert said == ["a checkpoint could not be written at step 130 (No space left on device); training goes on"]
    assert_same(again, whole)


def test_what_was_learned_and_cannot_be_saved_is_said(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("maddpg.training.run.save_tree", fail)
    with pytest.raises(NotSaved, match=r"parameters.safetensors could not be written \(No space left on device\); `maddpg resume` goes on"):
        train(build(CONFIG), RunFolder(tmp_path), checkpoints=OFTEN)
