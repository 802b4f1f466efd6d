"""Arguments that do not fit are said in one line with all that is taken; an environment's own mistakes stay its own."""

from __future__ import annotations

import pytest

from maddpg.environments.foreign.calling import call
from maddpg.environments.foreign.names import find_factory


class World:
    def __init__(self, size, *, speed=1.0):
        self.size, self.speed = size, speed


def hand_on(**arguments):
    return World(**arguments)


def hand_on_a_local(**arguments):
    class Inner:
        def __init__(self, depth=1):
            pass

    return Inner(**arguments)


def mistake(size):
    return World(size, sped=2)


def test_what_fits_is_passed_on():
    made = call(World, {"size": 3, "speed": 2.0}, "my:world")

    assert (made.size, made.speed) == (3, 2.0)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (
            World,
            {"size": 1, "sped": 2},
            r"my:world got an unexpected keyword argument 'sped'; did you mean 'speed'\? It takes: size, speed$",
        ),
        (World, {"speed": 2}, "my:world missing a required argument: 'size'. It takes: size, speed$"),
        (
            hand_on,
            {"size": 1, "sped": 2},
            r"my:world got an unexpected keyword argument 'sped'; did you mean 'speed'\? It takes: size, speed$",
        ),
        (hand_on_a_local, {"width": 1}, "my:world got an unexpected keyword argument 'width'.* It takes: depth$"),
        (lambda: None, {"width": 1}, "my:world got an unexpected keyword argument 'width'. It takes no arguments by name$"),
    ],
)
def test_what_does_not_fit_is_said_with_all_that_does(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        call(make, arguments, "my:world")


def test_a_mistake_inside_is_not_taken_for_the_users():
    with pytest.raises(TypeError, match="unexpected keyword argument 'sped'"):
        call(mistake, {"size": 3}, "my:world")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mpe2:simple_tag_v3", "unexpected keyword argument 'num_god'; did you mean 'num_good'.* It takes: num_good, num_adversaries"),
        ("gymnasium:Pendulum-v1", "unexpected keyword argument 'num_god'. It takes: render_mode, g$"),
        ("pettingzoo:classic.tictactoe_v3", "unexpected keyword argument 'num_god'. It takes: render_mode, screen_height$"),
    ],
)
def test_real_environments_say_what_they_take(name, message):
    with pytest.raises(ValueError, match=f"{name} got an {message}"):
        call(find_factory(name), {"num_god": 1}, name)
