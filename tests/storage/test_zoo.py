"""Trained teams that come with the package: found by name, whole, and as good as their cards say."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import safetensors.numpy

from benchmarks.zoo import WORLDS, keep
from maddpg import MADDPG
from maddpg.storage.arrays import named_leaves
from maddpg.storage.run_folder import RunFolder
from maddpg.storage.zoo import SUMS, ZOO, checksum, find_run, write_sums, zoo_names
from tests.runs import ROUND, ROUNDS, command


@pytest.fixture
def zoo(small_run, tmp_path):
    """A zoo of one team."""
    run = shutil.copytree(small_run, tmp_path / "run")  # its card is written anew
    keep(RunFolder(run), tmp_path / "zoo" / "small")
    write_sums(tmp_path / "zoo")
    return tmp_path / "zoo"


def test_a_team_is_found_by_its_name_and_a_path_is_a_path(zoo):
    assert find_run("zoo:small", zoo).path == zoo / "small"
    assert find_run("runs/zoo", zoo).path.as_posix() == "runs/zoo"


def test_a_name_that_is_not_there_gets_the_nearest(zoo):
    for name in ("smal", "../small", "", "small/"):
        with pytest.raises(ValueError, match=r"unknown team in the zoo .* Known: small"):
            find_run(f"zoo:{name}", zoo)


@pytest.mark.parametrize("file", ["parameters.safetensors", "config.json", "README.md"])
def test_a_file_that_is_another_is_refused(zoo, file):
    content = bytearray((zoo / "small" / file).read_bytes())
    content[len(content) // 2] ^= 1
    (zoo / "small" / file).write_bytes(content)

    with pytest.raises(ValueError, match=r"^zoo:small: its files are not those that were put there; install maddpg again$"):
        find_run("zoo:small", zoo)


def test_what_is_kept_has_no_targets_and_learns_on_with_copies(zoo, small_run):
    kept, run = MADDPG.load(zoo / "small"), MADDPG.load(small_run)

    stored = safetensors.numpy.load_file(zoo / "small" / "parameters.safetensors")
    assert {name.split("/")[0] for name in stored} == {"actor", "critic"}
    assert set(kept.networks) == set(run.networks)
    for name, leaf in named_leaves(kept.networks).items():
        np.testing.assert_array_equal(leaf, named_leaves(run.networks)[name.removeprefix("target_")])
    assert kept._trained_steps == (ROUND * ROUNDS,) * 2


def test_the_packages_own_zoo_has_every_world_and_says_what_it_has():
    assert zoo_names() == tuple(sorted(WORLDS))
    listed = dict(line.split("  ")[::-1] for line in (ZOO / SUMS).read_text().splitlines())
    assert listed == {f"{file.parent.name}/{file.name}": checksum(file) for file in ZOO.glob("*/*")}


@pytest.mark.parametrize("world", WORLDS)
def test_a_team_loads_and_acts(world):
    model = MADDPG.load(f"zoo:{world}")

    seen = {agent.name: np.zeros(agent.observation_size, np.float32) for agent in model.parts.spec.agents}
    assert set(model.predict(seen)) == set(seen)


def test_a_team_plays_as_well_as_its_card_says(capsys):
    assert command("evaluate zoo:simple --episodes 200 --json") == 0

    (seed,) = json.loads(capsys.readouterr().out)["seeds"]
    (card,) = json.loads((ZOO / "simple" / "evaluation.json").read_text())["seeds"]
    mine, noted = seed["agents"]["agent_0"], card["agents"]["agent_0"]
    assert abs(mine["mean"] - noted["mean"]) < 4 * np.hypot(mine["standard_error"], noted["standard_error"])
