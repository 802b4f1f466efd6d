"""Names of environments: plain ones resolve only inside their package, a factory only through the function for what was typed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from maddpg.environments.foreign import find_factory, import_factory, is_factory
from maddpg.environments.foreign.names import list_modules
from maddpg.environments.foreign.opening import as_factory


@pytest.mark.parametrize(
    "name", ["mpe2:simple_tag_v3", "pettingzoo:classic.tictactoe_v3", "pettingzoo:classic.rps_v2", "gymnasium:Pendulum-v1"]
)
def test_a_name_becomes_an_environment(name):
    environment = as_factory(name, find_factory(name), {})()

    assert environment.spec.name == name
    assert environment.reset(0).alive.all()


def test_the_parallel_form_is_taken_where_there_is_one():
    import pettingzoo

    assert isinstance(find_factory("mpe2:simple_v3")(), pettingzoo.ParallelEnv)
    assert isinstance(find_factory("pettingzoo:classic.tictactoe_v3")(), pettingzoo.AECEnv)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mpe2:simple_tagg_v3", r"mpe2: unknown environment 'simple_tagg_v3'; did you mean 'simple_tag_v3'\? Known: .*simple_v3"),
        ("pettingzoo:classic.tictactoe_v2", "did you mean 'classic.tictactoe_v3'.* Known: classic.chess_v6, "),
        ("pettingzoo:nothing.like_it", r"unknown environment 'nothing.like_it'. Known: atari.\*, butterfly.\*, classic.\*, sisl.\*$"),
        ("pettingzoo:mpe.simple_tag_v3", "the particle worlds have moved out of PettingZoo; type mpe2:simple_tag_v3"),
        ("gymnasium:Pendulumm-v1", r"gymnasium: unknown environment 'Pendulumm-v1'; did you mean 'Pendulum-v1'\?"),
        ("gymnasium:Pendulum-v77", "unknown environment 'Pendulum-v77'; did you mean 'Pendulum-v1'"),
        ("petingzoo:classic.rps_v2", "unknown package of environments 'petingzoo'; did you mean 'pettingzoo'"),
    ],
)
def test_an_unknown_name_gets_the_nearest(name, message):
    with pytest.raises(ValueError, match=message) as caught:
        find_factory(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "pettingzoo:.os",
        "pettingzoo:classic..rps_v2",
        "pettingzoo:__init__",
        "pettingzoo:classic.__init__",
        "pettingzoo:classic/rps_v2",
        "pettingzoo:classic.rps_v2:raw_env",
        "mpe2:",
        "mpe2:simple_tag_v3 ",
        "gymnasium:os:Pendulum-v1",
        "gymnasium:",
        "gymnasium:a b",
    ],
)
def test_a_name_that_is_not_plain_is_refused(name):
    with pytest.raises(ValueError, match="comes a plain"):
        find_factory(name)


@pytest.mark.parametrize(
    "name", ["pettingzoo:utils.env", "pettingzoo:utils", "pettingzoo:utils.conversions", "mpe2:all_modules", "mpe2:_mpe_utils.core"]
)
def test_modules_that_are_no_environments_are_not_loaded(name):
    with pytest.raises(ValueError, match="unknown environment"):
        find_factory(name)


def test_what_stands_in_the_package_under_an_alias_is_not_loaded(monkeypatch):
    # A module that something put beneath the package's name, from elsewhere.
    monkeypatch.setitem(sys.modules, "mpe2.stranger_v1", sys.modules["os"])

    with pytest.raises(ValueError, match="unknown environment 'stranger_v1'"):
        find_factory("mpe2:stranger_v1")


LISTING = """
import sys
from maddpg.environments.foreign import as_factory, find_factory
from maddpg.environments.foreign.names import list_modules
print([name for name in ("gymnasium", "pettingzoo", "mpe2") if name in sys.modules])
list_modules("pettingzoo")
print([name for name in ("pettingzoo", "pettingzoo.classic", "pettingzoo.classic.rps_v2") if name in sys.modules])
"""


def test_nothing_is_loaded_before_it_is_asked_for_and_listing_loads_no_environment():
    said = subprocess.run([sys.executable, "-c", LISTING], capture_output=True, text=True, check=True, timeout=60).stdout

    assert said.splitlines() == ["[]", "['pettingzoo']"]
    assert {"classic.rps_v2", "sisl.multiwalker_v9", "butterfly.pistonball_v6"} <= set(list_modules("pettingzoo"))
    assert "simple_tag_v3" in list_modules("mpe2")


def hide(monkeypatch, *modules):
    """As if these were not installed."""
    for module in modules:
        for loaded in [name for name in sys.modules if name.partition(".")[0] == module]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.parametrize(
    ("name", "extra"),
    [("mpe2:simple_tag_v3", "mpe2"), ("pettingzoo:classic.rps_v2", "pettingzoo"), ("gymnasium:Pendulum-v1", "pettingzoo")],
)
def test_a_missing_package_is_said_with_its_extra(monkeypatch, name, extra):
    package = name.partition(":")[0]
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ValueError, match=rf'needs {package}, which is not installed: pip install "maddpg\[{extra}\]"'):
        find_factory(name)


def test_what_an_environment_lacks_is_said_with_its_own_words_and_extra(monkeypatch):
    monkeypatch.delitem(sys.modules, "pettingzoo.classic.chess_v6", raising=False)
    hide(monkeypatch, "chess")

    with pytest.raises(ValueError, match=r'pettingzoo:classic.chess_v6 cannot be loaded: .*chess.*; pip install "pettingzoo\[classic\]"'):
        find_factory("pettingzoo:classic.chess_v6")


def test_what_a_gymnasium_environment_lacks_is_said_in_its_own_words(monkeypatch):
    monkeypatch.delitem(sys.modules, "gymnasium.envs.box2d.lunar_lander", raising=False)
    monkeypatch.setitem(sys.modules, "Box2D", None)

    with pytest.raises(ValueError, match=r"gymnasium:LunarLander-v3: .*Box2D is not installed.*pip install") as caught:
        as_factory("gymnasium:LunarLander-v3", find_factory("gymnasium:LunarLander-v3"), {})()
    assert "\n" not in str(caught.value)


# Factories


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("my_world:make", True),
        ("package.module:World", True),
        ("simple_tag", False),
        ("mpe2:simple_tag_v3", False),
        ("pettingzoo:classic", False),
        ("gymnasium:Pendulum", False),
        ("jaxmarl:SMAX", False),
        ("a:b:c", False),
        ("module:", False),
        (":make", False),
        ("my-world:make", False),
        ("..up:make", False),
    ],
)
def test_the_form_of_a_factory(name, answer):
    assert is_factory(name) is answer


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder of the user's own, from which nothing stays loaded."""
    (tmp_path / "worlds_of_mine").mkdir()
    (tmp_path / "worlds_of_mine" / "first.py").write_text("size = 3\ndef make():\n    return 7\n")
    (tmp_path / "lacking.py").write_text("import a_package_that_nobody_has\n")
    (tmp_path / "broken.py").write_text("raise RuntimeError('my own mistake')\n")
    (tmp_path / "half.py").write_text("\ndef make(:\n    pass\n")
    (tmp_path / "other.py").write_text("from os import zzz\n")
    (tmp_path / "leaving.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_factory_of_the_current_folder_is_found_and_stays_findable(folder):
    assert import_factory("worlds_of_mine.first:make")() == 7
    assert sys.path.count(os.getcwd()) == 1
    assert import_factory("worlds_of_mine.first:make")() == 7
    assert sys.path.count(os.getcwd()) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("worlds_of_mine.second:make", "there is no module 'worlds_of_mine.second' in .* or among the installed packages"),
        ("world_of_mine.first:make", "there is no module 'world_of_mine' in "),
        ("worlds_of_mine.first:makes", "unknown factory in worlds_of_mine.first 'makes'; did you mean 'make'.* Known: make$"),
        ("worlds_of_mine.first:size", "size is a int; it must be a function or class that makes an environment"),
        ("lacking:make", "lacking needs a package that is not installed .*a_package_that_nobody_has"),
        (
            "worlds_of_mine.first.py:make",
            r"no module 'worlds_of_mine.first.py' in .*; type worlds_of_mine.first:make, without .py$",
        ),
        ("broken:make", r"^broken:make: broken cannot be imported: RuntimeError: my own mistake \(broken.py, line 1\)$"),
        ("half:make", r"^half:make: half cannot be imported: SyntaxError: invalid syntax \(half.py, line 2\)$"),
        ("other:make", r"^other:make: other cannot be imported: ImportError: cannot import name 'zzz' from .* \(other.py, line 1\)$"),
        ("leaving:make", r"^leaving:make: leaving cannot be imported: SystemExit: 3 \(leaving.py, line 1\)$"),
        ("worlds_of_mine.first", "must have the form package.module:factory"),
        ("mpe2:simple_tag_v3", "must have the form package.module:factory"),
    ],
)
def test_what_names_no_factory_is_said(folder, name, message):
    with pytest.raises(ValueError, match=message):
        import_factory(name)


def test_plain_names_never_import_a_factory(folder):
    with pytest.raises(ValueError, match="unknown package of environments 'broken'"):
        find_factory("broken:make")
