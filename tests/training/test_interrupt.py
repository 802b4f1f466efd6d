"""Ctrl-C: the first asks, the second interrupts."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from maddpg.training.interrupt import stop_on_interrupt

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def press(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.fixture(autouse=True)
def handlers():
    """The handlers are afterwards what they were."""
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_nobody_asked():
    with stop_on_interrupt() as stop:
        assert not stop.asked


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_only_asks(number):
    with stop_on_interrupt() as stop:
        press(number)

        assert stop.asked


@pytest.mark.parametrize("number", SIGNALS)
def test_the_second_interrupts(number):
    with stop_on_interrupt() as stop:
        press(signal.SIGINT)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            press(number)


def test_each_asks_for_itself():
    with stop_on_interrupt() as stop:
        press(signal.SIGINT)
    with stop_on_interrupt() as another:
        pass

    assert (stop.asked, another.asked) == (True, False)


def test_what_is_raised_within_comes_out():
    with pytest.raises(ZeroDivisionError), stop_on_interrupt():
        raise ZeroDivisionError


def test_another_thread_works_undisturbed():
    seen = []

    def work() -> None:
        with stop_on_interrupt() as stop:
            seen.append(stop.asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert seen == [False]
