"""The check of environments in Python: clean ones are clean, all is collected, and what stands in no single place."""

from __future__ import annotations

import threading

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from maddpg.config import Config
from maddpg.environments.conformance import Findings, check_environment
from maddpg.environments.conformance.habits import Ending, check_discount, check_endings
from maddpg.environments.registry import Typed
from tests.environments.conformance import broken
from tests.environments.conformance.test_broken import check, tell
from tests.environments.foreign.worlds import Auction, Rounds, Walk


def test_a_right_world_is_left_in_peace():
    conformance = check(broken.Right, size=3)

    assert conformance.findings == ()
    assert conformance.spec.names == ("ant_0", "ant_1")
    assert conformance.spec.teams == ("ant",)
    assert conformance.spec.observation_width == 3
    measures = conformance.measures
    assert measures.episode_lengths == (6, 6, 6)
    assert measures.steps == 18
    assert measures.steps_per_second > 100
    assert 0 < measures.reset_seconds < 0.1
    assert set(measures.mean_returns) == {"ant_0", "ant_1"}
    assert all(0 < size <= 1 for size in measures.mean_absolute_rewards.values())


def test_the_measures_are_those_of_what_was_earned():
    class Generous(broken.Right):
        def earn(self, action):
            return -2.0

    measures = check(Generous, episodes=2).measures

    assert measures.mean_returns == {"ant_0": -12, "ant_1": -12}
    assert measures.mean_absolute_rewards == {"ant_0": 2, "ant_1": 2}


@pytest.mark.parametrize(
    "name",
    [
        "mpe2:simple_spread_v3",
        "gymnasium:Pendulum-v1",
        "gymnasium:CartPole-v1",
        "pettingzoo:classic.rps_v2",
        "pettingzoo:sisl.multiwalker_v9",
    ],
)
def test_known_worlds_have_no_errors(name):
    conformance = check_environment(Config(name), episodes=2)

    assert conformance.count("error") == 0, conformance.findings
    assert conformance.spec.name == name


def test_rounds_and_one_agent_have_no_errors():
    assert check(Rounds).count("error") == 0
    assert check(lambda: gymnasium.wrappers.TimeLimit(Walk(), 50)).count("error") == 0


def test_who_is_out_may_stay_until_its_turn():
    conformance = check(Auction, bidders=3, early=True)

    # The check of types in tests draws from the generator that all share, when our own converter is called.
    assert not [each for each in conformance.findings if each.severity != "note" and "global generator" not in each.what]


def test_all_is_collected_with_how_often_it_came():
    class Ruin(broken.NotANumber):
        def step(self, actions):
            told = super().step(actions)
            told[0]["ant_0"] = told[0]["ant_0"] * 4000
            told[1]["ant_0"] = np.nan
            return told

    conformance = check(Ruin, episodes=2)

    assert tell(conformance.findings)[:2] == [("error", "ant_0", 1), ("error", "ant_1", 3)]
    assert [finding.times for finding in conformance.findings[:2]] == [12, 2]
    assert ("warning", "ant_0", 1) in tell(conformance.findings)  # outside
    assert ("note", "ant_0", None) in tell(conformance.findings)  # large
    assert conformance.spec is None


def test_a_space_that_is_refused_is_still_played_the_same_twice():
    """Else the same seed would seem to mean another game, because of our own actions."""

    class Unbounded(broken.Right):
        def __init__(self):
            super().__init__()
            self.choices["ant_1"] = spaces.Box(-np.inf, np.inf, (1,))

        def step(self, actions):
            shared = float(np.clip(actions["ant_1"][0], -1, 1))
            told = super().step({"ant_0": 1, "ant_1": 1})
            told[1].update(ant_0=shared, ant_1=shared)
            return told

    conformance = check(Unbounded)

    assert tell(conformance.findings) == [("error", "ant_1", None)], conformance.findings


def test_errors_come_first_then_warnings_then_notes():
    class Ruin(broken.AnotherType):
        def change(self, observations, *others):
            super().change(observations, *others)
            observations["ant_0"][0] = 9
            others[0]["ant_0"] = np.inf

    assert [finding.severity for finding in check(Ruin).findings] == ["error", "warning", "note"]


@pytest.mark.parametrize(("truncated", "found"), [(False, []), (True, [("error", "ant_1", 3)])])
def test_only_who_is_terminated_may_go_without_a_last_observation(truncated, found):
    class Leaves(broken.Changes):
        def change(self, observations, rewards, terminations, truncations, infos):
            del observations["ant_1"]
            terminations["ant_1"], truncations["ant_1"] = not truncated, truncated
            self.agents = ["ant_0"]

    assert tell(check(Leaves).findings) == found


def test_a_space_that_wavers():
    first = check(broken.SpaceThatWavers).findings[0]

    assert (first.severity, first.agent) == ("error", "ant_0")
    assert first.what == "action_space(agent) is Discrete(3) at one call and Discrete(2) at the next"


def test_a_space_that_the_first_reset_changes():
    found = check(broken.SpaceFromReset).findings

    assert tell(found) == [("error", "ant_0", None), ("error", "ant_1", None)]
    assert found[0].what == "the action_space is Discrete(3) before a reset and Discrete(4) after it"


def test_a_space_that_is_made_anew_is_noted():
    found = check(broken.SpaceMadeAnew).findings

    assert tell(found) == [("note", "ant_0", None), ("note", "ant_1", None)]
    assert found[0].what == "observation_space(agent) makes a new space at each call"


def test_agents_without_words_for_names():
    conformance = check(broken.NumberedAgents)

    assert tell(conformance.findings) == [("warning", "0", None), ("warning", "1", None)]
    assert conformance.spec.names == ("0", "1")


def test_a_reset_without_a_seed():
    assert "reset takes no seed" in check(broken.NoSeed).findings[0].what


def test_luck_of_the_random_module():
    whats = [finding.what for finding in check(broken.PythonLuck).findings]

    assert "the global generator of random is used, which all environments of a process share" in whats


def test_far_away_and_constant():
    found = check(broken.FarAway).findings

    assert tell(found) == [("note", "ant_0", None)] * 2 + [("note", "ant_1", None)] * 2
    assert "size, in column 0" in found[0].what
    assert found[1].what == "1 of 2 columns of the observation never changed: 1"


def test_a_factory_that_cannot_be_sent():
    lock = threading.Lock()

    found = check(lambda: broken.Right() if lock else None).findings

    assert tell(found) == [("warning", None, None)]
    assert "cannot be sent to worker processes" in found[0].what
    assert "--workers 0" in found[0].remedy


def test_what_is_no_environment():
    (found,) = check(lambda: 5).findings

    assert found.what == "my:world made 5, of type int"
    assert found.remedy == "it must make a ParallelEnv or AECEnv of pettingzoo, or a gymnasium.Env"


def test_what_only_the_adapter_meets():
    class Fickle(broken.Masked):
        """Without a mask where the seed is 0, which the adapter begins with."""

        def reset(self, seed=None, options=None):
            self.begin = 0 if seed else 99
            return super().reset(seed)

    conformance = check_environment(Config("my:world"), Typed("my:world", Fickle), 2, seed=10)

    (found,) = conformance.findings
    assert found.severity == "error"
    assert "gives an action mask, and gave none at its first reset" in found.what
    assert conformance.spec is None


def test_a_mask_is_heeded():
    assert check(broken.Masked).findings == ()


@pytest.mark.parametrize(
    ("arguments", "severity", "step", "what"),
    [
        ({"mask": (0, 0, 0)}, "error", 0, "the action mask [0 0 0] forbids every option of a choice"),
        ({"mask": (0, 1)}, "error", 0, "the action mask has 2 values"),
        ({"begin": 2}, "error", 2, "has an action mask, and there was none at the first reset"),
        ({"end": 2}, "warning", 2, "has no action mask, and had one before"),
    ],
)
def test_masks(arguments, severity, step, what):
    found = check(broken.Masked, **arguments).findings[0]

    assert (found.severity, found.agent, found.step) == (severity, "ant_1", step)
    assert what in found.what


def test_who_terminates_by_chance_has_no_time_limit():
    class Chance(broken.Right):
        def step(self, actions):
            told = super().step(actions)
            if self.generator.random() < 0.5 or not self.agents:
                told[2].update(dict.fromkeys(broken.AGENTS, True))
                told[3].update(dict.fromkeys(broken.AGENTS, False))
                self.agents = []
            return told

    conformance = check(Chance, episodes=5)

    assert conformance.findings == ()
    assert len(set(conformance.measures.episode_lengths)) > 1


def test_a_game_of_one_step_has_no_time_limit():
    class Once(broken.TimeAsTermination):
        def reset(self, seed=None, options=None):
            told = super().reset(seed)
            self.clock = broken.LENGTH - 1
            return told

    assert check(Once).measures.episode_lengths == (1, 1, 1)
    assert check(Once).findings == ()


def test_one_episode_that_does_not_end_is_enough():
    conformance = check(broken.NeverEnds)

    assert tell(conformance.findings) == [("warning", None, 1000), ("note", None, None)]
    assert "train with --time-limit" in conformance.findings[0].remedy
    assert conformance.measures.episode_lengths == (1000,)


@pytest.mark.parametrize(
    ("declared", "limit", "severity", "what"),
    [
        (None, 1_000, "warning", "an episode was not over after 1,000 steps"),
        (1_200, 1_200, "warning", "an episode was not over after 1,200 steps"),
        (27_000, 10_000, "note", "an episode was not over after 10,000 steps of random play; the environment declares 27,000"),
    ],
)
def test_an_episode_that_is_broken_off(declared, limit, severity, what):
    findings = Findings()
    check_endings(findings, [Ending(limit, False, False)], declared, limit)

    (found,) = findings.ordered()
    assert (found.severity, found.what) == (severity, what)


@pytest.mark.parametrize(
    ("declared", "lengths", "longest"),
    [
        (None, (25, 25), None),
        (60, (9, 60), None),
        (None, (25, 100), "100"),
        (500, (9, 12), "500"),
        (27_000, (1_000,), "27,000"),
        (None, (), None),
    ],
)
def test_an_episode_beyond_what_the_default_discount_sees(declared, lengths, longest):
    findings = Findings()
    check_discount(findings, [Ending(length, True, False) for length in lengths], declared)

    words = f"an episode may take {longest} steps, and the default discount, 0.85, sees about 7 ahead"
    assert [(found.severity, found.what) for found in findings.ordered()] == ([("note", words)] if longest else [])
    assert all("--gamma 0.95 to 0.99" in found.remedy for found in findings.ordered())


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("mpe2:simple_spraed_v3", {}, "did you mean 'simple_spread_v3'?"),
        ("mpe2:simple_spread_v3", {"M": 3}, "unexpected keyword argument 'M'"),
        ("gymnasium:Pendulun-v1", {}, "did you mean"),
        ("simple_spraed", {}, "did you mean 'simple_spread'?"),
        ("my:world", {}, "unknown package of environments 'my'"),
    ],
)
def test_wrong_input_is_no_finding(name, arguments, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        check_environment(Config(name, arguments))


def test_no_episodes_are_no_check():
    with pytest.raises(ValueError, match="episodes = 0: must be at least 1"):
        check_environment(Config("simple"), episodes=0)
