"""`maddpg resume`: what it needs beside the run's folder, and what it does with a run that is finished."""

from __future__ import annotations

import shutil
from dataclasses import replace

from maddpg.config import CheckpointConfig, TeamConfig
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import build
from maddpg.training.run import Run
from tests.runs import command
from tests.saved_runs import config_of, save_run, with_settings


def test_a_frozen_team_comes_from_the_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr("maddpg.cli.running.FINAL_EPISODES", 5)
    settings = {"steps": 60, "environments": 10, "batch_size": 8, "warmup_steps": 20, "evaluation_interval": 0}
    config = with_settings(config_of("simple_push"), "training", **settings)
    team = save_run(tmp_path / "team", config)
    config = replace(config, teams={"adversary": TeamConfig(player="frozen", run=str(team))})
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    run = Run(build(config), folder, checkpoints=CheckpointConfig(checkpoint_steps=20))
    run.advance(4)
    run.close()
    shutil.rmtree(team)

    assert command(f"resume {folder.path}") == 0

    assert folder.evaluation.is_file()
    assert command(f"resume {folder.path} --steps 80") == 0
    assert (folder.path / "evaluation-60.json").is_file()
    assert folder.read_config().training.steps == 80
