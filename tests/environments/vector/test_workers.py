"""Environments in worker processes: the same results, whatever happens to the processes, and no process left behind."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import fields

import numpy as np
import pytest

from maddpg.environments.host import BadEnvironment
from maddpg.environments.vector import EnvironmentFailed, Vector, VectorStep
from tests.environments.vector.worlds import SPEC, Make, MakeWithServer, Trouble, Unwelcome, random_actions


def worker_processes():
    return [process.pid for process in multiprocessing.active_children() if process.name == "maddpg environments"]


def exists(pid):
    """Whether a process runs; one that nobody has waited for yet does not."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def gone(pids, seconds):
    """Whether all the processes end within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(map(exists, pids)):
        time.sleep(0.05)
    return not any(map(exists, pids))


def signal_set(pid, name):
    """The signals in a process's mask of that name."""
    with open(f"/proc/{pid}/status") as file:
        mask = int(next(line.split()[1] for line in file if line.startswith(f"{name}:")), 16)
    return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}


@pytest.fixture(autouse=True)
def no_process_left_behind():
    """After each test."""
    yield
    gc.collect()
    assert worker_processes() == []


def repeat(vector, steps):
    """So many steps without choice."""
    for _ in range(steps):
        vector.step(np.zeros((vector.count, 2, 3)))


def assert_same(first, second):
    for item in fields(VectorStep):
        np.testing.assert_array_equal(getattr(first, item.name), getattr(second, item.name), err_msg=item.name)


def test_any_number_of_workers_gives_the_same_bits():
    count, generator = 7, np.random.default_rng(0)
    actions = [random_actions(generator, count) for _ in range(40)]
    trouble = Trouble(("exception",), clock=3, every=3)
    vectors = [Vector(Make(trouble=trouble), count, workers, seed=5, first_lengths=np.arange(count) % 4 + 1) for workers in (0, 1, 3)]
    assert len(worker_processes()) == 4

    histories = [[vector.reset() for vector in vectors]]
    for action in actions:
        for vector in vectors:
            vector.send(action)
        histories.append([vector.receive() for vector in vectors])

    assert any(step.lost.any() for step, *_ in histories)
    assert any(step.truncated.any() for step, *_ in histories)
    for local, *others in histories:
        for other in others:
            assert_same(local, other)
    summaries = [sorted((fault.step, fault.environments, fault.message) for fault in vector.faults.latest) for vector in vectors]
    assert summaries[0] == summaries[1] == summaries[2]
    assert all("raise ZeroDivisionError(" in fault.traceback for vector in vectors for fault in vector.faults.latest)
    assert vectors[0].faults.lost_episodes == vectors[1].faults.lost_episodes == vectors[2].faults.lost_episodes > 3
    vectors[2].close()
    assert len(worker_processes()) == 1
    vectors.clear()  # what is no longer used ends its processes too


def test_workers_heed_neither_ctrl_c_nor_an_interrupt_of_the_main_process(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with Vector(Make(), 2, 2) as vector, Vector(Make(), 2) as local:
        for pid in worker_processes():
            os.kill(pid, signal.SIGINT)  # while it boots
        assert_same(vector.reset(), local.reset())
        for pid in worker_processes():
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGTERM)
            assert os.getpgid(pid) == pid  # Ctrl-C goes to all processes of the terminal's group
            # What an environment starts would inherit what is blocked or ignored.
            assert not signal_set(pid, "SigBlk") & {signal.SIGINT, signal.SIGTERM}
            assert not signal_set(pid, "SigIgn") & {signal.SIGINT, signal.SIGTERM}
        nothing = np.zeros((2, 2, 3))
        assert_same(vector.step(nothing), local.step(nothing))

        vector.send(nothing)
        local.step(nothing)
        with monkeypatch.context() as patch:
            patch.setattr("maddpg.environments.vector.crew.wait", interrupted)
            with pytest.raises(KeyboardInterrupt):
                vector.receive()
        with pytest.raises(ValueError, match="the last step was interrupted; call reset first"):
            vector.receive()
        assert_same(vector.reset(), local.reset())
        assert_same(vector.step(nothing), local.step(nothing))
        assert vector.faults.count == 0


def test_a_worker_killed_before_a_reset_loses_nothing():
    with Vector(Make(), 3, 2, first_lengths=[1, 2, 3]) as vector, Vector(Make(), 3, first_lengths=[1, 2, 3]) as local:
        for _ in range(2):
            assert_same(vector.reset(), local.reset())
            for _ in range(2):
                assert_same(vector.step(np.zeros((3, 2, 3))), local.step(np.zeros((3, 2, 3))))
            for pid in worker_processes()[:1]:
                os.kill(pid, signal.SIGKILL)

    assert (vector.faults.count, vector.faults.lost_episodes) == (1, 0)


def test_workers_killed_at_random_lose_one_step_of_their_environments_and_nothing_else():
    count, rounds, generator = 6, 4, np.random.default_rng(3)
    good = lost = steps = 0
    with Vector(Make(length=7), count, 2, seed=1, first_lengths=[1, 2, 3, 4, 5, 6]) as vector:
        before = vector.reset()
        for number in range(rounds):
            timers = [threading.Timer(generator.uniform(0, 0.02), os.kill, (pid, signal.SIGKILL)) for pid in worker_processes()]
            for timer in timers:
                timer.start()
            while vector.faults.count < 2 * (number + 1):
                result = vector.step(random_actions(generator, count))
                steps += 1
                lost += result.lost.sum()
                good += result.acted.any(axis=1).sum()
                np.testing.assert_array_equal(result.acted, before.alive & ~result.lost[:, None])
                # Each step follows on what was handed out before; a lost one begins another episode.
                np.testing.assert_array_equal(result.next_state[:, 0], np.where(result.lost, 0, before.state[:, 0] + 1))
                seeds = np.where(result.lost | result.ended, before.observation[:, 0, 0], result.observation[:, 0, 0])
                np.testing.assert_array_equal(before.observation[:, 0, 0], seeds)
                assert (result.observation[:, 0, 0] != before.observation[:, 0, 0])[result.lost | result.ended].all()
                # A worker's environments begin together, and so with first lengths again.
                np.testing.assert_array_equal(result.whole, np.where(result.lost, False, before.whole | result.ended))
                before = result
        faults = vector.faults
        assert not vector.step(random_actions(generator, count)).lost.any()

    assert faults.count == 2 * rounds
    assert {(fault.kind, fault.environments) for fault in faults.latest} == {("died", (0, 1, 2)), ("died", (3, 4, 5))}
    assert all("was ended by SIGKILL, perhaps for want of memory" in fault.message for fault in faults.latest)
    assert steps * count == good + lost
    assert lost == faults.lost_episodes == 3 * 2 * rounds


def test_a_process_that_ends_crashes_or_hangs_is_replaced_and_a_slow_one_waited_for(tmp_path):
    diary = tmp_path / "diary"
    trouble = Trouble(("exit", "crash", "hang", "slow"), clock=2, diary=str(diary))
    nothing = np.zeros((1, 2, 3))
    lost = []

    with Vector(Make(trouble=trouble), 1, 1, step_timeout=1.0) as vector:
        vector.reset()
        for _ in range(12):
            began = time.monotonic()
            lost.append(vector.step(nothing).lost[0])
            if len(lost) == 8:
                assert time.monotonic() - began > 0.25  # slow

    np.testing.assert_array_equal(np.flatnonzero(lost), [1, 3, 5])
    assert [(fault.kind, fault.step) for fault in vector.faults.latest] == [("died", 2), ("died", 4), ("hung", 6)]
    ended, crashed, hung = vector.faults.latest
    assert "ended by itself with exit code 3" in ended.message
    assert "was ended by SIGSEGV" in crashed.message
    assert "did not answer for 1 s" in hung.message
    for fault in (crashed, hung):
        assert "worlds.py" in fault.traceback
        assert "in __call__" in fault.traceback
    server = int(diary.read_text().splitlines()[2])
    assert server
    assert gone([server], 5), "what a hanging environment has started is left behind"


def test_a_worker_that_dies_is_seen_while_what_it_forked_lives(tmp_path):
    """The other process holds all its pipes, which therefore stay open."""
    trouble = Trouble(("fork and exit",), clock=2, diary=str(tmp_path / "diary"))
    with Vector(Make(trouble=trouble), 1, 1, step_timeout=30.0) as vector:
        vector.reset()
        repeat(vector, 3)

    (fault,) = vector.faults.latest
    assert fault.kind == "died"
    assert "ended by itself with exit code 3" in fault.message


def test_what_environments_have_started_ends_with_them(tmp_path):
    with Vector(MakeWithServer(str(tmp_path)), 3, 2, spec=SPEC) as vector:
        vector.reset()
        servers = [int(path.name) for path in tmp_path.iterdir()]
        assert len(servers) == 3
        assert all(map(exists, servers))

    assert gone(servers, 5)


def test_a_worker_that_always_dies_stops_it():
    vector = Vector(Make(trouble=Trouble(("exit",))), 2, 1)
    vector.reset()

    with pytest.raises(
        EnvironmentFailed, match=r"^the worker of environments 0 to 1 failed 3 times without .* ended by itself with exit code 3$"
    ):
        repeat(vector, 5)

    assert (vector.faults.count, vector.faults.lost_episodes) == (3, 6)


def test_a_broken_contract_and_a_failure_come_out_of_the_worker():
    bad = Vector(Make(trouble=Trouble(("bad",), clock=3)), 2, 1)
    failing = Vector(Make(trouble=Trouble(("exception",), clock=1)), 2, 1)
    for vector in (bad, failing):
        vector.reset()

    with pytest.raises(BadEnvironment, match=r"^walker_0: reward is nan; give a finite one \(environment 0, step 3\)$"):
        repeat(bad, 5)
    with pytest.raises(EnvironmentFailed, match=r"^environment 0 failed 3 times without one good step between") as caught:
        repeat(failing, 5)

    assert 'raise ZeroDivisionError(f"at clock' in caught.value.traceback
    assert failing.faults.count == 5


def test_a_factory_that_does_not_arrive_stops_it():
    vector = Vector(Unwelcome(), 1, 1)

    with pytest.raises(
        EnvironmentFailed, match=r"does not arrive in worker processes: ModuleNotFoundError: No module named 'elsewhere'$"
    ) as caught:
        vector.reset()

    assert "in refuse" in caught.value.traceback


SCRIPT = """
import sys, time
import numpy as np
from maddpg.environments.vector import Vector, worker
from tests.environments.vector.worlds import SPEC, Counter, Trouble

class Mine(Counter):
    pass

def make():
    worker.GRACE_SECONDS = 0.5  # in the worker
    return Mine(trouble=Trouble(("hang",)) if HANGING else Trouble())

HANGING = len(sys.argv) > 1
vector = Vector(make, 2, 2)
vector.reset()
print(*(process._process.pid for process in vector._crew._workers), flush=True)
vector.{last}(np.zeros((2, 2, 3)))
time.sleep(1000 if HANGING else 0)
"""


@pytest.mark.parametrize("end", ["by_itself", "killed"])
def test_a_script_without_a_guard_leaves_no_process_behind(tmp_path, end):
    script = tmp_path / "script.py"
    killed = end == "killed"
    script.write_text(SCRIPT.replace("{last}", "send" if killed else "step"))
    arguments = [sys.executable, str(script)] + ["hang"] * killed

    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ) as process:
        try:
            pids = [int(word) for word in process.stdout.readline().split()]
            if killed:
                assert all(map(exists, pids))
                process.kill()
            else:
                assert process.wait(20) == 0
            assert gone(pids, 10)
            assert process.stderr.read() == ""
        finally:
            process.kill()  # else a failure would wait for it

    assert len(pids) == 2


KILLED = """
import sys, time
from maddpg.environments.vector import Vector
from tests.environments.vector.worlds import SPEC, MakeWithServer

vector = Vector(MakeWithServer(sys.argv[1]), 2, 2, spec=SPEC)
vector.reset()
print(flush=True)
time.sleep(1000)
"""


def test_what_environments_have_started_ends_with_a_main_process_that_is_killed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ) as process:
        try:
            process.stdout.readline()
            servers = [int(path.name) for path in tmp_path.iterdir()]
            assert len(servers) == 2
            assert all(map(exists, servers))
        finally:
            process.kill()

    assert gone(servers, 10)
