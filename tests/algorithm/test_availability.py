"""Agents that are absent and choices that are forbidden: in acting, in every loss, and in a game that turns on a death."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm import actions
from maddpg.algorithm.acting import act, act_greedily, act_randomly
from maddpg.algorithm.actions import action_layout
from maddpg.algorithm.availability import team_presence, with_teams_return
from maddpg.algorithm.inference import compare_models, inferred_actions
from maddpg.algorithm.joint_actions import next_actions
from maddpg.algorithm.learning import Batches
from maddpg.algorithm.networks import Network
from maddpg.algorithm.state import assemble, hyper
from maddpg.algorithm.update import update
from maddpg.config import AlgorithmConfig, TeamConfig, TrainingConfig
from maddpg.environments.contract import Environment
from maddpg.training.fused import Fused
from maddpg.types import AgentSpec, Availability, Box, Categorical, EnvSpec, Simplex, TimeStep, Transition
from tests.algorithm.batches import louder, random_transitions, start

HERO = AgentSpec("hero", "us", 2, (Categorical(3), Simplex(3), Box((-1.0,), (1.0,))))
AIDE = AgentSpec("aide", "us", 3, (Categorical(4),))
FOE = AgentSpec("foe", "them", 1, (Box((-2.0,), (1.0,)),))
SPEC = EnvSpec("skirmish", (HERO, AIDE, FOE), 0, 5, mortal=True, masked=True)
"""Every kind of action; the second agent's choices have columns of padding behind them."""
FORBIDDEN = np.zeros((3, 7), bool)
FORBIDDEN[0, [1, 4]] = FORBIDDEN[1, [0, 3]] = True
SMALL = AlgorithmConfig(actor_layers=(8,), critic_layers=(8,), logit_regulariser=0.0)
BATCH = 64


def forbidding(batch: int, alive=None) -> Availability:
    """The same choices forbidden in every row."""
    alive = np.ones((batch, 3), bool) if alive is None else alive
    return Availability(jnp.asarray(alive), jnp.broadcast_to(~FORBIDDEN, (batch, 3, 7)))


def drawn(algorithm, seed: int, *leading: int) -> Transition:
    """Transitions in which a third of all agents are absent, at either end, and actions keep to what is allowed."""
    rng, batch = np.random.default_rng(seed + 100), random_transitions(SPEC, seed, *leading)
    alive, next_alive = rng.random((2, *leading, 3)) > 1 / 3
    next_alive &= alive
    mask = jnp.broadcast_to(~FORBIDDEN, (*leading, 3, 7))
    batch = replace(
        batch,
        action=jnp.where(mask, batch.action, 0.0),
        discount=jnp.asarray(alive & ~next_alive, jnp.float32),
        availability=Availability(jnp.asarray(alive), mask),
        next_availability=Availability(jnp.asarray(next_alive), mask),
    )
    if algorithm.config.ensemble_size > 1:
        batch = replace(batch, sub_policy=jnp.asarray(rng.integers(0, 2, (*leading, 3)), jnp.float32))
    return batch


# Forbidden choices ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[1, 2], ids=["one", "ensemble"])
def crowd(request):
    """An algorithm with models of others, whose networks love what is forbidden."""
    algorithm = assemble(replace(SMALL, inference=True, ensemble_size=request.param), SPEC)
    state = start(algorithm)

    def tempted(path, leaf):
        wide = jnp.pad(jnp.asarray(FORBIDDEN, jnp.float32), ((0, 0), (0, leaf.shape[-1] - 7)))
        last = path[0].idx == 1 and path[1].key == "bias"
        return leaf + 50.0 * wide.reshape(3, *[1] * (leaf.ndim - 2), -1) if last else leaf

    models = jax.tree.map(lambda leaf: leaf + 50.0 * (leaf.ndim == 3), state.model)
    return algorithm, replace(state, actor=jax.tree_util.tree_map_with_path(tempted, state.actor), model=models)


def players_of(algorithm, state, batch: int):
    """Everybody who chooses, by name: observation, availability -> actions [batch, agent, action]."""
    observation, key = random_transitions(SPEC, 0, batch).observation, jax.random.key(1)
    who = None if algorithm.config.ensemble_size == 1 else jnp.arange(batch * 3).reshape(batch, 3) % 2

    def others(there):
        rows = jnp.array([1, 2])
        inferred = inferred_actions(algorithm, jax.tree.map(lambda leaf: leaf[0], state.model), rows, observation, key, availability=there)
        return jnp.zeros((batch, 3, 7)).at[:, rows].set(inferred)

    draws = {
        draw: partial(lambda draw, there: act(algorithm, state.actor, observation, key, None, who, draw, there), draw)
        for draw in ("sample", "relaxed", "mode")
    }
    return {
        **draws,
        "explored": lambda there: act(algorithm, state.actor, observation, key, jnp.ones(3), who, availability=there),
        "greedy": lambda there: act_greedily(algorithm, state.actor, observation, who, there),
        "mean": lambda there: act_greedily(algorithm, state.actor, observation, None, there),
        "random": lambda there: act_randomly(algorithm, key, batch, there),
        "inferred": others,
    }


def test_what_is_forbidden_is_never_done(crowd):
    algorithm, state = crowd
    there = forbidding(BATCH)
    players = players_of(algorithm, state, BATCH)
    freely, kept = (jax.jit(lambda there: {name: player(there) for name, player in players.items()})(there) for there in (None, there))

    for name, action in kept.items():
        assert not np.any(np.asarray(action)[:, FORBIDDEN]), name
        heads = [action[:, 0, :3], action[:, 0, 3:6], action[:, 1, :4]]
        for head in heads[2:] if name == "inferred" else heads:
            np.testing.assert_allclose(head.sum(axis=-1), 1.0, rtol=1e-5, err_msg=name)
        assert np.any(np.asarray(freely[name])[:, FORBIDDEN]), f"{name} is not tempted"
    chances = np.asarray(kept["random"])[:, 1].mean(axis=0)
    np.testing.assert_allclose(chances, [0, 0.5, 0.5, 0, 0, 0, 0], atol=0.2)


def test_who_is_absent_does_nothing(crowd):
    algorithm, state = crowd
    alive = np.random.default_rng(0).random((BATCH, 3)) > 0.5

    players = players_of(algorithm, state, BATCH)
    done = jax.jit(lambda there: {name: player(there) for name, player in players.items()})(forbidding(BATCH, alive))

    for name in done.keys() - {"inferred"}:  # whose rows the callers blank
        np.testing.assert_array_equal(np.any(done[name], axis=2), alive, err_msg=name)


@pytest.mark.parametrize("estimator", ["straight_through", "soft"])
def test_no_gradient_comes_from_what_is_forbidden(estimator):
    layout = jax.tree.map(lambda leaf: leaf[0], action_layout(replace(SMALL, estimator=estimator), SPEC))
    allowed = jnp.broadcast_to(~FORBIDDEN[0], (BATCH, 7))

    def score(output):
        action = actions.differentiable_sample(layout, actions.forbid(output, allowed), jax.random.key(0))
        return jnp.sum(action * jnp.arange(1.0, 8.0)[None] ** 2)

    gradient = np.asarray(jax.jit(jax.grad(score))(jax.random.normal(jax.random.key(2), (BATCH, 7))))
    assert np.isfinite(gradient).all()
    assert not gradient[:, FORBIDDEN[0]].any()
    assert gradient[:, ~FORBIDDEN[0]].any(axis=0).all()


# Learning ------------------------------------------------------------------------------------------------------------------------

CHANGES = {
    "alone": {"logit_regulariser": 0.1},
    "inferred": {"inference": True, "others_actions": "current"},
    "ensemble": {"ensemble_size": 2, "value_after_death": "team", "others_actions": "current", "target_action": "relaxed"},
}


@pytest.fixture(scope="module", params=CHANGES)
def learning(request):
    """(algorithm, state, batches, a compiled learning step)."""
    algorithm = assemble(replace(SMALL, **CHANGES[request.param]), SPEC)
    batches = Batches(drawn(algorithm, 0, BATCH))
    if algorithm.config.inference:
        batches = replace(batches, latest=drawn(algorithm, 1, BATCH))
    if algorithm.config.ensemble_size > 1:
        batches = replace(batches, members=drawn(algorithm, 2, 3, 2, BATCH), has_members=jnp.ones((3, 2), bool))
    numbers = hyper(algorithm)
    step = jax.jit(lambda state, batches: update(algorithm, numbers, state, batches, jax.random.key(3)))
    return algorithm, start(algorithm), batches, step


def spoil(batch: Transition, everything: bool) -> Transition:
    """Garbage where nobody is; in rewards and discounts too if `everything`."""
    gone, next_gone = ~batch.availability.alive, ~batch.next_availability.alive

    def with_garbage(values, where):
        return jnp.where(
            where[..., None] if values.ndim > where.ndim else where, 1e3 + jnp.arange(values.size).reshape(values.shape), values
        )

    return replace(
        batch,
        observation=with_garbage(batch.observation, gone),
        action=with_garbage(batch.action, gone),
        next_observation=with_garbage(batch.next_observation, next_gone),
        reward=with_garbage(batch.reward, gone) if everything else batch.reward,
        discount=with_garbage(batch.discount, gone) if everything else batch.discount,
    )


def test_what_stands_in_the_rows_of_the_absent_changes_nothing(learning):
    algorithm, state, batches, step = learning
    everything = algorithm.config.value_after_death == "zero"
    other = Batches(
        spoil(batches.joint, everything),
        None if batches.members is None else spoil(batches.members, True),
        batches.has_members,
        None if batches.latest is None else spoil(batches.latest, True),
    )

    (clean, told), (spoilt, told_too) = step(state, batches), step(state, other)

    assert clean.updates == 1
    for one, two in zip(jax.tree.leaves((clean, told)), jax.tree.leaves((spoilt, told_too)), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_forbidden_choice_is_never_learned_from(learning):
    """The columns of an actor's last layer that lead there stay as they are, unless its outputs are to be small."""
    algorithm, state, batches, step = learning

    after, _ = step(state, batches)
    moved = np.any(np.asarray(after.actor[-1]["weight"]) != np.asarray(state.actor[-1]["weight"]), axis=(1, 2))

    expected = SPEC.action_valid if algorithm.config.logit_regulariser else SPEC.action_valid & ~FORBIDDEN
    np.testing.assert_array_equal(moved, expected)


BOXES = EnvSpec("boxes", tuple(AgentSpec(name, "us", 2, (Box((-1.0,), (1.0,)),)) for name in "ab"), 0, 5, mortal=True)
PLAIN = replace(SMALL, gamma=0.9)


def numbers_of(state, told):
    return [np.asarray(leaf) for leaf in jax.tree.leaves((state, told))]


@pytest.mark.parametrize("value_after_death", ["zero", "team"])
def test_rows_in_which_nobody_is_there_might_as_well_be_missing(value_after_death):
    """The policies are points, so nothing is drawn; a lost step is such a row."""
    algorithm = assemble(replace(PLAIN, value_after_death=value_after_death), BOXES)
    batch, everybody = random_transitions(BOXES, 0, 8), jnp.ones((8, 2), bool)
    whole = replace(batch, availability=Availability(everybody), next_availability=Availability(everybody))
    nobody = replace(random_transitions(BOXES, 1, 8), availability=Availability(~everybody), next_availability=Availability(~everybody))
    longer = jax.tree.map(lambda one, two: jnp.concatenate([one, two]), whole, nobody)
    step = jax.jit(lambda batch: update(algorithm, hyper(algorithm), start(algorithm), Batches(batch), jax.random.key(0)))

    for one, two in zip(numbers_of(*step(whole)), numbers_of(*step(longer)), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "changes", [{"inference": True, "inference_layers": (8,)}, {"value_after_death": "team"}], ids=["inference", "team"]
)
def test_where_all_live_and_may_do_all_nothing_is_different(changes):
    always = replace(SPEC, mortal=False, masked=False)
    batch = random_transitions(always, 0, 32)
    there = Availability(jnp.ones((32, 3), bool), jnp.ones((32, 3, 7), bool))
    masked = replace(batch, availability=there, next_availability=there)
    results = []
    for spec, one in ((always, batch), (SPEC, masked)):
        algorithm = assemble(replace(SMALL, **(changes if spec.mortal or "inference" in changes else {})), spec)
        batches = Batches(one, latest=one if algorithm.config.inference else None)
        results.append(numbers_of(*jax.jit(lambda b, a=algorithm: update(a, hyper(a), start(a), b, jax.random.key(5)))(batches)))

    for without, with_masks in zip(*results, strict=True):
        np.testing.assert_allclose(without, with_masks, rtol=1e-5, atol=1e-6)


# What a critic is asked ----------------------------------------------------------------------------------------------------------

CHOOSERS = EnvSpec("choosers", tuple(AgentSpec(name, "us", 1, (Categorical(2),)) for name in "ab"), 0, 5, mortal=True)
SUMS = Network(lambda key, *_: jnp.ones(1), lambda weight, *blocks: weight[:, None] * sum(jnp.sum(b, 1, keepdims=True) for b in blocks))
"""A critic that adds up what it is shown: every agent that does something counts 1, on top of the observations."""


def three_rows() -> Transition:
    """Agent b dies in the first row, nobody dies in the second, and b is dead in the third."""
    alive, next_alive = jnp.array([[1, 1], [1, 1], [1, 0]], bool), jnp.array([[1, 0], [1, 1], [1, 0]], bool)
    one_hot = jnp.broadcast_to(jnp.array([1.0, 0.0]), (3, 2, 2))
    return Transition(
        observation=jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 60.0]])[..., None],
        action=one_hot,
        reward=jnp.array([[0.5, 1.5], [2.5, 3.5], [4.5, 0.0]]),
        discount=jnp.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0]]),
        next_observation=jnp.array([[10.0, 20.0], [30.0, 40.0], [50.0, 600.0]])[..., None],
        availability=Availability(alive),
        next_availability=Availability(next_alive),
    )


def test_targets_and_values_are_of_those_who_are_there():
    algorithm = assemble(replace(SMALL, twin_critics=False, gamma=0.5), CHOOSERS, critic=SUMS)
    state = start(algorithm)

    _, told = jax.jit(lambda: update(algorithm, hyper(algorithm), state, Batches(three_rows()), jax.random.key(0)))()

    # The next input of row 0 is 10 and one deed; of row 1 70 and two; of row 2 50 and one.
    np.testing.assert_allclose(told["target"][0], np.mean([0.5 + 11 / 2, 2.5 + 72 / 2, 4.5 + 51 / 2]), rtol=1e-6)
    np.testing.assert_allclose(told["target"][1], np.mean([1.5, 3.5 + 72 / 2]), rtol=1e-6)
    values = np.array([3.0 + 2, 7.0 + 2, 5.0 + 1])
    np.testing.assert_allclose(told["value"], [values.mean(), values[:2].mean()], rtol=1e-6)
    errors = values - [0.5 + 11 / 2, 2.5 + 72 / 2, 4.5 + 51 / 2], values[:2] - [1.5, 3.5 + 72 / 2]
    np.testing.assert_allclose(told["critic_loss"], [np.mean(error**2) for error in errors], rtol=1e-6)


@pytest.mark.parametrize("player", ["random", "scripted"])
def test_those_who_learn_nothing_are_absent_too(player):
    spec = replace(CHOOSERS, agents=(CHOOSERS.agents[0], replace(CHOOSERS.agents[1], team="them")))
    algorithm = assemble(SMALL, spec, {"them": TeamConfig(player=player)})
    state, batch = start(algorithm), three_rows()
    batch = replace(batch, next_action=batch.action)
    agent = jnp.array(0)

    others, key = jnp.array([1]), jax.random.key(0)
    action = jax.jit(lambda: next_actions(algorithm, state, agent, others, state, batch, key))()

    np.testing.assert_array_equal(action.sum(axis=2), batch.next_availability.alive)


def test_a_model_is_compared_where_the_other_is_there():
    algorithm = assemble(replace(SMALL, inference=True, inference_layers=(8,)), CHOOSERS)
    state = start(algorithm)
    state = replace(state, model=louder(state.model, 0))
    seen = jnp.array([[1.0, -1.0], [2.0, 5.0], [3.0, 500.0], [4.0, -500.0]])[..., None]
    compare = jax.jit(lambda seen, there: compare_models(algorithm, state, seen, jnp.zeros(2), Availability(there)))

    partly = compare(seen, jnp.array([[1, 1], [1, 1], [1, 0], [1, 0]], bool))
    first_two = compare(jnp.tile(seen[:2], (2, 1, 1)), jnp.ones((4, 2), bool))
    never = compare(seen, jnp.array([[1, 0]] * 4, bool))
    for name in ("inference_kl", "inference_accuracy"):
        np.testing.assert_allclose(partly[name][0], first_two[name][0], rtol=1e-5)  # a's model of b
        assert np.isnan(never[name][0])
        assert np.isfinite(never[name][1]).all()


# A value after death -------------------------------------------------------------------------------------------------------------


def test_the_dead_earn_what_their_living_team_mates_do_on_average():
    spec = replace(CHOOSERS, agents=tuple(AgentSpec(str(index), team, 1, (Categorical(2),)) for index, team in enumerate("rrrb")))
    reward = jnp.array([[3.0, 5.0, 0.0, 7.0], [3.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 7.0]])
    alive = jnp.array([[1, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 1]], bool)
    next_alive = jnp.array([[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]], bool)

    earned, terminated = with_teams_return(spec, reward, alive, next_alive)

    np.testing.assert_array_equal(earned, [[3, 5, 4, 7], [3, 3, 3, 0], [0, 0, 0, 7]])
    np.testing.assert_array_equal(terminated, [[0, 0, 0, 1], [1, 1, 1, 1], [1, 1, 1, 0]])
    np.testing.assert_array_equal(team_presence(spec, alive), [[1, 1, 1, 1], [1, 1, 1, 0], [0, 0, 0, 1]])


GAMMA = 0.9


def bridge() -> Environment:
    """Two on a team and two steps. The first may blow the bridge, and itself: then the other earns 10 alone, else both earn 1.

    The second has a third choice that is always forbidden, and would pay 1000.
    """
    agents = (AgentSpec("sapper", "us", 1, (Categorical(2),)), AgentSpec("guard", "us", 1, (Categorical(3),)))
    spec = EnvSpec("bridge", agents, 0, 2, mortal=True, masked=True)
    allowed = jnp.array([[True, True, True], [True, True, False]])

    def observe(state):
        return jnp.where(state["dead"], 0.0, 1.0 + state["clock"])[:, None] * jnp.ones((2, 1))

    def reset(key):
        del key
        state = {"clock": jnp.float32(0), "dead": jnp.zeros(2, bool)}
        return state, observe(state)

    def step(key, state, action):
        del key
        blown = (state["clock"] == 0) & (action[0, 1] == 1)
        over = state["clock"] == 1
        dead = state["dead"] | jnp.array([blown, False])
        earned = jnp.where(over, jnp.where(state["dead"][0], jnp.array([0.0, 10.0]), 1.0), 0.0) + 1000 * action[1, 2]
        after = {"clock": state["clock"] + 1, "dead": dead | over}
        last = jnp.where(state["dead"], 0.0, 2.0 + state["clock"])[:, None]
        empty = jnp.zeros(0)
        return after, TimeStep(observe(after), last, empty, empty, earned, dead | over, jnp.zeros(2, bool))

    def availability(state):
        return Availability(~state["dead"], allowed)

    still = jnp.zeros((2, 3))
    return Environment(spec, reset, step, lambda _: jnp.zeros(0), lambda _: {}, {}, None, still, availability=availability)


@pytest.fixture(scope="module", params=["zero", "team"])
def bridged(request):
    """(config, loop, run) of the game, learned."""
    config = replace(SMALL, gamma=GAMMA, value_after_death=request.param, actor_rate=0.01, critic_rate=0.02, tau=0.1)
    training = TrainingConfig(steps=8_000, warmup_steps=800, environments=20, updates=1, batch_size=64, replay_capacity=8_000)
    game = bridge()
    loop = Fused(assemble(config, game.spec), game, training)
    numbers = hyper(loop.algorithm)
    run = loop.warm_up(numbers, loop.start(jax.random.split(jax.random.key(0), 1)), 40)
    return config, loop, loop.train(numbers, run, 300)


def test_dying_for_the_team_pays_only_where_its_return_goes_on(bridged):
    config, loop, run = bridged
    actor, critic = (jax.tree.map(lambda leaf: leaf[0], tree) for tree in (run.learner.actor, run.learner.critic))
    first = jnp.ones((1, 2, 1))

    there = jax.tree.map(lambda leaf: leaf[None], bridge().availability({"dead": jnp.zeros(2, bool)}))
    choice = int(jnp.argmax(act_greedily(loop.algorithm, actor, first, None, there)[0, 0]))

    deeds = jnp.array([[[[1.0, 0, 0], [1, 0, 0]]], [[[0.0, 1, 0], [1, 0, 0]]]])
    sapper = jax.tree.map(lambda leaf: leaf[0, 0], critic)
    values = [float(loop.algorithm.critic.apply(sapper, first.reshape(1, -1), deed.reshape(1, -1))[0, 0]) for deed in deeds]
    death = GAMMA * 10 if config.value_after_death == "team" else 0.0
    np.testing.assert_allclose(values[1], death, atol=0.5)
    assert (values[1] > values[0]) == (config.value_after_death == "team")
    assert choice == (1 if config.value_after_death == "team" else 0)


def test_the_replay_has_the_last_observation_of_the_dead_and_zeros_afterwards(bridged):
    config, loop, run = bridged
    rows = jax.device_get(loop.store.replay.take(run.replay[0], jnp.arange(2_000)))
    alive, next_alive = rows.availability.alive, rows.next_availability.alive
    blown = (rows.observation[:, 0, 0] == 1) & (rows.action[:, 0, 1] == 1)
    gone = ~alive[:, 0]

    assert blown.any()
    np.testing.assert_array_equal(next_alive[blown], np.tile([False, True], (blown.sum(), 1)))
    assert (rows.next_observation[blown, 0, 0] == 2).all(), "what it saw when it died"
    assert (rows.discount[blown, 0] == (config.value_after_death == "team")).all()
    assert gone.any()
    for zeros in (rows.observation[gone, 0], rows.action[gone, 0]):
        assert not zeros.any()
    assert (rows.reward[gone, 0] == (10 if config.value_after_death == "team" else 0)).all()
    assert not rows.action[:, 1, 2].any(), "not even at random, in the warm-up"


def test_a_game_that_starts_at_staggered_clocks_keeps_to_what_is_allowed(bridged):
    _, loop, _ = bridged
    begun = loop.start(jax.random.split(jax.random.key(0), 1))

    assert float(jnp.max(begun.episode_return)) < 1000
    dead = np.asarray(begun.worlds["dead"])[0]
    np.testing.assert_array_equal(np.asarray(begun.availability.alive)[0], ~dead)
