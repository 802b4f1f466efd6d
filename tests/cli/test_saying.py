"""What people are told to type: the program, and settings as flags."""

from __future__ import annotations

import pytest

from maddpg.cli.saying import as_typed, program

FLAGS = ("--steps", "--warmup-steps", "--agents", "--inference", "--reward-terms", "--noise")


@pytest.mark.parametrize(
    ("called", "typed"),
    [
        ("maddpg", "maddpg"),
        ("/opt/x/bin/maddpg", "/opt/x/bin/maddpg"),
        ("train_gather.py", "python train_gather.py"),
        ("my games/train.py", "python 'my games/train.py'"),
        ("/opt/x/site-packages/maddpg/__main__.py", "python -m maddpg"),
    ],
)
def test_the_program_can_be_typed_again(called, typed, monkeypatch):
    monkeypatch.setattr("sys.argv", [called, "train"])

    assert program() == typed


@pytest.mark.parametrize(
    ("refusal", "line"),
    [
        ("warmup_steps = 0: must be at least 1", "--warmup-steps 0: must be at least 1"),
        ("steps = 5: give more steps or a smaller warmup_steps", "--steps 5: give more steps or a smaller --warmup-steps"),
        ("agents=0: must be at least 1; pass e.g. agents=1", "--agents 0: must be at least 1; pass e.g. --agents 1"),
        ("warmup_steps = 3: give inference too", "--warmup-steps 3: give --inference too"),
        ("reward_terms = 'noise=x': must be NAME=NUMBER", "--reward-terms 'noise=x': must be NAME=NUMBER"),
        ("teams.good.noise = -1.0: must be at least 0", "--team good.noise=-1.0: must be at least 0"),
        ("teams.a.b.player = 'frozen': also needs run=RUN", "--team a.b.player=frozen: also needs a.b.run=RUN"),
    ],
)
def test_settings_are_named_as_flags(refusal, line):
    assert as_typed(refusal, FLAGS) == line


def test_a_command_with_short_flags_alone_says_its_own():
    assert as_typed("steps = 5: give a smaller warmup_steps", ["--steps"]) == "--steps 5: give a smaller warmup_steps"


@pytest.mark.parametrize(
    "refusal",
    [
        "batch_size = 0: must be at least 1; see warmup_steps",  # no flag of this command
        "--config my.toml: training.warmup_steps = 0: must be at least 1",
        "run/config.json: warmup_steps = 0: must be at least 1",
        "unknown setting of a team 'nois'; did you mean 'noise'? Known: noise, warmup_steps",
        "steps are many",
    ],
)
def test_all_else_stays_as_it_is(refusal):
    assert as_typed(refusal, FLAGS) == refusal
