"""JaxMARL under our contract: step by step what JaxMARL does, with ends, deaths, masks and time limits as they are."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.config import Config
from maddpg.environments import jaxmarl
from maddpg.environments.conformance import check_environment
from maddpg.environments.contract import restart
from maddpg.environments.jaxmarl import adapter, names, spaces
from maddpg.environments.jaxmarl.adapter import _allowed
from maddpg.environments.jaxmarl.families import NEVER, declared_length, without_clock_of_brax
from maddpg.environments.registry import make_environment
from maddpg.types import Box, Categorical

SMALL = {"num_allies": 2, "num_enemies": 1, "map_width": 12, "map_height": 12, "max_steps": 15}
"""A battle that is soon over, and compiles soon."""


def random_action(environment, key, mask):
    """[agent, action], an allowed choice of each agent."""
    logits = jnp.where(environment.spec.action_valid & mask, 0.0, -jnp.inf)
    return jax.nn.one_hot(jax.random.categorical(key, logits, axis=1), environment.spec.action_width)


@cache
def battles(count=6):
    """Random battles, by our adapter and beside it by JaxMARL's own `step_env`; leading axes [battle, step]."""
    environment, raw = jaxmarl.make("jaxmarl:SMAX", **SMALL), names.construct("SMAX", SMALL)
    agents = environment.spec.names

    def step(carry, key):
        state, inner = carry
        act_key, step_key = jax.random.split(key)
        before = environment.availability(state)
        action = random_action(environment, act_key, before.action_mask)
        choice = jnp.where(before.alive, jnp.argmax(action, axis=1), 4)
        observations, inner, rewards, dones, _ = raw.step_env(step_key, inner, dict(zip(agents, choice, strict=True)))
        theirs = {
            "observation": jnp.stack([observations[agent] for agent in agents]),
            "state": observations["world_state"],
            "reward": jnp.stack([rewards[agent] for agent in agents]),
            "done": jnp.stack([dones[agent] for agent in agents]),
            "over": dones["__all__"],
            "allowed": raw.get_avail_actions(inner),
            "alive": inner.unit_alive,
        }
        state, result = environment.step(step_key, state, action)
        ours = {"before": before, "after": environment.availability(state), "result": result, "metrics": environment.metrics(state)}
        return (state, inner), ours | {"state": state, "theirs": theirs}

    def battle(key):
        reset_key, key = jax.random.split(key)
        first = raw.reset(reset_key)[1]
        return jax.lax.scan(step, (environment.reset(reset_key)[0], first), jax.random.split(key, SMALL["max_steps"]))[1]

    with jax.numpy_rank_promotion("allow"):
        return environment, jax.tree.map(np.asarray, jax.jit(jax.vmap(battle))(jax.random.split(jax.random.key(3), count)))


def until_over(record):
    """[battle, step] bool: the steps of the first episode, its last one included."""
    over = record["theirs"]["over"] | (np.arange(SMALL["max_steps"]) == SMALL["max_steps"] - 1)
    return np.cumsum(np.cumsum(over, axis=1), axis=1) <= 1


@cache
def chase():
    """Simple tag for 60 steps in two worlds at once, restarted as in training, and what JaxMARL's own steps say in each episode."""
    environment, raw = jaxmarl.make("MPE_simple_tag_v3"), names.construct("MPE_simple_tag_v3", {})
    agents = environment.spec.names

    def step(carry, keys):
        state, inner = carry
        act_key, step_key, reset_key = keys
        action = jax.nn.one_hot(jax.random.randint(act_key, (4,), 0, 5), 5)
        choice = dict(zip(agents, jnp.argmax(action, axis=1), strict=True))
        observations, inner, rewards, dones, _ = raw.step_env(step_key, inner, choice)
        stepped, result = environment.step(step_key, state, action)
        state, result = restart(environment, reset_key, stepped, result)
        ended = jnp.all(result.truncated)
        inner = jax.tree.map(partial(jnp.where, ended), raw.reset(reset_key)[1], inner)
        theirs = {"observation": observations, "reward": jnp.stack([rewards[agent] for agent in agents]), "done": dones["__all__"]}
        return (state, inner), {"result": result, "theirs": theirs, "first": raw.get_obs(inner)}

    def play(key):
        reset_key, key = jax.random.split(key)
        keys = tuple(jax.random.split(key, (3, 60)))
        return jax.lax.scan(step, (environment.reset(reset_key)[0], raw.reset(reset_key)[1]), keys)[1]

    with jax.numpy_rank_promotion("allow"):
        return environment, jax.tree.map(np.asarray, jax.jit(jax.vmap(play))(jax.random.split(jax.random.key(0), 2)))


def padded(observations, environment):
    """JaxMARL's observations [world, step, ...] by agent as rows."""
    width = environment.spec.observation_width
    return np.stack(
        [np.pad(row, ((0, 0), (0, 0), (0, width - row.shape[2]))) for row in (observations[name] for name in environment.spec.names)], 2
    )


def test_tag_is_described_as_it_is():
    spec = chase()[0].spec

    assert spec.name == "jaxmarl:MPE_simple_tag_v3"
    assert spec.names == ("adversary_0", "adversary_1", "adversary_2", "agent_0")
    assert spec.teams == ("adversary", "agent")
    assert [agent.observation_size for agent in spec.agents] == [16, 16, 16, 14]
    assert {agent.action for agent in spec.agents} == {(Categorical(5),)}
    assert (spec.state_size, spec.episode_length, spec.mortal, spec.masked) == (0, 25, False, False)


def test_tag_goes_as_in_jaxmarl_step_by_step():
    environment, record = chase()
    result, theirs = record["result"], record["theirs"]

    np.testing.assert_allclose(result.next_observation, padded(theirs["observation"], environment), atol=1e-6)
    np.testing.assert_allclose(result.reward, theirs["reward"], atol=1e-6)
    assert result.next_observation.dtype == result.reward.dtype == np.float32
    assert np.std(result.next_observation) > 0.3


def test_tag_is_truncated_at_step_25_and_never_terminated():
    _, record = chase()
    result = record["result"]
    ends = np.zeros(60, bool)
    ends[[24, 49]] = True

    assert (result.truncated == ends[None, :, None]).all()
    assert not result.terminated.any()
    assert not record["theirs"]["done"].any()  # JaxMARL would have played on for a 26th step


def test_the_true_last_observation_survives_the_restart():
    environment, record = chase()
    result, first = record["result"], padded(record["first"], environment)
    differ = np.abs(result.next_observation - result.observation).max(axis=(2, 3)) > 0.01

    assert (np.flatnonzero(differ[0]) == [24, 49]).all()
    np.testing.assert_allclose(result.observation[:, [24, 49]], first[:, [24, 49]], atol=1e-6)


def test_battles_go_as_in_jaxmarl_while_units_live():
    environment, record = battles()
    result, theirs, first = record["result"], record["theirs"], until_over(record)
    acted = record["before"].alive & first[:, :, None]

    np.testing.assert_allclose(result.next_observation[acted], theirs["observation"][acted], atol=1e-6)
    np.testing.assert_allclose(result.reward[acted], theirs["reward"][acted], atol=1e-6)
    np.testing.assert_allclose(result.next_state[first], theirs["state"][first], atol=1e-6)
    state = jax.tree.map(lambda leaf: jnp.asarray(leaf[0, 0]), record["state"])
    np.testing.assert_allclose(environment.global_state(state), theirs["state"][0, 0], atol=1e-6)
    assert environment.spec.state_size == theirs["state"].shape[-1] > 0
    assert np.abs(result.reward[acted]).max() > 0.1


def test_the_dead_see_nothing_earn_nothing_and_stay_terminated():
    _, record = battles()
    result, theirs, first = record["result"], record["theirs"], until_over(record)
    dead = ~record["before"].alive & first[:, :, None]

    assert dead.any(axis=1).sum() >= 2  # and others played on
    assert (record["after"].alive == ~result.terminated)[first].all()
    assert (record["before"].alive[:, 1:] == record["after"].alive[:, :-1]).all()
    assert result.terminated[dead].all()
    assert not result.truncated[dead].any()
    assert not result.next_observation[dead].any()
    assert not result.reward[dead].any()
    assert np.abs(theirs["reward"][dead]).max() > 0  # SMAX goes on paying
    assert not result.observation[result.terminated].any()


def test_a_battle_that_is_won_terminates_all_and_time_truncates_who_is_left():
    environment, record = battles()
    result, theirs, first = record["result"], record["theirs"], until_over(record)
    last = first & ~np.pad(first, ((0, 0), (0, 1)))[:, 1:]
    decided = theirs["over"] & last
    time_is_up = last & ~theirs["over"]

    assert environment.spec.episode_length == SMALL["max_steps"]
    assert decided.any()
    assert time_is_up.any()
    assert result.terminated[decided].all()
    assert (result.terminated == ~theirs["alive"])[first & ~decided].all()
    assert (result.truncated == theirs["alive"])[time_is_up].all()
    assert not result.truncated[first & ~time_is_up].any()
    assert (record["metrics"]["won"] == theirs["alive"][:, :, :2].any(axis=2) & ~theirs["alive"][:, :, 2])[first].all()


def test_masks_are_those_of_jaxmarl():
    environment, record = battles()
    after, allowed, first = record["after"].action_mask, record["theirs"]["allowed"], until_over(record)

    assert environment.spec.masked
    for index, agent in enumerate(environment.spec.agents):
        assert (after[first][:, index, : agent.action_size] == allowed[agent.name][first]).all()
        assert after[:, :, index, agent.action_size :].all()
    assert not after[first][:, :2, :6].all()
    assert environment.spec.agents[0].action_size < environment.spec.action_width


def test_who_is_dead_stops():
    environment, record = battles()
    state = jax.tree.map(lambda leaf: jnp.asarray(leaf[0, 0]), record["state"])
    state = replace(state, dead=jnp.array([True, False, False]))
    go_north = jax.nn.one_hot(jnp.zeros(3, int), environment.spec.action_width)
    stepped, _ = jax.jit(environment.step)(jax.random.key(0), state, go_north)

    assert environment.still.argmax(axis=1).tolist() == [4, 4, 4]
    moved = np.asarray(stepped.inner.prev_movement_actions).any(axis=1)
    assert moved.tolist() == [False, True, True]


@cache
def riddle():
    return jaxmarl.make("switch_riddle")


@pytest.mark.parametrize(("told", "ends"), [(None, "truncated"), (2, "terminated"), (5, "terminated")])
def test_an_answer_terminates_the_riddle_even_at_the_last_step(told, ends):
    environment = riddle()
    step = jax.jit(environment.step)
    state, observation = environment.reset(jax.random.key(0))
    for moment in range(6):
        choice = jnp.full(3, 2 if moment == told else 0)
        state, result = step(jax.random.key(moment), state, jax.nn.one_hot(choice, 3))
        if moment == told:
            break
        assert not result.terminated.any()

    assert environment.spec.episode_length == 6
    assert environment.spec.agents[0].observation_size == 4
    assert (observation.reshape(3, 2, 2).sum(axis=2) == 1).all()  # one-hot
    assert result.terminated.all() == (ends == "terminated")
    assert result.truncated.all() == (ends == "truncated")


def part_of_jaxmarl(module):
    """One of its modules, with the whole imported quietly first."""
    names.construct("switch_riddle", {})
    return importlib.import_module(f"jaxmarl.environments.{module}")


def make_raw(length=None):
    """A plain environment of JaxMARL's kind, in no family: who chooses 1 is done; the clock counts."""
    kinds = part_of_jaxmarl("spaces")

    class Plain(part_of_jaxmarl("multi_agent_env").MultiAgentEnv):
        def __init__(self):
            super().__init__(2)
            self.observation_spaces = {agent: kinds.Box(0, 9, (1, 2)) for agent in self.agents}
            self.action_spaces = {agent: kinds.Discrete(2) for agent in self.agents}
            if length is not None:
                self.max_steps = length

        def reset(self, key):
            return self.observe(0), 0

        def observe(self, clock):
            return {agent: jnp.full((1, 2), clock + index) for index, agent in enumerate(self.agents)}

        def step_env(self, key, state, actions):
            dones = {agent: (choice == 1) | (state + 1 >= (length or NEVER)) for agent, choice in actions.items()}
            dones["__all__"] = jnp.all(jnp.stack(list(dones.values())))
            clock = jnp.int32(state + 1)
            return self.observe(clock), clock, {agent: 1 for agent in self.agents}, dones, {}

    return Plain()


def test_an_unknown_environment_ends_for_good_before_its_limit_and_by_time_at_it():
    environment = jaxmarl.from_jaxmarl(make_raw(length=2), "mine")
    state, first = environment.reset(jax.random.key(0))
    choices = jax.nn.one_hot(jnp.array([[0, 1], [0, 0]]), 2)
    state, result = environment.step(jax.random.key(0), state, choices[0])
    _, last = environment.step(jax.random.key(0), state, choices[1])

    assert environment.spec.mortal
    assert first.tolist() == [[0, 0], [1, 1]]
    assert result.terminated.tolist() == [False, True]
    assert result.next_observation.tolist() == [[1, 1], [2, 2]]  # its last one
    assert result.observation.tolist() == [[1, 1], [0, 0]]
    assert result.reward.tolist() == [1, 1]
    assert last.next_observation.tolist() == [[2, 2], [0, 0]]
    assert last.terminated.tolist() == [False, True]
    assert last.truncated.tolist() == [True, False]
    assert last.reward.tolist() == [1, 0]


def test_an_environment_without_a_limit_gets_one():
    assert declared_length(make_raw()) == 1000
    assert declared_length(make_raw(length=7)) == 7


def test_the_state_can_be_carried_through_a_loop():
    environment = jaxmarl.from_jaxmarl(make_raw(length=2), "mine")
    state, _ = environment.reset(jax.random.key(0))
    stepped, _ = environment.step(jax.random.key(0), state, environment.still)

    assert jax.tree.map(jax.typeof, state) == jax.tree.map(jax.typeof, stepped)
    assert environment.scripted is None
    assert environment.metrics(state) == {}


def test_the_callers_environment_is_left_alone():
    raw = names.construct("HeuristicEnemySMAX", SMALL)
    environment = jaxmarl.from_jaxmarl(raw, "mine")

    assert raw.max_steps == SMALL["max_steps"] == environment.spec.episode_length
    assert environment.spec.names == ("ally_0", "ally_1")
    assert environment.spec.teams == ("ally",)


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.7), (-1.0, 1.0), (-0.52359878, 0.52359878), (1e-3, 123.456)])
def test_the_ends_of_a_box_are_reached_exactly(low, high):
    kinds = part_of_jaxmarl("spaces")
    hand = spaces.describe_action(kinds.Box(low, high, (2, 3)), "agent_0", 0)
    given = jnp.array([-1.0, 1.0, 0.0, -2.0, 2.0, 0.3, 0.0])
    value = np.asarray(jax.jit(hand.decode)(given)).ravel()
    low, high = np.float32(low), np.float32(high)

    assert hand.space == Box((-1.0,) * 6, (1.0,) * 6)
    assert (value[[0, 3]] == low).all()
    assert (value[[1, 4]] == high).all()
    np.testing.assert_allclose(value[[2, 5]], [(low + high) / 2, low + 0.65 * (high - low)], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(np.asarray(hand.decode(jnp.asarray(hand.still))), np.clip(0, low, high), atol=1e-7)


def test_a_box_that_is_ours_already_stays():
    kinds = part_of_jaxmarl("spaces")
    given = jnp.array([1e-8, 0.123456789, -0.987654321])

    assert (spaces.describe_action(kinds.Box(-1.0, 1.0, (3,)), "agent_0", 0).decode(given) == given).all()


@pytest.mark.parametrize(
    ("make_space", "what"),
    [
        (lambda kinds: kinds.Box(-jnp.inf, 1.0, (2,)), "Box"),
        (lambda kinds: kinds.Box(1.0, 1.0, (2,)), "Box"),
        (lambda kinds: kinds.Discrete(0), "Discrete"),
        (lambda kinds: kinds.MultiDiscrete([2, 3]), "MultiDiscrete"),
    ],
)
def test_action_spaces_that_cannot_be_played_are_refused(make_space, what):
    with pytest.raises(ValueError, match=f"agent_7 has the action space {what} .* not supported"):
        spaces.describe_action(make_space(part_of_jaxmarl("spaces")), "agent_7", 0)


def test_observations_that_are_no_arrays_are_refused():
    with pytest.raises(ValueError, match="agent_7 observes a dict"):
        spaces.describe_observation({}, {"inventory": 1}, "agent_7")


def test_observations_by_no_names_are_refused():
    with pytest.raises(ValueError, match=r"jaxmarl:storm_2p gives no observations by agents' names"):
        jaxmarl.make("storm_2p")


def test_a_game_that_is_over_forbids_nothing():
    assert _allowed(jnp.zeros(3), 4).tolist() == [True] * 4
    assert _allowed(jnp.array([0, 1, 0]), 4).tolist() == [False, True, False, True]


def test_hanabi_masks_who_is_not_to_move():
    environment = jaxmarl.make("hanabi", num_colors=2, num_ranks=2, hand_size=2, num_cards_of_rank=np.array([3, 2]))
    allowed = jax.jit(lambda key: environment.availability(environment.reset(key)[0]).action_mask)(jax.random.key(0))
    nothing = environment.still.argmax(axis=1)

    assert environment.spec.masked
    assert allowed.sum(axis=1).tolist()[1] == 1
    assert [bool(row[index]) for row, index in zip(allowed, nothing, strict=True)] == [False, True]
    assert environment.spec.episode_length == 2 * (10 - 2 * 2 + 3) + 8 + 2


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("MPE_simple_tg_v3", {}, "unknown JaxMARL environment 'MPE_simple_tg_v3'; did you mean 'MPE_simple_tag_v3'"),
        ("os.system", {}, "unknown JaxMARL environment 'os.system'"),
        (
            "MPE_simple_tag_v3",
            {"num_adversarys": 2},
            "unknown argument of jaxmarl:MPE_simple_tag_v3 'num_adversarys'; did you mean 'num_adversaries'",
        ),
        ("SMAX", {"scenaro": "3m"}, "jaxmarl:SMAX cannot be made with .*unexpected keyword argument 'scenaro'"),
        ("SMAX", {"scenario": "3n"}, "unknown scenario of jaxmarl:SMAX '3n'; did you mean '3m'"),
        ("overcooked", {"layout": "cramped"}, "unknown layout of jaxmarl:overcooked 'cramped'; did you mean 'cramped_room'"),
        ("MPE_simple_reference_v3", {"num_agents": 3}, "AssertionError: SimpleReferenceMPE only supports 2 agents"),
    ],
)
def test_wrong_names_and_arguments_are_refused_in_one_line(name, arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        jaxmarl.make(f"jaxmarl:{name}", **arguments)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [0, -4, "xxxxxxxxxx", 2.5, True, NEVER + 1])
def test_a_length_that_is_no_number_of_steps_is_refused(length):
    raw = make_raw()
    raw.max_steps = length

    with pytest.raises(ValueError, match=r"^mine has episodes of .* steps: give it a whole number of steps from 1 to 2_147_483_647$"):
        jaxmarl.from_jaxmarl(raw, "mine")


def test_the_mistakes_of_an_environment_are_told_in_one_line_and_found_by_its_check(monkeypatch):
    raw = make_raw(length=2)
    raw.reset = lambda key: raw.observe(0) + 1
    monkeypatch.setattr(adapter, "construct", lambda plain, arguments: raw)
    config = Config("jaxmarl:mine")

    with pytest.raises(ValueError, match=r"^jaxmarl:mine cannot be made: TypeError: .* \(test_jaxmarl.py, line \d+\); `maddpg check-env"):
        make_environment(config)
    (finding,) = check_environment(config).findings
    assert finding.severity == "error"
    assert finding.what.startswith("making it raised TypeError: ")


def test_arguments_that_are_right_are_taken():
    assert jaxmarl.make("MPE_simple_tag_v3", num_adversaries=2, max_steps=7, damping=0.5).spec.episode_length == 7
    assert names.construct("SMAX", {"scenario": "3m"}).num_agents == 6


def test_without_jaxmarl_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "jaxmarl", None)

    with pytest.raises(ImportError, match=r'pip install "maddpg\[jaxmarl\]"'):
        jaxmarl.make("MPE_simple_tag_v3")
    with pytest.raises(ImportError, match="environments of JaxMARL need jaxmarl"):
        check_environment(Config("jaxmarl:MPE_simple_tag_v3"))


def test_what_jaxmarl_prints_when_imported_is_not_shown(monkeypatch, tmp_path, capsys):
    (tmp_path / "jaxmarl.py").write_text('print("Importing...")\nregistered_envs = []')
    monkeypatch.setitem(sys.modules, "jaxmarl", None)  # so that it is put back as it was
    monkeypatch.delitem(sys.modules, "jaxmarl")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ValueError, match="unknown JaxMARL environment"):
        jaxmarl.make("MPE_simple_tag_v3")
    assert capsys.readouterr().out == ""


def test_mabrax_loses_its_clock_but_never_its_last_observation():
    class Clock:
        episode_length = 1000

    class Body:
        def __init__(self, auto_reset):
            self.env, self.auto_reset = Clock(), auto_reset

    body = Body(auto_reset=False)

    assert without_clock_of_brax(body).env.episode_length == NEVER
    assert body.env.episode_length == 1000
    with pytest.raises(ValueError, match="auto_reset=False"):
        without_clock_of_brax(Body(auto_reset=True))
