"""What an environment says about itself: teams in names, and how long it lasts."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import gymnasium
import pytest

from maddpg.environments.foreign.describing import declared_length
from tests.environments.foreign.worlds import Walk


def test_the_smallest_declared_length_counts_wherever_it_stands():
    inner = SimpleNamespace(max_steps=30, spec=SimpleNamespace(max_episode_steps=40))
    outer = SimpleNamespace(env=inner, max_cycles=50)

    assert declared_length(outer) == 30
    assert declared_length(SimpleNamespace(unwrapped=inner)) == 30
    assert declared_length(SimpleNamespace(aec_env=SimpleNamespace(env=inner))) == 30
    assert declared_length(SimpleNamespace(spec=inner.spec)) == 40


@pytest.mark.parametrize("value", [None, True, 0, -1, 2.5, "many"])
def test_what_is_no_length_is_passed_over(value):
    assert declared_length(SimpleNamespace(max_cycles=value)) is None


def test_an_environment_that_wraps_itself_is_looked_at_once():
    loop = SimpleNamespace(max_cycles=3)
    loop.unwrapped = loop

    assert declared_length(loop) == 3


def test_real_environments():
    assert declared_length(importlib.import_module("mpe2.simple_tag_v3").parallel_env(max_cycles=31)) == 31
    assert declared_length(gymnasium.make("Pendulum-v1")) == 200
    assert declared_length(gymnasium.make("Pendulum-v1", max_episode_steps=50)) == 50
    assert declared_length(gymnasium.wrappers.TimeLimit(Walk(), 9)) == 9
    assert declared_length(Walk()) is None
