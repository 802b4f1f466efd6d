"""Runs that earlier versions saved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from maddpg import MADDPG
from maddpg.config import AlgorithmConfig, CheckpointConfig, Config
from maddpg.storage.migration import SCHEMA, migrate
from maddpg.storage.run_folder import RunFolder
from tests.runs import command

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def sample(tmp_path):
    """A run of schema 1: 400 steps of simple_spread."""
    return Path(shutil.copytree(SAMPLES / "schema_1", tmp_path / "run"))


def test_a_run_of_schema_1_is_read(sample):
    config = RunFolder(sample).read_config()

    assert json.loads((sample / "config.json").read_text())["schema"] == 1
    assert (config.environment, config.training.steps, config.algorithm.actor_layers) == ("simple_spread", 400, (4,))
    assert RunFolder(sample).read_checkpoint_config() == CheckpointConfig()


def test_a_run_of_schema_1_plays_as_it_did(sample):
    """The evaluation that was saved with it, of 1,000 episodes."""
    before = json.loads((sample / "evaluation.json").read_text())["seeds"][0]["agents"]

    after = MADDPG.load(sample).evaluate(episodes=1_000).seeds[0].agents

    for name, score in after.items():
        np.testing.assert_allclose(score.mean, before[name]["mean"], rtol=1e-5)


def test_a_run_without_checkpoints_is_never_begun_anew(sample, capsys):
    before = {path.name: path.read_bytes() for path in sample.iterdir()}

    assert command(f"resume {sample} --steps 1000") == 2

    assert "has networks but no checkpoint to go on from" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in sample.iterdir()} == before


@pytest.mark.parametrize(("inference", "rate"), [(False, None), (True, 0.003)])
def test_a_learning_rate_of_models_that_there_were_not_is_dropped(inference, rate, tmp_path):
    """Up to schema 2 it was always written."""
    folder = RunFolder(tmp_path)
    folder.write_config(Config("simple_spread", algorithm=AlgorithmConfig(inference=inference)))
    tables = json.loads(folder.config.read_text())
    tables["schema"], tables["config"]["algorithm"]["inference_rate"] = 2, 0.003
    folder.config.write_text(json.dumps(tables))

    assert folder.read_config().algorithm == AlgorithmConfig(inference=inference, inference_rate=rate)


def test_there_is_a_way_from_every_schema_to_todays():
    for schema in range(1, SCHEMA + 1):
        tables = {"schema": schema, "config": {"environment": "simple"}, "checkpoints": {}, "machine": {}}
        assert migrate(tables, "config.json")["schema"] == SCHEMA


@pytest.mark.parametrize("schema", [0, SCHEMA + 1, "1", None, 1.0, True, [1], 10**30])
def test_other_schemas_are_refused(schema):
    with pytest.raises(ValueError, match=r"config.json is of schema .*; this version reads 1 to 3"):
        migrate({"schema": schema, "config": {}}, "config.json")
