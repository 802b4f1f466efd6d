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


def test_a_team_of_the_zoo_is_refused(capsys):
    for words in ("", "--steps 9_000_000"):
        assert command(f"resume zoo:simple {words}") == 2

        assert capsys.readouterr() == (
            "",
            "maddpg: zoo:simple is finished and has no checkpoint; `maddpg train --config zoo:simple` trains it again, and in Python "
            "maddpg.MADDPG.load('zoo:simple') learns on with its networks\n",
        )


def test_what_is_advised_for_a_finished_run_can_be_done(small_run, tmp_path, capsys):
    run = shutil.copytree(small_run, tmp_path / "run")
    assert command("resume", run) == 0
    assert capsys.readouterr().out == f"{run} is finished, 345 steps; give --steps to train for more\n"
    shutil.rmtree(run / "checkpoints")

    assert command("resume", run) == 0
    assert capsys.readouterr().out.startswith(
        f"{run} is finished, 345 steps; it has no checkpoint to go on from: `maddpg train --config {run}` trains it again"
    )
    assert command("resume --steps 500", run) == 2
    assert "has networks but no checkpoint to go on from; `maddpg train" in capsys.readouterr().err
