"""From a configuration to an environment: what is trusted, and what its settings may be."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo import ParallelEnv

from maddpg.config import AlgorithmConfig, Config, HostConfig, TeamConfig, WorldConfig
from maddpg.environments.contract import Environment
from maddpg.environments.foreign.names import list_modules
from maddpg.environments.host import HostWorld
from maddpg.environments.mpe2 import VERSIONS
from maddpg.environments.registry import OWN, Typed, make_environment, read_environment, resolve
from maddpg.training.build import build
from maddpg.training.frozen import load_frozen
from tests.games import probe

NAME = "tests.environments.test_registry:Toy"


class Toy(ParallelEnv):
    """Two scouts who see nothing of note, and go on for ever."""

    def __init__(self):
        self.metadata = {"name": "toy_v0"}
        self.possible_agents = self.agents = ["scout_0", "scout_1"]

    def observation_space(self, agent):
        return spaces.Box(-1, 1, (2,))

    def action_space(self, agent):
        return spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        return dict.fromkeys(self.agents, np.zeros(2, np.float32)), {agent: {} for agent in self.agents}

    def step(self, actions):
        observations, infos = self.reset()
        return observations, dict.fromkeys(actions, 0.0), dict.fromkeys(actions, False), dict.fromkeys(actions, False), infos

    def state(self):
        return np.zeros(5, np.float32)


def refusal(*arguments) -> str:
    with pytest.raises(ValueError, match=r".") as refused:
        make_environment(*arguments)
    line = str(refused.value)
    assert "\n" not in line
    return line


# Trust ---------------------------------------------------------------------------------------------------------------------------


def test_a_factory_is_honoured_only_where_somebody_typed_it(tmp_path, monkeypatch):
    (tmp_path / "innocent.py").write_text("raise SystemExit('it was run')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    said = "this run was trained on innocent:make; pass --env innocent:make if you trust it: its code is run"

    assert refusal(Config("innocent:make")) == said
    assert refusal(Config("innocent:make"), Typed("guilty:make", lambda: None)) == said
    with pytest.raises(ValueError, match="pass --env innocent:make if you trust it"):
        build(resolve(Config("innocent:make")))
    assert "innocent" not in sys.modules


def test_a_frozen_team_brings_no_factory_with_it(tmp_path):
    from maddpg.storage.run_folder import RunFolder

    algorithm = build(resolve(Config("simple_push", teams={"adversary": TeamConfig(player="frozen", run=str(tmp_path))}))).algorithm
    RunFolder(tmp_path).write_config(Config("innocent:make"))

    with pytest.raises(ValueError, match="pass --env innocent:make if you trust it"):
        load_frozen(algorithm, 1)


def test_what_is_typed_is_imported_if_it_is_a_factory():
    assert read_environment(NAME) == Typed(NAME, Toy)
    for name in ("simple_spread", "mpe2:simple_tag_v3", "pettingzoo:sisl.multiwalker_v9", "jaxmarl:MPE_simple_tag_v3"):
        assert read_environment(name) is None
    with pytest.raises(ValueError, match="there is no module 'nowhere'"):
        read_environment("nowhere:make")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("mpe2:simple_tag", "mpe2:simple_tag_v3"),
        ("mpe2:simple_speaker_listener", "mpe2:simple_speaker_listener_v4"),
        ("mpe2:simple_tag_v3", "mpe2:simple_tag_v3"),
        ("mpe2:simple_tag_v2", "mpe2:simple_tag_v2"),
        ("pettingzoo:simple_tag", "pettingzoo:simple_tag"),
        (OWN, OWN),
    ],
)
def test_a_world_of_mpe2_without_a_version_is_its_newest(typed, name):
    assert resolve(Config(typed)).environment == name


def test_the_versions_are_the_newest_that_mpe2_has():
    versions = [name.rpartition("_v") for name in list_modules("mpe2")]
    newest = {world: max(int(version) for name, _, version in versions if name == world) for world in VERSIONS}
    assert newest == VERSIONS


@pytest.mark.parametrize("name", ["pettingzoo:os.path", "mpe2:os", "gymnasium:os:path", "jaxmarl:os.path", "pettingzoo:..os"])
def test_a_plain_name_resolves_inside_its_package_only(name):
    assert name.partition(":")[0] in refusal(Config(name)).lower()


def test_a_typed_factory_may_make_an_environment_of_ours():
    game = probe(lambda clock, coin, action: coin)

    made = make_environment(Config("mine:game", teams={"b": TeamConfig(agents=("agent_1",))}), Typed("mine:game", lambda: game))

    assert isinstance(made, Environment)
    assert made.step is game.step
    assert made.spec.teams == ("a", "b")


# What is made --------------------------------------------------------------------------------------------------------------------


def test_arguments_reach_the_factory():
    asked = []

    def make(count: int = 1, *, names=()):
        asked.append((count, names))
        return Toy()

    made = make_environment(Config("mine:make", arguments={"count": 3, "names": ["a", "b"]}), Typed("mine:make", make))

    assert isinstance(made, HostWorld)
    assert set(map(str, asked)) == {"(3, ['a', 'b'])"}
    line = refusal(Config("mine:make", arguments={"cuont": 3}), Typed("mine:make", make))
    assert "did you mean 'count'" in line
    assert "It takes: count, names" in line


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: None, "mine:make made None, of type NoneType; it must make"),
        (lambda: 3, "mine:make made 3, of type int"),
        (lambda: 1 / 0, "mine:make cannot be made: ZeroDivisionError: division by zero"),
    ],
)
def test_a_factory_that_makes_none_is_told_so_in_a_line(make, words):
    assert words in refusal(Config("mine:make"), Typed("mine:make", make))


class Clumsy(Toy):
    """A toy whose author erred at some place."""

    def __init__(self, where: str):
        super().__init__()
        self.where = where
        self.err("init")

    def err(self, where: str) -> None:
        if where != self.where:
            return
        if where == "init":
            import a_package_that_nobody_has  # noqa: F401
        if where == "reset":
            np.zeros(3) + np.zeros(4)
        if where == "space":
            spaces.Box(np.zeros(3), np.zeros(4))

    def observation_space(self, agent):
        self.err("space")
        return super().observation_space(agent)

    def reset(self, seed=None, options=None):
        self.err("reset")
        return super().reset(seed, options)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("init", "ModuleNotFoundError: No module named 'a_package_that_nobody_has'"),
        ("reset", "ValueError: operands could not be broadcast together with shapes (3,) (4,)"),
        ("space", "Box low.shape and high.shape don't match"),
    ],
)
def test_the_mistakes_of_an_environment_are_told_with_its_name_and_their_place(where, words):
    line = refusal(Config("mine:make", arguments={"where": where}), Typed("mine:make", Clumsy))

    assert line.startswith("mine:make cannot be made: ")
    assert words in line
    assert re.search(r" \(test_registry.py, line \d+\); `maddpg check-env mine:make` says more$", line)


def test_an_environment_given_in_python_has_no_name_to_check():
    line = refusal(Config(OWN), Typed(OWN, lambda: 1 / 0))

    assert re.fullmatch(r"python:environment cannot be made: ZeroDivisionError: division by zero \(test_registry.py, line \d+\)", line)


@pytest.mark.parametrize("where", ["reset", "step"])
def test_so_are_those_of_one_on_the_device(where):
    def err(*_):
        return jnp.zeros(3) + jnp.zeros(4)

    line = refusal(Config("mine:make"), Typed("mine:make", lambda: replace(probe(err), **{where: err})))

    assert re.match(r"mine:make cannot be made: (Type|Value)Error: .*\(3,\).*\(4,\).* \(test_registry.py, line \d+\)", line)


def test_what_a_named_environment_does_not_take_is_told_in_a_line():
    assert "It takes: " in refusal(Config("mpe2:simple_spread_v3", arguments={"M": 3}))


def test_an_environment_is_described_with_the_runs_teams_and_state():
    config = Config("mine:toy", teams={"all": TeamConfig(agents=("scout_0",))}, host=HostConfig(time_limit=7))

    made = make_environment(config, Typed("mine:toy", Toy))

    assert made.spec.agents[0].team == "all"
    assert made.spec.episode_length == 7
    assert made.spec.state_size == 0
    assert made.factory().spec.episode_length == 7
    with_state = replace(config, algorithm=AlgorithmConfig(critic_input="both"))
    assert make_environment(with_state, Typed("mine:toy", Toy)).spec.state_size > 0


# Settings of the wrong kind ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (Config("simple_spread", arguments={"N": 3}), "arguments N=3: simple_spread takes flags, such as --agents 3"),
        (Config("mpe2:simple_spread_v3", world=WorldConfig(agents=4)), "agents is a setting of our own particle worlds"),
        (Config("simple_spread", host=HostConfig(workers=2)), "simple_spread runs on the device: workers, time_limit"),
    ],
)
def test_settings_of_the_other_kind_are_refused(config, words):
    assert refusal(config).startswith(words)
