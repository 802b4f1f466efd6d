"""Whatever a factory makes becomes one host environment, here or in another process; what it takes is said when it is asked wrongly."""

from __future__ import annotations

import subprocess
import sys

import cloudpickle
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from maddpg.environments.foreign import as_factory, find_factory
from maddpg.environments.host import HostEnvironment
from tests.environments.foreign.worlds import Auction, Film, Walk, frame


def make_film(length, *, agents="ab"):
    return Film([frame(clock, agents) for clock in range(length)])


@pytest.mark.parametrize(
    ("make", "arguments", "names"),
    [
        (make_film, {"length": 3}, ("a", "b", "c")),
        (Auction, {"bidders": 3}, ("bidder_0", "bidder_1", "bidder_2")),
        (Walk, {"start": 1}, ("agent",)),
    ],
)
def test_each_kind_is_opened(make, arguments, names):
    environment = as_factory("my:world", make, arguments)()

    assert isinstance(environment, HostEnvironment)
    assert environment.spec.name == "my:world"
    assert environment.spec.names == names
    assert environment.reset(0).alive.any()


def test_each_call_makes_another():
    factory = as_factory("walk", Walk, {"start": 0})
    one, other = factory(), factory()
    one.reset(0)
    other.reset(0)

    one.step(np.array([[0, 1]]))

    assert other.step(np.array([[0, 1]])).observation.item() == 1


def test_the_time_limit_and_the_state_are_passed_on():
    environment = as_factory("mpe2:simple_v3", find_factory("mpe2:simple_v3"), {}, time_limit=2, with_state=True)()

    assert environment.spec.episode_length == 2
    assert environment.spec.state_size == 4


@pytest.mark.parametrize("name", ["mpe2:simple_v3", "gymnasium:Pendulum-v1", "my:world"])
def test_a_factory_works_in_another_process(name):
    def make(**arguments):
        import gymnasium

        return gymnasium.make("Pendulum-v1", **arguments)

    factory = as_factory(name, make if name == "my:world" else find_factory(name), {"render_mode": "rgb_array"})
    program = "import cloudpickle, sys; print(cloudpickle.load(sys.stdin.buffer)().reset(7).observation.tolist())"

    there = subprocess.run([sys.executable, "-c", program], input=cloudpickle.dumps(factory), capture_output=True, check=True, timeout=60)

    np.testing.assert_allclose(np.array(eval(there.stdout)), factory().reset(7).observation, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: 3, "my:world made 3, of type int; it must make a ParallelEnv or AECEnv of pettingzoo, or a gymnasium.Env"),
        (lambda: Walk, "of type type; it must make"),
        (lambda: SyncVectorEnv([Walk]), "of type SyncVectorEnv; it must make"),
    ],
)
def test_anything_else_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        as_factory("my:world", make, {})()


def test_a_time_limit_below_one_is_refused():
    with pytest.raises(ValueError, match="time_limit = 0: must be at least 1"):
        as_factory("walk", Walk, {}, time_limit=0)
