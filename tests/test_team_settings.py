"""Teams as words of the command line and as TOML tables, and agents put on teams of one's own."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace

import pytest

from maddpg.algorithm.state import assemble
from maddpg.config import AlgorithmConfig, Config, TeamConfig, TrainingConfig, preset
from maddpg.environments.registry import make_environment
from maddpg.environments.teams import regroup
from maddpg.settings import from_dict, merge, merge_teams, to_dict
from maddpg.training.build import build
from maddpg.types import AgentSpec, Box, EnvSpec

# Words.


def test_words_say_what_is_special_about_teams():
    words = ["adversary.player=frozen", "adversary.run=runs/a.b=c", "good.critic_view=own", "good.gamma=0.5", "good.target_interval=1e2"]

    assert merge_teams({}, words) == {
        "adversary": TeamConfig(player="frozen", run="runs/a.b=c"),
        "good": TeamConfig(critic_view="own", gamma=0.5, target_interval=100),
    }
    assert merge_teams({}, []) == {}


def test_lists_are_separated_by_commas():
    assert merge_teams({}, ["red.agents=agent_0,agent_2", "red.critic_sees=red"]) == {
        "red": TeamConfig(agents=("agent_0", "agent_2"), critic_sees=("red",))
    }


def test_words_win_over_tables_and_leave_the_rest_of_them():
    tables = {"good": TeamConfig(gamma=0.5, noise=0.1), "adversary": TeamConfig(player="scripted")}

    merged = merge_teams(tables, ["good.gamma=0.7", "good.target_unit=episodes"])

    assert merged == {"good": TeamConfig(gamma=0.7, noise=0.1, target_unit="episodes"), "adversary": TeamConfig(player="scripted")}
    assert tables["good"] == TeamConfig(gamma=0.5, noise=0.1)


def test_a_teams_name_may_hold_dots():
    assert merge_teams({}, ["team.one.gamma=0.5"]) == {"team.one": TeamConfig(gamma=0.5)}


@pytest.mark.parametrize("word", ["gamma=0.5", "good.gamma", "good.gamma=", ".gamma=0.5", "good", "="])
def test_a_word_of_another_form_is_refused_with_an_example(word):
    with pytest.raises(ValueError, match=r"must be TEAM\.SETTING=VALUE, such as") as refusal:
        merge_teams({}, [word])

    assert repr(word) in str(refusal.value)


REFUSED = [
    ("good.gama=0.5", "unknown setting of a team 'gama'; did you mean 'gamma'"),
    ("good.player=skripted", "teams.good.player = 'skripted'.*learning, frozen, random, scripted"),
    ("good.gamma=much", "teams.good.gamma = 'much'"),
    ("good.gamma=1.5", r"^teams.good.gamma = 1.5.*\[0, 1\]"),
    ("good.gamma=nan", r"gamma = nan.*\[0, 1\]"),
    ("good.target_interval=2.5", r"teams.good.target_interval = 2.5: it must be a whole number"),
    ("good.target_interval=0", "target_interval = 0"),
    ("good.player=frozen", "teams.good.player = 'frozen': also needs run=RUN"),
    ("good.run=runs/a", "run = 'runs/a': a frozen team comes from a run, and no other does"),
]


@pytest.mark.parametrize(("word", "reason"), REFUSED, ids=[word for word, _ in REFUSED])
def test_a_setting_that_cannot_be_is_refused(word, reason):
    with pytest.raises(ValueError, match=reason) as refusal:
        merge_teams({}, [word])

    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("setting", ["gamma=0.5", "critic_view=own", "critic_sees=good", "noise=0.1"])
@pytest.mark.parametrize("player", ["random", "scripted"])
def test_a_team_that_does_not_learn_has_no_settings_of_learning(player, setting):
    with pytest.raises(ValueError, match=f"player = '{player}': a team that does not learn has no {setting.split('=')[0]}; take that out"):
        merge_teams({}, [f"good.player={player}", f"good.{setting}"])


def test_a_view_is_said_in_one_way():
    with pytest.raises(ValueError, match="critic_view says the same in other words; give one of the two"):
        merge_teams({}, ["good.critic_view=own", "good.critic_sees=good"])


# Tables.

FILE = """
[teams.good]
critic_view = "own"
gamma = 0.5
target_interval = 1e2

[teams.adversary]
player = "frozen"
run = "runs/earlier"

[teams.red]
agents = ["agent_0", "agent_1"]
"""
EXPECTED = {
    "good": TeamConfig(critic_view="own", gamma=0.5, target_interval=100),
    "adversary": TeamConfig(player="frozen", run="runs/earlier"),
    "red": TeamConfig(agents=("agent_0", "agent_1")),
}


def test_tables_of_a_file_are_teams():
    assert merge(preset("tuned", "simple_tag"), tomllib.loads(FILE)).teams == EXPECTED


def test_what_is_written_is_read_again():
    config = Config("simple_tag", teams=EXPECTED)

    assert from_dict(json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"good": {"gama": 0.5}}, "unknown setting of teams.good 'gama'; did you mean 'gamma'"),
        ({"good": 3}, "teams.good = 3: it must be a table"),
        ([], r"teams = \[\]: it must be a table"),
        ({"good": {"agents": "agent_0"}}, "teams.good.agents = 'agent_0': it must be a list"),
        ({"good": {"gamma": True}}, "teams.good.gamma = True"),
    ],
    ids=str,
)
def test_a_table_that_cannot_be_is_refused(tables, reason):
    with pytest.raises(ValueError, match=reason):
        merge(Config("simple_tag"), {"teams": tables})


# Agents on teams of one's own.

SPEC = EnvSpec("four", tuple(AgentSpec(f"agent_{number}", "all", 1, (Box((0.0,), (1.0,)),)) for number in range(4)), 1, 25)


def test_agents_go_to_the_teams_that_name_them_and_the_others_stay():
    grouped = regroup(SPEC, {"red": TeamConfig(agents=("agent_3", "agent_1")), "all": TeamConfig()})

    assert [agent.team for agent in grouped.agents] == ["all", "red", "all", "red"]
    assert grouped.teams == ("all", "red")
    assert grouped.names == SPEC.names
    assert regroup(SPEC, {}) == SPEC


@pytest.mark.parametrize(
    ("teams", "reason"),
    [
        ({"red": TeamConfig(agents=("agent_4",))}, "unknown agent of team red 'agent_4'; did you mean 'agent_"),
        ({"red": TeamConfig(agents=("agent_1",)), "blue": TeamConfig(agents=("agent_1",))}, "agent_1 is on team red and on team blue"),
    ],
)
def test_a_team_of_nobody_or_an_agent_on_two_teams_is_refused(teams, reason):
    with pytest.raises(ValueError, match=reason):
        regroup(SPEC, teams)


def test_a_team_that_all_its_agents_have_left_does_not_exist():
    grouped = regroup(SPEC, {"red": TeamConfig(agents=SPEC.names), "all": TeamConfig(gamma=0.5)})

    with pytest.raises(ValueError, match="unknown team 'all'"):
        assemble(AlgorithmConfig(), grouped, {"red": TeamConfig(agents=SPEC.names), "all": TeamConfig(gamma=0.5)})


def test_an_environment_has_the_teams_of_its_configuration():
    teams = merge_teams({}, ["guards.agents=adversary_0,agent_0", "guards.critic_view=own"])
    environment = make_environment(Config("simple_adversary", teams=teams))

    assert [agent.team for agent in environment.spec.agents] == ["guards", "guards", "good"]
    assert assemble(AlgorithmConfig(), environment.spec, teams).players.groups == (0, 0, 1)


def test_a_setting_given_twice_is_refused():
    with pytest.raises(ValueError, match=r"good\.gamma is there twice; give it once"):
        merge_teams({}, ["good.gamma=0.5", "good.gamma=0.9"])


def test_models_of_others_need_an_episode_of_every_environment_in_the_replay():
    short = TrainingConfig(environments=10, replay_capacity=249)
    config = Config("simple_push", algorithm=AlgorithmConfig(inference=True), training=short)

    with pytest.raises(ValueError, match="replay_capacity = 249: models of others learn from the latest episode of every environment, 250"):
        build(config)
    build(replace(config, training=replace(short, replay_capacity=250)))
    build(replace(config, algorithm=AlgorithmConfig()))


def test_a_teams_setting_of_its_own_is_refused_where_nobody_infers():
    own = {"good": TeamConfig(inference_rate=0.1)}

    with pytest.raises(ValueError, match=r"inference_rate = 0\.1: says something about inferred policies only"):
        build(Config("simple_push", teams=own))
    build(Config("simple_push", algorithm=AlgorithmConfig(inference=True), teams=own))
