"""A parallel environment behind the contract: who lives when, true last observations, ends apart, masks, state, and breaches by name."""

from __future__ import annotations

import importlib
from dataclasses import fields, replace

import numpy as np
import pytest
from gymnasium import spaces

from maddpg.environments.foreign import as_factory, find_factory
from maddpg.environments.foreign.parallel import DEFAULT_TIME_LIMIT, Parallel
from maddpg.environments.host import BadEnvironment, HostEnvironment
from maddpg.types import AgentSpec, Box, Categorical
from tests.environments.foreign.worlds import Film, frame, one_hot


def play(frames, seed=3, **settings):
    """The environment, what it told at a reset and at each step, and the film itself."""
    known = ("possible_agents", "observation_space", "action_space")
    film = Film(frames, **{name: settings.pop(name) for name in known if name in settings})
    adapter = Parallel("film", film, **settings)
    told = [adapter.reset(seed)]
    for _ in frames[1:]:
        told.append(adapter.step(one_hot(adapter.spec, *([1] * adapter.spec.agent_count))))
        if not told[-1].alive.any():
            break
    return adapter, told, film


def rows(told, name):
    """A field of all steps, as a nested list."""
    return np.stack([getattr(step, name) for step in told]).tolist()


LIVES = [  # b dies, c comes late and is cut off, b comes back and dies with a
    frame(0, "ab"),
    frame(1, "a", dead="b"),
    frame(2, "ac"),
    frame(3, "ab", cut="c"),
    frame(4, "", dead="ab"),
]


def test_who_dies_comes_late_and_comes_back():
    adapter, told, film = play(LIVES)

    assert isinstance(adapter, HostEnvironment)
    assert rows(told, "alive") == [[1, 1, 0], [1, 0, 0], [1, 0, 1], [1, 1, 0], [0, 0, 0]]
    assert rows(told, "terminated") == [[0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0], [1, 1, 0]]
    assert rows(told, "truncated") == [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert rows(told, "reward") == [[0, 0, 0], [10, 11, 0], [20, 0, 0], [30, 0, 32], [40, 41, 0]]
    assert rows(told, "observation") == [
        [[0, 0], [0, 1], [0, 0]],
        [[1, 0], [1, 1], [0, 0]],  # b's last one
        [[2, 0], [0, 0], [2, 2]],
        [[3, 0], [3, 1], [3, 2]],  # c's last one
        [[4, 0], [4, 1], [0, 0]],
    ]
    assert [sorted(actions) for actions in film.actions] == [["a", "b"], ["a"], ["a", "c"], ["a", "b"]]
    assert film.seeds == [0, 3]
    assert adapter.spec.mortal
    assert not adapter.spec.masked
    for step in told:
        assert step.observation.dtype == step.reward.dtype == step.state.dtype == np.float32
        assert step.alive.dtype == step.terminated.dtype == step.truncated.dtype == step.action_mask.dtype == bool
        assert step.action_mask.all()
        assert step.state.size == 0


def test_an_episode_begins_anew_after_the_last():
    adapter, told, film = play(LIVES, time_limit=5)

    again = [adapter.reset(None)] + [adapter.step(one_hot(adapter.spec, 1, 1, 1)) for _ in LIVES[1:]]

    for first, second in zip(told, again, strict=True):
        for field in fields(first):
            np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))
    assert film.seeds[-1] is None


def test_what_was_told_is_not_changed_by_the_next_step():
    adapter, _, film = play(LIVES[:1])
    shared = film.frames[0].observations["a"]

    first = adapter.reset(0)
    shared[:] = 99

    assert first.observation[0].tolist() == [0, 0]


def test_both_ends_at_once_are_a_termination():
    ends = {"terminations": {"a": True, "b": False}, "truncations": {"a": True, "b": True}}

    _, told, _ = play([frame(0, "ab"), frame(1, "", cut="ab", **ends)])

    assert told[1].terminated.tolist() == [True, False, False]
    assert told[1].truncated.tolist() == [False, True, False]


def test_an_ended_agent_that_stays_in_agents_is_not_alive():
    _, told, _ = play([frame(0, "ab"), frame(1, "ab", terminations={"a": False, "b": True})])

    assert told[1].alive.tolist() == [True, False, False]
    assert told[1].terminated.tolist() == [False, True, False]


def test_the_dead_earn_nothing_and_end_once():
    late = {"rewards": {"a": 1, "b": 5, "c": 6}, "terminations": {"a": False, "b": True}, "truncations": {"a": False, "b": False}}

    _, told, _ = play([frame(0, "ab"), frame(1, "a", dead="b"), frame(2, "a", **late)])

    assert told[2].reward.tolist() == [1, 0, 0]
    assert told[2].terminated.tolist() == [False, False, False]


def test_sizes_names_teams_and_padding():
    seen = {"adversary_0": spaces.Box(-9, 9, (3,)), "adversary_12": spaces.Box(-9, 9, (3,)), "eve": spaces.Discrete(2)}
    done = {"adversary_0": spaces.Discrete(2), "adversary_12": spaces.MultiDiscrete([2, 3]), "eve": spaces.Box(0, 4, (1,))}
    observations = {"adversary_0": np.ones(3), "adversary_12": np.full(3, 2.0), "eve": 1}
    film = Film(
        [frame(0, seen, observations=observations), frame(1, seen, observations=observations)],
        tuple(seen),
        observation_space=seen,
        action_space=done,
    )

    adapter = Parallel("film", film)
    told = adapter.reset(0)
    adapter.step(np.array([[0, 1, 9, 9, 9], [0, 1, 0, 0, 1], [0.5, 9, 9, 9, 9]], np.float32))

    assert adapter.spec.name == "film"
    assert adapter.spec.agents == (
        AgentSpec("adversary_0", "adversary", 3, (Categorical(2),)),
        AgentSpec("adversary_12", "adversary", 3, (Categorical(2), Categorical(3))),
        AgentSpec("eve", "eve", 2, (Box((-1.0,), (1.0,)),)),
    )
    assert told.observation.tolist() == [[1, 1, 1], [2, 2, 2], [0, 1, 0]]
    assert told.action_mask.shape == (3, 5)
    (actions,) = film.actions
    assert actions["adversary_0"] == 1
    assert actions["adversary_12"].tolist() == [1, 2]
    assert actions["eve"] == 3


def test_agents_may_be_named_by_numbers():
    observations = {1: np.zeros(2), 2: np.zeros(2)}

    adapter, told, film = play(
        [frame(0, (1, 2), observations=observations), frame(1, (2,), dead=(1,), observations=observations)], possible_agents=(1, 2)
    )

    assert adapter.spec.names == ("1", "2")
    assert told[1].terminated.tolist() == [True, False]
    assert list(film.actions[0]) == [1, 2]


def test_one_agent_alone_is_not_mortal():
    adapter, _, _ = play([frame(0, "a")], possible_agents=("a",))

    assert not adapter.spec.mortal


# Time limits


def test_a_time_limit_truncates_all_who_live_and_keeps_what_they_see():
    frames = [frame(0, "ab"), frame(1, "a", dead="b"), frame(2, "ac")]

    adapter, told, _ = play(frames, time_limit=2)

    assert adapter.spec.episode_length == 2
    assert told[2].truncated.tolist() == [True, False, False]
    assert not told[2].terminated.any()
    assert not told[2].alive.any()
    assert told[2].observation.tolist() == [[2, 0], [0, 0], [0, 0]]  # c came when time was up
    assert told[2].reward.tolist() == [20, 0, 0]


def test_an_end_at_the_time_limit_stays_what_it_is():
    _, told, _ = play([frame(0, "ab"), frame(1, "b", dead="a")], time_limit=1)

    assert told[1].terminated.tolist() == [True, False, False]
    assert told[1].truncated.tolist() == [False, True, False]


def test_without_a_limit_one_is_enforced():
    adapter, told, _ = play([frame(clock, "ab") for clock in range(DEFAULT_TIME_LIMIT + 1)])

    assert adapter.spec.episode_length == DEFAULT_TIME_LIMIT == len(told) - 1
    assert told[-1].truncated.tolist() == [True, True, False]


def test_a_declared_length_is_told_and_the_environment_keeps_to_it_itself():
    film = Film([frame(0, "ab"), frame(1, "ab"), frame(2, "ab")])
    film.max_cycles = 1
    adapter = Parallel("film", film)

    adapter.reset(0)
    adapter.step(one_hot(adapter.spec, 0, 0, 0))
    told = adapter.step(one_hot(adapter.spec, 0, 0, 0))

    assert adapter.spec.episode_length == 1
    assert told.alive.tolist() == [True, True, False]


# Masks


def masked(clock, agents, mask, dead=(), cut=(), where="infos"):
    given = frame(clock, agents, dead=dead, cut=cut)
    everyone = (*agents, *dead, *cut)
    if where == "infos":
        return replace(given, infos={agent: {"action_mask": mask[agent]} for agent in everyone if agent in mask})
    return replace(
        given, observations={agent: {"observation": given.observations[agent], "action_mask": mask[agent]} for agent in everyone}
    )


SEEN = spaces.Dict({"action_mask": spaces.MultiBinary(3), "observation": spaces.Box(-100, 100, (2,))})


@pytest.mark.parametrize("where", ["infos", "observations"])
def test_masks_of_those_who_go_on_or_are_cut_off(where):
    first = {"a": np.array([1, 0, 0], np.int8), "b": np.array([0, 1, 1], np.int8)}
    second = {"a": np.array([0, 0, 1], np.int8), "b": np.zeros(3, np.int8)}
    settings = {} if where == "infos" else {"observation_space": SEEN}

    adapter, told, _ = play(
        [masked(0, "ab", first, where=where), masked(1, "", second, dead="b", cut="a", where=where)], possible_agents=("a", "b"), **settings
    )

    assert adapter.spec.masked
    assert adapter.spec.agents[0].observation_size == 2
    assert told[0].action_mask.tolist() == [[1, 0, 0], [0, 1, 1]]
    assert told[1].action_mask.tolist() == [[0, 0, 1], [1, 1, 1]]  # b, dead, has nothing to choose from
    assert told[1].observation.tolist() == [[1, 0], [1, 1]]


def test_a_mask_without_an_option_means_nothing_to_one_who_was_cut_off():
    nothing = {"a": np.zeros(3), "b": np.ones(3)}

    _, told, _ = play([masked(0, "ab", {"a": np.ones(3)}), masked(1, "b", nothing, cut="a")])

    assert told[1].action_mask.all()


def test_a_time_limit_leaves_the_mask_for_the_value_beyond():
    _, told, _ = play([masked(0, "ab", {"a": np.ones(3)}), masked(1, "ab", {"a": np.array([0, 1, 0])})], time_limit=1)

    assert told[1].action_mask.tolist() == [[0, 1, 0], [1, 1, 1], [1, 1, 1]]


def test_a_mask_of_one_who_comes_late():
    _, told, _ = play([masked(0, "a", {"a": np.ones(3)}), masked(1, "ac", {"a": np.ones(3), "c": np.array([0, 0, 1])})])

    assert told[1].action_mask[2].tolist() == [0, 0, 1]


def test_who_comes_late_may_be_the_only_one_with_a_mask():
    plain = spaces.Box(-100, 100, (2,))
    late = {"a": np.zeros(2), "c": {"observation": np.zeros(2), "action_mask": np.array([0, 1, 0])}}

    adapter, told, _ = play([frame(0, "a"), frame(1, "ac", observations=late)], observation_space={"a": plain, "b": plain, "c": SEEN})

    assert adapter.spec.masked
    assert told[1].action_mask.tolist() == [[1, 1, 1], [1, 1, 1], [0, 1, 0]]


# State


def test_the_state_is_the_environments_own():
    frames = [frame(0, "ab", state=np.arange(6.0).reshape(2, 3)), frame(1, "", dead="ab", state=np.full((2, 3), 7, np.uint8))]

    adapter, told, _ = play(frames, with_state=True)

    assert adapter.spec.state_size == 6
    assert rows(told, "state") == [[0, 1, 2, 3, 4, 5], [7] * 6]
    assert told[0].state.dtype == np.float32


def test_without_state_it_is_not_asked_for():
    adapter, told, _ = play([frame(0, "ab", state="nothing of use"), frame(1, "", dead="ab")])

    assert adapter.spec.state_size == 0
    assert told[1].state.shape == (0,)


# What goes wrong


class Unkept(Film):
    """Another space after each reset."""

    def observation_space(self, agent):
        return spaces.Box(0, 1 + len(self.seeds), (2,))


class Spaceless(Film):
    action_space = Film.__mro__[1].action_space  # PettingZoo's default looks for a dictionary, and warns


class Seedless(Film):
    def reset(self):
        return super().reset()


@pytest.mark.parametrize(
    ("film", "message"),
    [
        (lambda: Film([frame(0, "ab")], possible_agents=()), "film has no possible_agents; list there all agents"),
        (lambda: Film([frame(0, "ab")], possible_agents=(1, "1")), "film has 1 twice in possible_agents"),
        (
            lambda: Film([frame(0, "ab")], action_space={"a": spaces.Discrete(2)}),
            r"b has no action_space \(KeyError\('b'\)\); define action_space",
        ),
        (
            lambda: Film([frame(0, "ab")], observation_space={"a": 1, "b": 2, "c": 3}),
            r"a: observation_space\(agent\) gives 1; it must give a space",
        ),
        (lambda: Film([frame(0, "ab")], action_space=spaces.Text(3)), "a: the action space Text.* is not supported"),
        (lambda: Spaceless([frame(0, "ab")]), r"a has no action_space \(AttributeError"),
        (lambda: Unkept([frame(0, "ab")]), "a: the observation_space is Box.* before a reset and Box.* after it; keep to one"),
        (lambda: Seedless([frame(0, "ab")]), r"film: reset takes no seed .*; define reset\(self, seed=None, options=None\)"),
    ],
)
def test_what_cannot_be_trained_in_is_said_at_once(film, message):
    with pytest.raises(ValueError, match=message) as caught:
        Parallel("film", film())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("state", ["words", None])
def test_no_state_is_said_at_once(state):
    film = Film([frame(0, "ab", state=state)])
    if state is None:
        film.state = super(Film, film).state  # PettingZoo's own, which is not implemented

    with pytest.raises(
        ValueError, match=r'film has no state\(\) that is an array of numbers .*; define it, or leave critic_input = "observations"'
    ):
        Parallel("film", film, with_state=True)


NAN = np.array([0, np.nan])
GOOD = {"a": np.zeros(2), "b": np.zeros(2)}
MASK = {"a": {"action_mask": np.zeros(3)}}
LEFT = {"observations": GOOD} | {kind: dict.fromkeys("ab", 0) for kind in ("rewards", "terminations", "truncations")}
BREACHES = {
    "changed shape": (frame(1, "ab", observations=GOOD | {"b": np.zeros(3)}), r"film, b, step 1 of the episode: .* has shape \(3,\)"),
    "nan": (frame(1, "ab", observations=GOOD | {"b": NAN}), "film, b, step 1 .* is nan in column 1; it must be finite"),
    "nan at the end": (frame(1, "a", dead="b", observations=GOOD | {"b": NAN}), "b, step 1 .*nan in column 1"),
    "too large": (frame(1, "ab", observations=GOOD | {"a": np.array([1e39, 0])}), "a, step 1 .* the observation is inf in column 0"),
    "no observation": (frame(1, "ab", observations={"a": np.zeros(2)}), "b, step 1 .* has no observation; give one to all in agents"),
    "no last observation": (frame(1, "a", cut="b", observations={"a": np.zeros(2)}), "b, step 1 .* has no observation"),
    "unknown observation": (frame(1, "ab", observations=GOOD | {"z": np.zeros(2)}), "z, step 1 .* has an observation and is missing in"),
    "unknown agent": (frame(1, "abz"), "z, step 1 .* stands in agents and is missing in possible_agents; list"),
    "reward nan": (frame(1, "ab", rewards={"a": 1.0, "b": np.nan}), "b, step 1 .* the reward is nan; it must be finite"),
    "reward infinite": (frame(1, "ab", rewards={"a": -1e300, "b": 0}), r"a, step 1 .* the reward is -1e\+300; it must be finite"),
    "reward none": (frame(1, "ab", rewards={"a": 1.0, "b": None}), "b, step 1 .* the reward is None"),
    "reward words": (frame(1, "ab", rewards={"a": "much", "b": 0}), "a, step 1 .* the reward is much; it must be one number"),
    "reward vector": (frame(1, "ab", rewards={"a": np.ones(2), "b": 0}), r"a, step 1 .* the reward is \[1. 1.\]; it must be one number"),
    "no reward": (frame(1, "ab", rewards={"a": 1.0}), "b, step 1 .* acted and got no reward"),
    "no termination": (frame(1, "ab", terminations={"a": False}), "b, step 1 .* acted and got no termination"),
    "no truncation": (frame(1, "ab", truncations={"b": False}), "a, step 1 .* acted and got no truncation"),
    "end of each limb": (frame(1, "ab", terminations={"a": False, "b": np.ones(2)}), r"b, step 1 .* the termination is \[1. 1.\]; it must"),
    "left without an end": (frame(1, "a", **LEFT), "b, step 1 .* left agents without an end; set its termination"),
    "late mask": (frame(1, "ab", infos={"a": {"action_mask": np.array([1, 0, 1])}}), "step 1 .* gave none at its first reset"),
    "nothing allowed": (frame(1, "ab", infos=MASK), r"a, step 1 .* the action mask \[0. 0. 0.\] forbids every option of a choice"),
    "state too long": (frame(1, "ab", state=np.zeros(3)), r"state\(\), step 1 .* it has 3 values and had 2 after the first reset"),
    "state nan": (frame(1, "ab", state=NAN), r"state\(\), step 1 .* it is nan in column 1"),
}  # fmt: skip


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_names_agent_step_and_remedy(breach):
    broken, message = BREACHES[breach]
    frames = [replace(made, state=np.zeros(2) if made.state is None else made.state) for made in (frame(0, "ab"), broken)]

    with pytest.raises(BadEnvironment, match=message) as caught:
        play(frames, with_state=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mask", [np.ones(4), np.array([1, 0.5, 1])])
def test_a_mask_that_does_not_fit_names_the_agent(mask):
    with pytest.raises(BadEnvironment, match="film, a, step 1 of the episode: the action mask "):
        play([masked(0, "ab", {"a": np.ones(3)}), masked(1, "ab", {"a": mask})])


@pytest.mark.parametrize("mask", [([0, 1], None), (None, [0, 0, 1]), ([1, 0], [1, 0, 1])])
def test_a_part_without_a_mask_is_all_allowed(mask):
    given = {"infos": {"a": {"action_mask": mask}}}
    pair = spaces.Tuple((spaces.Discrete(2), spaces.Discrete(3)))

    adapter, told, _ = play([frame(0, "a", **given), frame(1, "a", **given)], action_space=pair)

    assert adapter.spec.masked
    for step in told:
        assert step.action_mask[0].tolist() == [*(mask[0] or [1, 1]), *(mask[1] or [1, 1, 1])]


@pytest.mark.parametrize("seen", [-1, 3, 0.5, np.nan])
@pytest.mark.parametrize("wrap", [False, True])
def test_a_choice_that_there_is_not_is_a_breach(seen, wrap):
    space = spaces.Tuple((spaces.Discrete(3),)) if wrap else spaces.Discrete(3)
    first, second = ({"a": (value,) if wrap else value} for value in (2, seen))

    with pytest.raises(BadEnvironment, match=r"film, a, step 1 of the episode: the observation.* is .*; .* must be a choice from 0 to 2"):
        play([frame(0, "a", observations=first), frame(1, "a", observations=second)], observation_space=space)


def test_a_number_in_a_tuple_that_is_not_finite_is_a_breach():
    space = spaces.Tuple((spaces.Discrete(2), spaces.Box(0, 9, (2,), np.int32)))
    first, second = ({"a": (1, np.array([0, value]))} for value in (1, np.nan))

    with pytest.raises(BadEnvironment, match="film, a, step 1 of the episode: the observation is nan in column 3; it must be finite"):
        play([frame(0, "a", observations=first), frame(1, "a", observations=second)], observation_space=space)


def test_an_observation_without_its_mask_is_a_breach():
    good = masked(0, "a", {"a": np.ones(3)}, where="observations")
    bad = frame(1, "a", observations={"a": {"observation": np.zeros(2)}})

    with pytest.raises(BadEnvironment, match=r"a, step 1 .* the observation has no action_mask, though its space has"):
        play([good, bad], observation_space=SEEN)


def test_the_dead_may_go_without_a_last_observation():
    _, told, _ = play([frame(0, "ab"), frame(1, "a", dead="b", observations={"a": np.ones(2)})])

    assert told[1].observation[1].tolist() == [0, 0]
    assert told[1].terminated[1]


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (frame(0, ""), "film, the environment, reset: nobody stands in agents"),
        (frame(0, "ab", observations={"a": NAN, "b": NAN}), "film, a, reset: the observation is nan"),
        (
            frame(0, "ab", observations=[1, 2]),
            r"film, the environment, reset: it gave .*; it must give observations, infos, each a dictionary",
        ),
    ],
)
def test_a_broken_reset_is_said(first, message):
    with pytest.raises(BadEnvironment, match=message):
        play([first])


class OldStyle(Film):
    """Gym's former four values."""

    def step(self, actions):
        observations, rewards, terminations, _, infos = super().step(actions)
        return observations, rewards, terminations, infos


def test_a_step_of_the_old_kind_is_said():
    adapter = Parallel("film", OldStyle(LIVES))
    adapter.reset(0)

    with pytest.raises(BadEnvironment, match="it must give observations, rewards, terminations, truncations, infos, each a dictionary"):
        adapter.step(one_hot(adapter.spec, 0, 0, 0))


def test_closing_closes_the_environment():
    adapter, _, film = play(LIVES[:1])

    adapter.close()

    assert film.closed


# The real thing


@pytest.mark.parametrize("continuous", [False, True])
def test_simple_tag_step_by_step_as_mpe2_plays_it(continuous):
    arguments = {"num_good": 2, "max_cycles": 6, "continuous_actions": continuous}
    adapter = as_factory("mpe2:simple_tag_v3", find_factory("mpe2:simple_tag_v3"), arguments, with_state=True)()
    raw = importlib.import_module("mpe2.simple_tag_v3").parallel_env(**arguments)
    names, generator = raw.possible_agents, np.random.default_rng(0)
    assert adapter.spec.names == tuple(names)
    assert adapter.spec.teams == ("adversary", "agent")
    assert adapter.spec.episode_length == 6
    compared = 0

    for seed in (5, 6):
        told, (observations, _) = adapter.reset(seed), raw.reset(seed=seed)
        while raw.agents:
            for index, name in enumerate(names):
                size = observations[name].size
                np.testing.assert_allclose(told.observation[index, :size], observations[name], rtol=1e-5, atol=1e-6)
                assert not told.observation[index, size:].any()
            np.testing.assert_allclose(told.state, raw.state(), rtol=1e-5, atol=1e-6)
            assert told.alive.all()
            if continuous:
                action = generator.uniform(-1, 1, (5, 5)).astype(np.float32)
                taken = {name: (row + 1) / 2 for name, row in zip(names, action, strict=True)}
            else:
                chosen = generator.integers(0, 5, 5)
                action, taken = one_hot(adapter.spec, *chosen), dict(zip(names, chosen, strict=True))
            told = adapter.step(action)
            observations, rewards, terminations, truncations, _ = raw.step(taken)
            np.testing.assert_allclose(told.reward, [rewards[name] for name in names], rtol=1e-5)
            assert told.terminated.tolist() == [terminations[name] for name in names]
            assert told.truncated.tolist() == [truncations[name] for name in names]
            compared += 1
        last = np.pad(observations[names[-1]], (0, told.observation.shape[1] - observations[names[-1]].size))
        np.testing.assert_allclose(told.observation[-1], last, rtol=1e-5, atol=1e-6)
        assert not told.alive.any()
    assert compared == 12
