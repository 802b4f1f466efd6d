"""What a command line means: flags win over the file, the file over the preset."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from maddpg.cli import commands
from maddpg.config import AlgorithmConfig, Config, TrainingConfig, WorldConfig, preset
from maddpg.environments.registry import resolve
from maddpg.storage.run_folder import RunFolder
from tests.runs import command


@pytest.fixture
def parsed(monkeypatch):
    """A function: the command that this line comes to, which is not run."""

    def parse(line: str, *words: object) -> object:
        seen = []
        for kind in (commands.Train, commands.Evaluate):
            monkeypatch.setattr(kind, "run", lambda self: seen.append(self) or 0)
        assert command(line, *words) == 0
        return seen[0]

    return parse


def test_no_flags_are_the_defaults(parsed):
    train = parsed("train simple_spread")

    assert train.environment == "simple_spread"
    assert (train.world, train.algorithm, train.training) == (WorldConfig(), AlgorithmConfig(), TrainingConfig())
    assert train.out is None


@pytest.mark.parametrize("steps", ["1200000", "1_200_000", "1.2e6", "+1200000", "12e5"])
@pytest.mark.parametrize("flag", ["--steps {}", "--steps={}"])
def test_a_whole_number_may_be_written_in_many_ways(steps, flag, parsed):
    training = parsed("train simple " + flag.format(steps)).training

    assert training == TrainingConfig(steps=1_200_000)
    assert type(training.steps) is int


def test_flags_of_every_kind(parsed):
    train = parsed(
        "train simple_tag --actor-layers 16 32 --no-twin-critics --gradient-clip None --gamma 0.5 --action-mode discrete --agents 2 "
        "--critic_rate 1e-2 --prey-speed 2 --noise-final 0 --out there"
    )

    assert train.algorithm.actor_layers == (16, 32)
    assert train.algorithm.twin_critics is False
    assert train.algorithm.gradient_clip is None
    assert train.algorithm.critic_rate == 0.01
    assert train.algorithm.noise_final == 0.0
    assert train.world == WorldConfig(action_mode="discrete", agents=2, prey_speed=2.0)
    assert str(train.out) == "there"


def test_the_preset_is_laid_under_the_flags(parsed):
    paper = preset("paper", "simple")

    train = parsed("train simple --preset paper --gamma 0.7")

    assert train.training == paper.training
    assert train.algorithm.gamma == 0.7
    assert train.algorithm.critic_rate == paper.algorithm.critic_rate == 0.01


def test_flags_win_over_the_file_and_the_file_over_the_preset(parsed, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("[world]\nepisode_length = 30\n[algorithm]\ngamma = 0.6\ntau = 0.5\nactor_layers = [8]\n[training]\nsteps = 2e6\n")

    train = parsed("train", "simple", "--tau", "0.25", f"--config={file}", "--preset=paper")

    assert train.algorithm.tau == 0.25  # the flag
    assert train.algorithm.gamma == 0.6  # the file
    assert train.algorithm.actor_layers == (8,)
    assert train.world.episode_length == 30
    assert train.training.steps == 2_000_000
    assert train.training.warmup_steps == 25_600  # the preset


def test_a_flag_may_say_again_what_the_defaults_say(parsed, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("[algorithm]\ngamma = 0.6\ntwin_critics = false\n")

    algorithm = parsed("train", "simple", "--config", file, "--gamma", "0.8", "--twin-critics").algorithm

    assert algorithm == AlgorithmConfig(gamma=0.8)


def test_evaluate(parsed):
    evaluate = parsed("evaluate runs/simple-1 --episodes 1e2 --env mpe2:simple --play good=still adversary=random --json")

    assert (str(evaluate.run_folder), evaluate.episodes, evaluate.env, evaluate.json) == ("runs/simple-1", 100, "mpe2:simple", True)
    assert evaluate.play == ("good=still", "adversary=random")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("--help", ["train", "evaluate", "messages", "envs", "Agents that learn"]),
        ("train --help", ["--steps", "--gamma", "--prey-speed", "Flags win over the file", "Environment steps for each seed"]),
        ("evaluate --help", ["--episodes", "--play", "Episodes for each seed"]),
    ],
)
def test_help(words, parts, capsys):
    assert command(words) == 0

    printed = capsys.readouterr()
    assert printed.err == ""
    for part in parts:
        assert part in printed.out


def test_the_help_of_train_shows_what_the_preset_sets(capsys):
    assert command("train --preset paper --help") == 0

    assert "Environment steps before the first update. (default: 25600)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("way", ["{}", "{}/config.json"])
def test_a_run_is_its_own_configuration(way, small_run, parsed):
    train = parsed("train --config " + way.format(small_run))

    assert RunFolder(small_run).read_config() == resolve(Config(train.environment, {}, train.world, train.algorithm, train.training))
    again = parsed("train --gamma 0.5 --config " + way.format(small_run))
    assert again.algorithm == replace(train.algorithm, gamma=0.5)
    assert again.training == train.training


def test_a_run_may_lend_its_settings_to_another_environment(small_run, parsed):
    assert parsed("train simple_tag --config", small_run).environment == "simple_tag"


def test_a_saved_factory_must_be_typed(small_run, tmp_path, capsys):
    tables = json.loads((small_run / "config.json").read_text())
    tables["config"]["environment"] = "os:getcwd"
    (tmp_path / "config.json").write_text(json.dumps(tables))

    assert command("train --config", tmp_path / "config.json") == 2

    assert "that run was trained on os:getcwd; type that if you trust it" in capsys.readouterr().err
