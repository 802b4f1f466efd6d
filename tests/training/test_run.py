"""A whole run: its files, how its work is cut, Ctrl-C and NaN."""

from __future__ import annotations

import json
import os
import signal
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import groupby

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file

from maddpg.storage.arrays import named_leaves, read_metadata
from maddpg.storage.run_folder import RunFolder
from maddpg.training import pace
from maddpg.training.build import build
from maddpg.training.fused import Fused
from maddpg.training.health import NotFinite
from maddpg.training.memory import required_bytes
from maddpg.training.plan import plan
from maddpg.training.run import train
from tests.runs import AGENTS, EVALUATIONS, LINES, ROUND, ROUNDS, SEEDS, WARM_UP


@dataclass
class Chunk:
    """One call of the compiled loop, and what it left."""

    learning: bool
    end: int  # rounds done
    length: int
    totals: object
    learner: dict  # the networks by name


@pytest.fixture(scope="module")
def config(small_run):
    return RunFolder(small_run).read_config()


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def networks(learner) -> dict[str, np.ndarray]:
    """What is saved of a learner, by name."""
    kept = {name: getattr(learner, name) for name in ("actor", "critic", "target_actor", "target_critic")}
    return {name: np.array(leaf) for name, leaf in named_leaves(kept).items()}


def watch(patch: pytest.MonkeyPatch, spoil=lambda chunk, run: run) -> list[Chunk]:
    """Note every chunk from now on; `spoil` may change what it leaves."""
    chunks = []

    def watching(learning, work):
        def watched(self, hyper, run, length):
            run = work(self, hyper, run, length)
            end = int(run.rounds)
            run = spoil(end, run)
            chunks.append(Chunk(learning, end, length, jax.device_get(run.totals), networks(run.learner)))
            return run

        return watched

    for name, learning in (("warm_up", False), ("train", True)):
        patch.setattr(Fused, name, watching(learning, getattr(Fused, name)))
    return chunks


@dataclass
class Watched:
    """A run in chunks as large as may be."""

    folder: RunFolder
    trained: object
    chunks: list[Chunk]
    told: list
    size: int  # bytes of its state


@pytest.fixture(scope="module")
def watched(config, tmp_path_factory):
    folder, told, sizes = RunFolder(tmp_path_factory.mktemp("watched")), [], []

    def measure(_, run):
        sizes.append(sum(leaf.nbytes for leaf in jax.tree.leaves(run)))
        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pace, "CHUNK_SECONDS", 1e9)
        chunks = watch(patch, measure)
        trained = train(build(config), folder, told.append)
    return Watched(folder, trained, chunks, told, sizes[0])


def lines(folder: RunFolder) -> list[dict]:
    return [json.loads(line) for line in folder.metrics.read_text().splitlines()]


# Files ---------------------------------------------------------------------------------------------------------------------------


def test_metrics_have_a_line_for_each_seed_at_each_boundary(watched):
    written = [(line["kind"], line["steps"], line["seed"]) for line in lines(watched.folder)]

    expected = []
    for steps in LINES:
        expected += [("training", steps, seed) for seed in SEEDS]
        if steps in EVALUATIONS:
            expected += [("evaluation", steps, seed) for seed in SEEDS]
    assert written == expected


def test_lines_of_metrics_name_every_agent(watched):
    for line in lines(watched.folder):
        tables = [value for value in line.values() if isinstance(value, dict)]
        assert tables
        for table in tables:
            by_agent = [table] if set(table) == set(AGENTS) else [value for value in table.values() if isinstance(value, dict)]
            for one in by_agent:
                assert tuple(one) == AGENTS
                assert all(np.isfinite(value) for value in one.values())


def test_lines_before_the_first_update_have_no_losses(watched):
    training = [line for line in lines(watched.folder) if line["kind"] == "training"]

    assert {line["steps"] for line in training if "critic_loss" not in line} == {100}
    assert [line["updates"] for line in training if line["seed"] == 4] == [0, 10, 30, 40]


def test_every_whole_episode_is_counted_once(watched):
    total = defaultdict(int)
    for line in lines(watched.folder):
        total[line["seed"]] += line.get("episodes", 0)

    ahead = np.arange(10) * 25 // 10  # environments start spread over an episode, all but one amid it
    assert total == dict.fromkeys(SEEDS, int(((ROUNDS + ahead) // 25 - (ahead > 0)).sum()))


def test_a_line_is_the_mean_over_its_interval(watched):
    """Against the sums on the device, divided here by counts that follow from the configuration alone."""
    sums = {chunk.end * ROUND: chunk.totals for chunk in watched.chunks}
    steps = {100: 100, 200: 100, 300: 100, 350: 50}
    updates = {200: 10, 300: 20, 350: 10}
    for line in lines(watched.folder):
        if line["kind"] == "training":
            row, at = SEEDS.index(line["seed"]), line["steps"]
            total = sums[at]
            assert line["episodes"] == total.episodes[row]
            np.testing.assert_allclose(list(line["reward"].values()), total.reward[row] / steps[at], rtol=1e-6)
            assert ("return" in line) == (line["episodes"] > 0) == (at > 200)  # nobody has played a whole episode before
            if "return" in line:
                np.testing.assert_allclose(list(line["return"].values()), total.episode_return[row] / line["episodes"], rtol=1e-6)
            if at in updates:
                for name, values in total.updates.items():
                    np.testing.assert_allclose(list(line[name].values()), values[row] / updates[at], rtol=1e-6)


def test_an_evaluation_says_returns_and_the_worlds_own_metrics(watched):
    for line in lines(watched.folder):
        if line["kind"] == "evaluation":
            terms = [value for name, value in line["metrics"].items() if name.startswith("reward/")]
            for agent in AGENTS:
                np.testing.assert_allclose(line["return"][agent], sum(term[agent] for term in terms), rtol=1e-4)


def test_the_parameters_are_those_at_the_end(watched):
    stored = load_file(watched.folder.parameters)

    learner = networks(watched.trained.learner)
    assert stored.keys() == learner.keys()
    for name, array in stored.items():
        np.testing.assert_array_equal(array, learner[name])
    assert stored["actor/0/weight"].shape[:3] == (2, 2, 1)  # seed, agent, member
    assert {name.partition("/")[0] for name in stored} == {"actor", "critic", "target_actor", "target_critic"}


def test_what_came_of_it_is_counted(watched):
    trained = watched.trained

    assert (trained.steps, trained.updates, trained.finished) == (350, 40, True)
    assert trained.steps_per_second > 0
    assert trained.play()(np.zeros(2, np.int32), 30).returns.shape == (2, 30, 2)


def test_seeds_differ(watched):
    stored = load_file(watched.folder.parameters)

    assert not np.allclose(stored["actor/0/weight"][0], stored["actor/0/weight"][1])


def test_progress_is_told_from_compiling_to_the_end(watched):
    told = watched.told

    assert [(one.phase, one.steps, one.total) for one in told[:2]] == [("compiling", 0, 350), ("warming up", 10, 350)]
    assert [one.steps for one in told[1:]] == [chunk.end * ROUND for chunk in watched.chunks]
    assert [phase for phase, _ in groupby(one.phase for one in told)] == ["compiling", "warming up", "compiling", "training"]
    assert [one.steps for one in told if one.phase == "compiling"] == [0, WARM_UP * ROUND]  # each of the two programs, before it first runs
    assert told[0].episode_return == {}
    warm_up = [one for one in told if one.steps <= WARM_UP * ROUND]
    assert {(one.steps_per_second, one.seconds_left) for one in warm_up} == {(0.0, 0.0)}  # nothing is known of learning yet
    assert {one.speed for one in warm_up} == {"compiling", "warming up"}
    assert told[-1].steps_per_second > 0
    assert told[-1].speed == f"{told[-1].steps_per_second:,.0f} steps/s over 2 seeds"  # its steps are counted for each
    assert told[-1].seconds_left == 0
    assert told[-2].seconds_left == pytest.approx((350 - told[-2].steps) * 2 / told[-2].steps_per_second)
    assert tuple(told[-1].episode_return) == AGENTS
    last = [line["return"] for line in lines(watched.folder) if line["kind"] == "training" and "return" in line][-2:]
    for agent in AGENTS:
        np.testing.assert_allclose(told[-1].episode_return[agent], np.mean([line[agent] for line in last]), rtol=1e-5)


def test_the_plan_says_what_is_going_to_happen(config):
    assert plan(build(config)).startswith(
        "350 steps (345, rounded up to whole rounds of 10), 40 updates of every agent, 2 seeds from 3, 0.00 GiB"
    )

    whole = replace(config, training=replace(config.training, steps=350, seeds=1))
    assert plan(build(whole)).startswith("350 steps, 40 updates of every agent, 1 seed from 3, ")


def test_the_memory_that_is_foretold_is_the_memory_that_is_taken(watched, config):
    trained = watched.trained

    fused = Fused(trained.algorithm, trained.environment, config.training)
    assert required_bytes(fused, 2) == watched.size


# The same again ------------------------------------------------------------------------------------------------------------------


def assert_same(folder: RunFolder, other: RunFolder) -> None:
    assert folder.metrics.read_text() == other.metrics.read_text()
    assert folder.parameters.read_bytes() == other.parameters.read_bytes()


def test_the_same_seed_gives_the_same_bits(watched, small_run):
    """The one was trained through the command line, with chunks of half a second."""
    assert_same(RunFolder(small_run), watched.folder)


def test_how_the_work_is_cut_changes_nothing(watched, config, folder, monkeypatch):
    monkeypatch.setattr(pace, "CHUNK_SECONDS", 0.0)
    chunks = watch(monkeypatch)

    trained = train(build(config), folder, interrupting(350))

    assert [chunk.length for chunk in chunks] == [1] * ROUNDS
    assert_same(folder, watched.folder)
    assert trained.finished, "Ctrl-C after the last round is too late to stop anything"


def test_no_chunk_crosses_a_boundary(watched):
    assert sum(chunk.length for chunk in watched.chunks) == ROUNDS
    for chunk in watched.chunks:
        inside = range(chunk.end - chunk.length + 1, chunk.end)
        assert not {steps // ROUND for steps in LINES} & set(inside)
        assert WARM_UP not in inside
        assert chunk.learning == (chunk.end > WARM_UP)


def test_chunks_grow_from_a_single_round(watched):
    """A chunk that compiled says nothing of how long the next one takes."""
    assert [chunk.length for chunk in watched.chunks] == [1, 8, 1, 5, 1, 4, 10, 5]


# Stopping ------------------------------------------------------------------------------------------------------------------------


def interrupting(*at: int):
    """Tell of progress; press Ctrl-C once for each of these steps."""
    presses = list(at)

    def tell(progress) -> None:
        while presses and progress.steps >= presses[0]:
            presses.pop(0)
            os.kill(os.getpid(), signal.SIGINT)

    return tell


def test_ctrl_c_stops_with_what_there_is(watched, config, folder, monkeypatch):
    monkeypatch.setattr(pace, "CHUNK_SECONDS", 0.0)
    before = signal.getsignal(signal.SIGINT)
    chunks = watch(monkeypatch)

    trained = train(build(config), folder, interrupting(210))

    # Asked when round 21 was told of: it is the last.
    assert (trained.steps, trained.updates, trained.finished) == (210, 12, False)
    assert signal.getsignal(signal.SIGINT) is before
    for name, array in load_file(folder.parameters).items():
        np.testing.assert_array_equal(array, chunks[-1].learner[name])
    written, whole = lines(folder), lines(watched.folder)
    assert written[:6] == whole[:6]
    assert [(line["kind"], line["seed"], line["steps"]) for line in written[6:]] == [
        (kind, seed, 210) for kind in ("training", "evaluation") for seed in SEEDS
    ]
    assert written[6]["updates"] == 12


def test_a_second_ctrl_c_interrupts_at_once_and_still_saves(config, folder, monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    chunks = watch(monkeypatch)

    with pytest.raises(KeyboardInterrupt):
        train(build(config), folder, interrupting(160, 160))

    assert signal.getsignal(signal.SIGINT) is before
    stored = load_file(folder.parameters)
    assert chunks[-1].end >= 16
    for name, array in stored.items():
        np.testing.assert_array_equal(array, chunks[-1].learner[name])


# NaN -----------------------------------------------------------------------------------------------------------------------------


def spoil_critic(run):
    """An infinity in the weights of the second seed's first agent."""
    critic = run.learner.critic
    weight = critic[0]["weight"]
    critic = [{**critic[0], "weight": weight.at[1, 0, 0].set(jnp.inf)}, *critic[1:]]
    return replace(run, learner=replace(run.learner, critic=critic))


def spoil_world(run):
    """The first seed's second agent is nowhere: from now on rewards are NaN."""
    return replace(run, worlds=replace(run.worlds, position=run.worlds.position.at[0, :, 1].set(jnp.nan)))


@pytest.mark.parametrize(
    ("spoil", "found", "at"),
    [
        (spoil_critic, "parameters/critic/0/weight of adversary_0 (seed 4) became NaN or infinite by step 200", 20),
        (spoil_world, "reward of adversary_0 (seed 3) became NaN or infinite by step 210", 21),
    ],
)
def test_nan_stops_the_run_and_keeps_the_last_good_state(spoil, found, at, config, folder, monkeypatch):
    monkeypatch.setattr(pace, "CHUNK_SECONDS", 0.0)
    chunks = watch(monkeypatch, lambda end, run: spoil(run) if end == 20 else run)

    with pytest.raises(NotFinite) as stopped:
        train(build(config), folder)

    assert str(stopped.value).startswith(found)
    assert str(folder.path) in str(stopped.value)
    assert read_metadata(folder.parameters)["steps"] == f"{(at - 1) * ROUND},{(at - 1) * ROUND}", "those that they were trained for"
    assert chunks[-1].end == at
    for name, array in load_file(folder.parameters).items():
        np.testing.assert_array_equal(array, chunks[-2].learner[name])
        assert np.isfinite(array).all()
    assert [line["steps"] for line in lines(folder)] == [100, 100] if at == 20 else [100, 100, 200, 200, 200, 200]


def test_a_run_that_would_not_fit_writes_nothing(config, folder, monkeypatch):
    monkeypatch.setattr("maddpg.training.memory.available_bytes", lambda: 1_000)

    with pytest.raises(ValueError, match=r"this run needs 0\.00 GiB of memory"):
        train(build(config), folder)

    assert list(folder.path.iterdir()) == []
