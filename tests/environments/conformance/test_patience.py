"""Environments that do not answer: each call that hangs is found, with its place, and the check ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import gymnasium
import pytest

from maddpg.config import Config
from maddpg.environments.conformance import check_environment, patience
from maddpg.environments.registry import Typed
from tests.environments.conformance import broken, test_device
from tests.environments.foreign.worlds import Walk

SECONDS = 0.5


class HangsWhenMade(broken.Right):
    def __init__(self):
        time.sleep(1000)


class HangsInASpace(broken.Right):
    def observation_space(self, agent):
        time.sleep(1000)


class HangsInReset(broken.Right):
    def reset(self, seed=None, options=None):
        time.sleep(1000)


class HangsInStep(broken.Right):
    def step(self, actions):
        if self.clock == 2:
            time.sleep(1000)
        return super().step(actions)


class Spins(broken.Right):
    """At work for ever, and deaf to the first alarm."""

    def step(self, actions):
        try:
            while True:
                pass
        except BaseException:
            time.sleep(1000)


class Retries(broken.Right):
    """For ever, whatever exception comes."""

    def step(self, actions):
        while True:
            try:
                time.sleep(1000)
            except Exception:
                continue


class HangsTheSecondTime(broken.Right):
    """As one does whose port is taken."""

    made = 0

    def __init__(self):
        super().__init__()
        type(self).made += 1
        self.number = self.made

    def reset(self, seed=None, options=None):
        if self.number > 1:
            time.sleep(1000)
        return super().reset(seed)


class HangsAtTheEnd(broken.Right):
    def close(self):
        time.sleep(1000)


class Leaves(broken.Right):
    def step(self, actions):
        raise SystemExit(0)


class HangsAlone(Walk):
    def reset(self, seed=None, options=None):
        time.sleep(1000)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A start may take no longer than a step; afterwards alarms are as they were."""
    monkeypatch.setattr(patience, "START_SECONDS", 0.0)
    monkeypatch.setattr(patience, "AGAIN_SECONDS", 0.1)
    before = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def check(make, seconds=SECONDS):
    return check_environment(Config("my:world"), Typed("my:world", make), 2, step_timeout=seconds)


@pytest.mark.parametrize(
    ("make", "step", "deed"),
    [
        (HangsWhenMade, None, "making it did"),
        (HangsInASpace, None, "looking at spaces did"),
        (HangsInReset, 0, "reset did"),
        (HangsInStep, 3, "step did"),
        (Spins, 1, "step did"),
        (Retries, 1, "step did"),
        (HangsAtTheEnd, None, "closing it did"),
        (lambda: gymnasium.wrappers.TimeLimit(HangsAlone(), 5), None, "the first steps did"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_call_that_hangs_is_named(make, step, deed):
    began = time.monotonic()
    conformance = check(make)

    assert time.monotonic() - began < 10
    (found,) = [each for each in conformance.findings if each.severity == "error"]
    assert (found.agent, found.step) == (None, step)
    assert found.what.startswith(f"{deed} not return within {SECONDS:g} s (test_patience.py, line ")
    assert "give a larger --step-timeout" in found.remedy
    assert conformance.spec is None


def test_the_line_is_that_where_it_hangs():
    (found,) = check(HangsInStep).findings

    line = int(found.what.rpartition("line ")[2].rstrip(")"))
    with open(__file__) as file:
        assert [number for number, text in enumerate(file, 1) if "sleep(1000)" in text][3] == line


def test_a_second_instance_that_hangs_says_why():
    (found,) = check(HangsTheSecondTime).findings

    assert found.severity == "error"
    assert "not in a second instance: reset did not return within" in found.what


def test_what_leaves_the_program_is_found():
    (found,) = check(Leaves).findings

    assert (found.severity, found.step) == ("error", 1)
    assert found.what.startswith("step raised SystemExit: 0 (test_patience.py, line ")


def test_a_slow_one_is_waited_for(monkeypatch):
    class Slow(broken.Right):
        def step(self, actions):
            time.sleep(0.01)
            return super().step(actions)

    monkeypatch.setattr(patience, "START_SECONDS", 300.0)
    assert check(Slow, 5.0).findings == ()
    assert check(Slow, 0.005).findings[0].what.startswith("step did not return within 0.005 s")


def test_a_start_has_more_time_than_a_step(monkeypatch):
    class Late(broken.Right):
        def __init__(self):
            super().__init__()
            time.sleep(SECONDS + 0.1)

    monkeypatch.setattr(patience, "START_SECONDS", 300.0)
    assert patience.patience(7.0) == patience.Patience(7.0, 300.0)
    assert patience.patience(700.0) == patience.Patience(700.0, 700.0)
    assert patience.patience(None) == patience.Patience(None, None)
    assert check(Late).findings == ()


def test_a_world_on_the_device_that_hangs_is_named():
    def change(clock, result):
        time.sleep(1000)

    hanging, right = test_device.make(change), test_device.make()

    (found,) = check(lambda: hanging, 2.0).findings
    assert found.what.startswith("tracing a reset and a step did not return within 2 s (test_patience.py, line ")
    assert check(lambda: right, 200.0).findings == ()


SCRIPT = """
import itertools
from maddpg.environments.conformance import patience
patience.GRACE_SECONDS = 0.2
with patience.in_time(0.2):
    sum(itertools.count())
"""


def test_compiled_code_that_never_comes_back_ends_the_process_with_its_place():
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60)

    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
    assert 'File "<string>", line 6 in <module>' in ended.stderr
