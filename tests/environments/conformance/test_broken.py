"""Each deliberately broken environment is found out, with its agent, its step, what came and what to do."""

from __future__ import annotations

import pytest

from maddpg.config import Config
from maddpg.environments.conformance import check_environment
from maddpg.environments.registry import Typed
from tests.environments.conformance import broken


def check(make, episodes=3, **arguments):
    """All that is found in what a factory makes."""
    return check_environment(Config("my:world", arguments), Typed("my:world", make), episodes)


def tell(findings):
    return [(finding.severity, finding.agent, finding.step) for finding in findings]


PLACE_REMEDY = "list everyone in possible_agents who may ever take part"
FOUND = [  # the only error or, without one, the only finding: severity, agent, step, what came, what to do
    (broken.RaisesWhenMade, "error", None, None, "making it raised RuntimeError: no board (broken.py, line", "mend it"),
    (broken.NoAgents, "error", None, None, "my:world has no possible_agents", "list there all agents"),
    (broken.AgentTwice, "error", None, None, "my:world has ant_0 twice in possible_agents", "give each agent a name of its own"),
    (broken.NoSpace, "error", "ant_1", None, "has no observation_space (KeyError('ant_1'))", "define observation_space(agent)"),
    (
        broken.UnboundedAction,
        "error",
        "ant_1",
        None,
        "the action space Box(-inf, inf, (1,), float32) is not bounded",
        "finite low and high",
    ),
    (broken.UnsupportedAction, "error", "ant_1", None, "the action space Text(1, 5,", "allowed are Discrete"),
    (broken.OldReset, "error", None, 0, "reset gave {'ant_0': array(", "return observations, infos"),
    (broken.OldStep, "error", None, 1, "step gave 4 values, ({'ant_0'", "the old API had dones"),
    (broken.StepRaises, "error", None, 3, "step raised KeyError: 'ant_7' (broken.py, line", "mend it"),
    (broken.NotANumber, "error", "ant_1", 3, "the observation is nan in column 1", "make it finite"),
    (
        broken.ShapeThatChanges,
        "error",
        "ant_1",
        3,
        "the observation has shape (1,); it must have (2,)",
        "the shape and type of its space",
    ),
    (broken.OutsideItsSpace, "warning", "ant_1", 3, "lies 2.5 outside its space: 3.5 in column 0, whose bounds are -1 and 1", "clip"),
    (broken.AnotherType, "note", "ant_1", 3, "is of type float64, where its space says float32", "float32"),
    (broken.NoObservation, "error", "ant_1", 3, "has no observation", "give one to all in agents"),
    (broken.StrangeObservation, "error", "bee", 3, "has an observation, but no place in possible_agents", PLACE_REMEDY),
    (broken.NoReward, "error", "ant_1", 3, "acted and got no reward", "to all who acted"),
    (broken.InfiniteReward, "error", "ant_1", 3, "the reward is inf", "make it finite"),
    (broken.RewardInWords, "error", "ant_1", 3, "the reward is much", "make it one number"),
    (broken.StrangeReward, "warning", "bee", 3, "has a reward, but no place in possible_agents", PLACE_REMEDY),
    (broken.NoTermination, "error", "ant_1", 3, "acted and got no termination", "to all who acted"),
    (broken.EndForEachLimb, "error", "ant_1", 3, "the truncation is [ True False]", "make it true or false"),
    (broken.BothEnds, "note", "ant_1", 3, "is terminated and truncated at once", "leave termination unset"),
    (broken.EndsAndStays, "warning", "ant_1", 3, "has ended and stands in agents", "take it out"),
    (broken.LeavesWithoutAnEnd, "error", "ant_1", 3, "left agents without an end", "set its termination"),
    (broken.Revives, "error", "ant_1", 4, "was terminated in this episode and is back in agents", "stay away until the reset"),
    (broken.PaysTheDead, "warning", "ant_1", 4, "the reward is 5, and it did not act", "in the last step in which it acts"),
    (broken.ShowsTheDead, "note", "ant_1", 4, "has an observation, and is not in agents", "leave out"),
    (broken.Stranger, "error", "bee", 3, "stands in agents, but not in possible_agents", PLACE_REMEDY),
    (broken.OverAtReset, "error", None, 0, "nobody stands in agents after a reset", "put those there who begin"),
    (broken.LongerThanDeclared, "note", None, 6, "took 6 steps, and the environment declares at most 4", "max_cycles"),
    (
        broken.TimeAsTermination,
        "warning",
        None,
        6,
        "all 3 episodes terminated for everyone at step 6",
        "report truncation, not termination",
    ),
    (
        broken.OtherEachTime,
        "warning",
        "ant_0",
        0,
        "two episodes with seed 0 and the same actions differ: the observation",
        "reset(seed) makes anew",
    ),
    (broken.Remembers, "warning", "ant_0", 0, "two episodes with seed 0 and the same actions differ: the observation", "from nothing else"),
    (broken.GlobalLuck, "warning", None, None, "the global generator of numpy.random is used", "numpy.random.default_rng(seed)"),
    (broken.DeafToSeeds, "note", None, 0, "seeds 0, 1 and 2 begin with the same observations", "draw the beginning by the seed"),
    (broken.Shared, "error", "ant_0", 1, "goes another way while a second instance is played: the observation", "class attributes"),
    (broken.SharedClock, "error", "ant_0", 1, "goes another way while a second instance is played: the observation", "class attributes"),
    (broken.OtherEachInstance, "warning", "ant_0", 0, "with seed 0 and the same actions differ: the observation", "from nothing else"),
    (broken.the_same_again, "error", None, None, "the factory gives the same environment at each call", "make a new one"),
    (broken.Huge, "warning", "ant_1", None, "rewards reach 5,000 in size", "divide them in the environment"),
    (broken.Unrewarding, "warning", None, None, "all rewards were 0 in 36 decisions at random", "an earlier reward"),
    (broken.OneUnrewarded, "note", "ant_1", None, "all its rewards were 0", "can earn something"),
    (broken.SelectsAStranger, "error", None, 2, "agent_selection is 'nobody', which cannot act", "select one of agents"),
    (broken.DiesAmidTheRound, "error", None, 1, "step raised ", "mend it"),
    (broken.NoMetadata, "error", None, None, "NoMetadata has no metadata", "is_parallelizable"),
    (broken.OldGymReset, "error", None, 0, "reset gave [", "return observation, info"),
    (broken.OldGymStep, "error", None, 1, "step gave 4 values", "where the old Gym had done"),
    (broken.OldGymSeed, "error", None, None, "my:world: reset takes no seed", "define reset(self, seed=None"),
]


@pytest.mark.parametrize(("make", "severity", "agent", "step", "what", "remedy"), FOUND, ids=[row[0].__name__ for row in FOUND])
def test_a_broken_environment_is_found_out(make, severity, agent, step, what, remedy):
    conformance = check(make)

    (found, *others) = conformance.findings
    assert (found.severity, found.agent, found.step) == (severity, agent, step), conformance.findings
    assert what in found.what
    assert remedy in found.remedy
    assert "\n" not in found.what + found.remedy
    assert all(other.severity == "note" for other in others) if severity == "error" else not others
    assert (conformance.spec is None) == (severity == "error")
