"""Models of the others' policies: eq. 7 against SciPy, what they come to know in a probe, and whose actions eq. 8 asks about."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from maddpg.algorithm.acting import act
from maddpg.algorithm.actions import action_layout, sample
from maddpg.algorithm.inference import (
    MODEL_LOG_STD_RANGE,
    belief,
    compare_models,
    divergence,
    entropy,
    inference_loss,
    learn_models,
    log_likelihood,
    model_belief,
)
from maddpg.algorithm.learning import Batches
from maddpg.algorithm.state import assemble, hyper
from maddpg.algorithm.update import update
from maddpg.config import AlgorithmConfig, TeamConfig, TrainingConfig
from maddpg.training.storing import Store
from maddpg.types import AgentSpec, Box, Categorical, EnvSpec, Simplex, Transition
from tests.algorithm.batches import changed_rows, louder, random_transitions, start
from tests.algorithm.layers import layer_of

KINDS = EnvSpec(
    "kinds",
    (
        AgentSpec("talker", "a", 2, (Categorical(3), Categorical(2))),
        AgentSpec("blend", "a", 3, (Simplex(3), Box((-1.0,), (3.0,)))),
        AgentSpec("mover", "b", 1, (Box((0.0, -2.0), (2.0, 2.0)),)),
    ),
    2,
    25,
)
TALKER, BLEND, MOVER = range(3)
WIDTH = KINDS.action_width


def layout_of(agent: int, policy: str = "deterministic"):
    layout = action_layout(AlgorithmConfig(policy=policy), KINDS)
    return jax.tree.map(lambda leaf: leaf[agent], layout)


def outputs(seed: int, batch: int = 6) -> np.ndarray:
    """Outputs of a model, and log standard deviations around -1."""
    drawn = np.random.default_rng(seed).normal(size=(batch, 2 * WIDTH))
    drawn[:, WIDTH:] = 0.5 * drawn[:, WIDTH:] - 1
    return drawn


def test_a_space_without_a_likelihood_is_refused():
    """It would count for nothing, and its model would learn nothing."""

    class Bits:
        """A kind of head that somebody added, but not here."""

    other = replace(layout_of(TALKER), kinds=frozenset({Bits, Categorical}))
    drawn = jnp.asarray(outputs(0))

    with pytest.raises(ValueError, match=r"inference: nobody has written the likelihood of Bits .*leave it out"):
        log_likelihood(other, model_belief(other, drawn), drawn[:, :WIDTH])


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))


# Eq. 7, worked in NumPy. An action is its heads' choices, and its boxes in halves of the range from the middle.

BOXES = {BLEND: {3: (-1.0, 3.0)}, MOVER: {0: (0.0, 2.0), 1: (-2.0, 2.0)}}
HEADS = {TALKER: [slice(0, 3), slice(3, 5)], BLEND: [slice(0, 3)]}


def box_terms(output: np.ndarray, column: int, stochastic: bool) -> tuple[np.ndarray, np.ndarray]:
    mean = output[:, column] if stochastic else np.tanh(output[:, column])
    return mean, np.exp(np.clip(output[:, WIDTH + column], *MODEL_LOG_STD_RANGE))


def expected_log_likelihood(agent: int, output: np.ndarray, action: np.ndarray, stochastic: bool = False) -> np.ndarray:
    total = np.zeros(len(output))
    for head in HEADS.get(agent, []):
        chosen = np.argmax(action[:, head], axis=1)
        total += log_softmax(output[:, head])[np.arange(len(output)), chosen]
    for column, (low, high) in BOXES.get(agent, {}).items():
        mean, std = box_terms(output, column, stochastic)
        value = 2 * (action[:, column] - low) / (high - low) - 1
        if stochastic:
            total += stats.norm.logpdf(np.arctanh(value), mean, std)
        else:
            inside = stats.norm.logpdf(value, mean, std)
            ends = np.where(value <= -1, stats.norm.logcdf(-1, mean, std), stats.norm.logsf(1, mean, std))
            total += np.where(np.abs(value) < 1, inside, ends)
    return total


def expected_entropy(agent: int, output: np.ndarray, stochastic: bool = False) -> np.ndarray:
    total = np.zeros(len(output))
    for head in HEADS.get(agent, []):
        total += stats.entropy(np.exp(log_softmax(output[:, head])), axis=1)
    for column in BOXES.get(agent, {}):
        total += stats.norm.entropy(*box_terms(output, column, stochastic))
    return total


ACTIONS = {
    TALKER: np.eye(5)[[0, 1, 2, 2, 1, 0]] + np.eye(5)[[3, 4, 3, 4, 3, 4]],
    BLEND: np.array(
        [
            [0.2, 0.5, 0.3, 0.7, 0],
            [0.6, 0.2, 0.2, -1, 0],  # on the lower bound
            [0.1, 0.1, 0.8, 3, 0],  # on the upper one
            [0.4, 0.35, 0.25, 2.9, 0],
            [0, 1, 0, -0.9, 0],
            [0.3, 0.3, 0.4, 0, 0],
        ]
    ),
    MOVER: np.array([[0, -2, 0, 0, 0], [2, 2, 0, 0, 0], [1, 0, 0, 0, 0], [0.1, 1.9, 0, 0, 0], [2, -2, 0, 0, 0], [1.5, 2, 0, 0, 0]]),
}
INSIDE = {
    BLEND: ACTIONS[BLEND].clip(-0.9, 2.9),
    MOVER: np.stack([ACTIONS[MOVER][:, 0].clip(0.1, 1.9), *ACTIONS[MOVER].T[1:]], 1).clip(-1.9),
}
INSIDE[MOVER][:, 1] = INSIDE[MOVER][:, 1].clip(-1.9, 1.9)

CASES = [(agent, False, ACTIONS[agent]) for agent in range(3)] + [(agent, True, INSIDE[agent]) for agent in (BLEND, MOVER)]
NAMES = ["categoricals", "simplex and box", "boxes", "simplex and squashed", "squashed"]


@pytest.mark.parametrize(("agent", "stochastic", "action"), CASES, ids=NAMES)
def test_likelihood_and_entropy_are_scipys(agent, stochastic, action):
    layout, output = layout_of(agent, "stochastic" if stochastic else "deterministic"), outputs(agent)
    believed = jax.jit(partial(model_belief, layout))(jnp.float32(output))

    likelihood, uncertainty = jax.jit(lambda: (log_likelihood(layout, believed, jnp.float32(action)), entropy(layout, believed)))()

    np.testing.assert_allclose(likelihood, expected_log_likelihood(agent, output, action, stochastic), rtol=2e-4, atol=1e-5)
    np.testing.assert_allclose(uncertainty, expected_entropy(agent, output, stochastic), rtol=1e-5)


@pytest.mark.parametrize(("agent", "stochastic", "action"), CASES, ids=NAMES)
def test_the_loss_and_its_slope_are_those_of_equation_7(agent, stochastic, action):
    layout, output, weight = layout_of(agent, "stochastic" if stochastic else "deterministic"), outputs(agent), 0.3

    def expected(output: np.ndarray) -> float:
        rows = expected_log_likelihood(agent, output, action, stochastic) + weight * expected_entropy(agent, output, stochastic)
        return -rows.mean()

    def loss_of(output):
        return inference_loss(layout, output, jnp.float32(action), jnp.float32(weight))

    loss, slope = jax.jit(jax.value_and_grad(loss_of))(jnp.float32(output))

    np.testing.assert_allclose(loss, expected(output), rtol=1e-4)
    differences = np.zeros_like(output)
    for place in np.ndindex(*output.shape):
        bump = np.zeros_like(output)
        bump[place] = 1e-5
        differences[place] = (expected(output + bump) - expected(output - bump)) / 2e-5
    np.testing.assert_allclose(slope, differences, rtol=2e-3, atol=1e-5)
    assert np.count_nonzero(differences) == len(output) * {TALKER: 5, BLEND: 5, MOVER: 4}[agent]


def test_a_clipped_gaussian_has_all_its_probability_somewhere():
    layout = layout_of(BLEND)
    output = np.zeros((1, 2 * WIDTH))
    output[0, 3], output[0, WIDTH + 3] = 0.8, -0.7  # a mean near the upper bound
    believed = model_belief(layout, jnp.float32(output))
    density = jax.jit(lambda value: jnp.exp(log_likelihood(layout, believed, jnp.array([[1.0, 0, 0, 1 + 2 * value, 0]]))[0]) * 3)

    inside, _ = quad(lambda value: float(density(value)), -0.9999, 0.9999, epsabs=1e-4)

    assert inside + float(density(-1.0)) + float(density(1.0)) == pytest.approx(1, abs=1e-3)
    assert float(density(1.0)) > 0.2


@pytest.mark.parametrize("agent", range(3))
def test_divergence_is_that_of_its_parts(agent):
    layout, true, model = layout_of(agent), outputs(10 + agent), outputs(20 + agent)
    expected = np.zeros(len(true))
    for head in HEADS.get(agent, []):
        expected += stats.entropy(np.exp(log_softmax(true[:, head])), np.exp(log_softmax(model[:, head])), axis=1)
    for column in BOXES.get(agent, {}):
        for row, ((mean, std), (other_mean, other_std)) in enumerate(
            zip(zip(*box_terms(true, column, False), strict=True), zip(*box_terms(model, column, False), strict=True), strict=True)
        ):
            one, other = stats.norm(mean, std), stats.norm(other_mean, other_std)
            expected[row] += quad(
                lambda x, one=one, other=other: one.pdf(x) * (one.logpdf(x) - other.logpdf(x)), mean - 9 * std, mean + 9 * std
            )[0]

    believed, truth = (model_belief(layout, jnp.float32(output)) for output in (model, true))

    np.testing.assert_allclose(divergence(layout, truth, believed), expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(divergence(layout, truth, truth), 0, atol=1e-6)


def test_a_belief_is_zero_in_columns_that_are_not_its_own():
    layout, output = layout_of(BLEND), jnp.float32(outputs(0))

    believed = belief(layout, output, output[:, WIDTH:])

    np.testing.assert_array_equal(np.asarray(believed.probability != 0)[0], [True, True, True, False, False])
    np.testing.assert_array_equal(np.asarray(believed.std != 0)[0], [False, False, False, True, False])


# A probe: policies of one coin, seen through the actions that they really draw.

SURE, NOISE = np.array([0.69] + [0.0775] * 4), 0.4
WATCHED = EnvSpec(
    "watched",
    (
        AgentSpec("watcher", "a", 1, (Box((-1.0,), (1.0,)),)),
        AgentSpec("chooser", "b", 1, (Categorical(5),)),
        AgentSpec("blender", "b", 1, (Simplex(5),)),
        AgentSpec("middle", "b", 1, (Box((0.0,), (4.0,)),)),
        AgentSpec("edge", "b", 1, (Box((-1.0,), (1.0,)),)),
    ),
    1,
    25,
)
CHOOSER, BLENDER, MIDDLE, EDGE = range(4)  # rows of others, as the watcher counts them
COINS = jnp.broadcast_to(jnp.array([-1.0, 1.0])[:, None, None], (2, 5, 1))
MEANS = {MIDDLE: (0.4, 0.6), EDGE: (0.95, 0.75)}  # a tanh for each coin


def linear_actor() -> list:
    """All agents' actors, [agent, member, ...]: the two choosers are sure of column 0 or 4, by the coin; boxes as MEANS says."""
    weight, bias = np.zeros((5, 1, 1, 5)), np.zeros((5, 1, 5))
    for agent in (1 + CHOOSER, 1 + BLENDER):
        tails, heads = np.log(SURE), np.log(SURE[::-1])
        weight[agent, 0, 0], bias[agent, 0] = (heads - tails) / 2, (heads + tails) / 2
    for row, (tails, heads) in MEANS.items():
        weight[1 + row, 0, 0, 0] = (np.arctanh(heads) - np.arctanh(tails)) / 2
        bias[1 + row, 0, 0] = (np.arctanh(heads) + np.arctanh(tails)) / 2
    return [layer_of(weight, bias)]


class Watching:
    """The watcher's models, learned from what the others did; one program whatever the numbers."""

    def __init__(self):
        config = AlgorithmConfig(actor_layers=(), critic_layers=(4,), inference=True, inference_layers=(8,))
        self.algorithm = assemble(config, WATCHED)
        self.state = replace(start(self.algorithm), actor=linear_actor())
        self.numbers = jax.tree.map(lambda leaf: leaf[0], hyper(self.algorithm))
        self.exploration = jnp.full(5, NOISE)

        def learn(entropy_weight):
            mine = jax.tree.map(lambda leaf: leaf[0], replace(self.state, updates=None))

            def one(mine, step):
                coin_key, act_key = jax.random.split(jax.random.fold_in(jax.random.key(1), step))
                coins = jax.random.rademacher(coin_key, (256, 5, 1), jnp.float32)
                action = act(self.algorithm, self.state.actor, coins, act_key, self.exploration)
                blank = jnp.zeros((256, 5))
                # Towards the end the rate falls, so that what is left is not the noise of single steps.
                rate = 0.02 * jnp.exp(-step / 90.0)
                numbers = replace(self.numbers, inference_rate=rate, inference_entropy=entropy_weight)
                others = jnp.asarray(self.algorithm.others)[0]
                return learn_models(self.algorithm, numbers, others, mine, Transition(coins, action, blank, blank, coins))

            return jax.lax.scan(one, mine, jnp.arange(450))[0]

        self.learn = jax.jit(learn)
        self.compare = jax.jit(lambda state: compare_models(self.algorithm, state, COINS, self.exploration))

    def compared(self, mine) -> dict[str, np.ndarray]:
        """What `compare_models` says of each of the watcher's models."""
        model = jax.tree.map(lambda all_models, own: all_models.at[0].set(own), self.state.model, mine.model)
        compared = self.compare(replace(self.state, model=model))
        return {name: np.asarray(values[0]) for name, values in compared.items()}

    def probabilities(self, mine, other: int) -> np.ndarray:
        """[coin, choice]: what the watcher thinks of one."""
        models = jax.tree.map(lambda leaf: leaf[other], mine.model)
        output = self.algorithm.model.apply(models, COINS[:, 1 + other])
        return np.asarray(jax.nn.softmax(output[:, :5]))


@pytest.fixture(scope="module")
def watching():
    return Watching()


@pytest.fixture(scope="module")
def watched(watching):
    return watching.learn(jnp.float32(1e-3))


@pytest.mark.parametrize("other", [CHOOSER, BLENDER], ids=["categorical", "simplex"])
def test_a_model_comes_to_know_the_probabilities_of_choices(watching, watched, other):
    thought = watching.probabilities(watched, other)
    truth = np.array([SURE, SURE[::-1]])

    assert np.all(stats.entropy(truth, thought, axis=1) < 0.01)
    np.testing.assert_allclose(thought, truth, atol=0.03)
    compared = watching.compared(watched)
    assert compared["inference_kl"][other] < 0.01
    assert compared["inference_kl"][other] == pytest.approx(stats.entropy(truth, thought, axis=1).mean(), rel=0.02, abs=1e-5)
    assert compared["inference_accuracy"][other] == 1
    assert np.isnan(compared["inference_error"][other])


@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_the_largest_entry_is_a_draw_from_the_softmax_at_any_temperature(temperature):
    layout = replace(jax.tree.map(lambda leaf: leaf[1 + BLENDER], action_layout(AlgorithmConfig(), WATCHED)), temperature=temperature)
    logits = jnp.tile(jnp.log(jnp.float32(SURE))[None], (8000, 1))

    samples = jax.jit(partial(sample, layout))(logits, jax.random.key(2))

    counts = np.bincount(np.argmax(samples, axis=1), minlength=5)
    np.testing.assert_allclose(counts / 8000, SURE, atol=0.02)
    if temperature == 1:
        # What a cross-entropy with soft vectors fits, in place of 0.69: the tests above tell it apart.
        mean = np.asarray(samples).mean(axis=0)
        assert mean[0] == pytest.approx(0.54, abs=0.01)
        assert stats.entropy(SURE, mean) > 0.04


@pytest.mark.parametrize("other", [MIDDLE, EDGE], ids=["in the middle", "near a bound, where most noise is clipped"])
def test_a_model_comes_to_know_a_point_behind_its_noise(watching, watched, other):
    compared = watching.compared(watched)

    assert compared["inference_kl"][other] < 0.01
    assert compared["inference_error"][other] < 0.04
    assert np.isnan(compared["inference_accuracy"][other])


def test_a_heavy_entropy_weight_makes_models_less_sure(watching, watched):
    heavy = watching.learn(jnp.float32(1.0))

    for other in (CHOOSER, BLENDER):
        # log q + H(q) at weight 1 is best below the truth and above even odds.
        assert 0.2 < watching.probabilities(heavy, other)[0, 0] < 0.6 < watching.probabilities(watched, other)[0, 0]


def test_an_ensembles_policy_is_the_mixture():
    config = AlgorithmConfig(actor_layers=(), critic_layers=(), inference=True, inference_layers=(), ensemble_size=2, noise=NOISE)
    algorithm = assemble(config, WATCHED)
    state = start(algorithm)
    (layer,) = linear_actor()
    swapped = {"weight": -layer["weight"], "bias": layer["bias"]}
    both = jax.tree.map(lambda one, other: jnp.concatenate([one, other], axis=1), layer, swapped)
    blank = jax.tree.map(jnp.zeros_like, state.model)  # even odds, and a Gaussian of mean 0 and deviation 1

    compare = jax.jit(lambda state: compare_models(algorithm, state, COINS, jnp.full(5, NOISE)))
    compared = compare(replace(state, actor=[both], model=blank))

    mixture = (SURE + SURE[::-1]) / 2
    choices = stats.entropy(mixture, np.full(5, 0.2))
    mean, low, high = np.mean(MEANS[MIDDLE]), *MEANS[MIDDLE]
    variance = NOISE**2 + np.var([low, high])
    box = 0.5 * (variance + mean**2 - 1 - np.log(variance))
    np.testing.assert_allclose(compared["inference_kl"][0, [CHOOSER, BLENDER]], choices, rtol=1e-4)
    np.testing.assert_allclose(compared["inference_kl"][0, MIDDLE], box, rtol=1e-4)
    np.testing.assert_allclose(compared["inference_error"][0, MIDDLE], mean, rtol=1e-4)


# Eq. 8: whose next actions the target asks about.

PLAIN = AlgorithmConfig(
    actor_layers=(5,),
    critic_layers=(6,),
    inference=True,
    inference_layers=(4,),
    gamma=0.9,
    tau=0.1,
    target_initialisation="independent",
    others_actions="current",
)


class Learning:
    """One compiled learning step of KINDS, and what changes in it for the critic of TALKER."""

    def __init__(self):
        self.algorithm = assemble(PLAIN, KINDS)
        self.numbers = hyper(self.algorithm)
        self.state = start(self.algorithm)
        self.batches = Batches(random_transitions(KINDS, 0, 7), latest=random_transitions(KINDS, 1, 7))
        self.step = jax.jit(lambda numbers, state, batches: update(self.algorithm, numbers, state, batches, jax.random.key(1)))
        self.after, self.metrics = self.step(self.numbers, self.state, self.batches)

    def other(self, **changed):
        """The same learning step from another state."""
        return self.step(self.numbers, replace(self.state, **changed), self.batches)


@pytest.fixture(scope="module")
def learning():
    return Learning()


@pytest.mark.parametrize(
    ("field", "index", "expected"),
    [
        # The others' true target actors leave no bit of the target; an agent's own is in it. Target models are their owner's.
        ("target_actor", (TALKER,), [True, False, False]),
        ("target_actor", (MOVER,), [False, False, True]),
        ("target_model", (TALKER,), [True, False, False]),
        ("target_model", (TALKER, 0), [True, False, False]),
        ("target_model", (TALKER, 1), [True, False, False]),
        ("model", (TALKER,), [False, False, False]),
        ("actor", (TALKER,), [False, False, False]),
    ],
)
def test_the_target_knows_the_others_by_its_target_models_alone(learning, field, index, expected):
    _, metrics = learning.other(**{field: louder(getattr(learning.state, field), *index)})

    assert (metrics["target"] != learning.metrics["target"]).tolist() == expected


@pytest.mark.parametrize(("field", "agent"), [("actor", MOVER), ("model", TALKER)])
def test_the_others_current_actions_are_those_of_the_models(learning, field, agent):
    after, _ = learning.other(**{field: louder(getattr(learning.state, field), agent)})

    assert changed_rows(after.actor, learning.after.actor) == [row == agent for row in range(3)]


def test_models_take_one_step_before_everything_else(learning):
    fast = replace(learning.numbers, inference_rate=jnp.full(3, 0.3))
    still = replace(learning.numbers, inference_rate=jnp.zeros(3))
    mine, others = replace(learning.state, updates=None), jnp.asarray(learning.algorithm.others)

    @jax.jit
    @jax.vmap
    def learn(numbers, others, mine):
        return learn_models(learning.algorithm, numbers, others, mine, learning.batches.latest)

    stepped, losses = learn(fast, others, mine)
    after, metrics = learning.step(fast, learning.state, learning.batches)

    def assert_close(one, other):
        jax.tree.map(lambda left, right: np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6), one, other)

    assert_close((after.model, metrics["inference_loss"]), (stepped.model, losses))
    mixed = jax.tree.map(lambda new, old: 0.1 * new + 0.9 * old, stepped.model, learning.state.target_model)
    assert_close(after.target_model, mixed)
    # The actor's loss asks what the models say after that step: as if they had taken it before, and took none now.
    _, late = learning.step(still, replace(learning.state, model=stepped.model), learning.batches)
    _, early = learning.step(still, learning.state, learning.batches)
    assert_close(metrics["actor_loss"], late["actor_loss"])
    assert np.all(np.abs(metrics["actor_loss"] - early["actor_loss"]) > 1e-3)
    # The target asks target models, which move after the critic's step.
    assert_close(metrics["target"], early["target"])


def test_models_learn_from_the_latest_transitions_and_nothing_else_does(learning):
    other = replace(learning.batches, latest=random_transitions(KINDS, 2, 7))
    after, metrics = learning.step(learning.numbers, learning.state, other)

    assert changed_rows(learning.after.model, after.model) == [True, True, True]
    assert changed_rows(learning.after.critic, after.critic) == [False, False, False]
    assert not np.array_equal(metrics["inference_loss"], learning.metrics["inference_loss"])
    same_latest = replace(learning.batches, joint=random_transitions(KINDS, 3, 7))
    assert changed_rows(learning.after.model, learning.step(learning.numbers, learning.state, same_latest)[0].model) == [False] * 3


def test_models_of_those_who_play_by_script_or_at_random():
    teams = {"b": TeamConfig(player="scripted")}
    algorithm = assemble(replace(PLAIN, others_actions="replay"), KINDS, teams)
    state = start(algorithm)
    assert {leaf.shape[:2] for leaf in jax.tree.leaves(state.model)} == {(2, 2)}  # the two learners', of each two others
    stored = replace(random_transitions(KINDS, 0, 7), next_action=jnp.full((7, 3, WIDTH), 0.5))
    step = jax.jit(lambda batch: update(algorithm, hyper(algorithm), state, Batches(batch, latest=batch), jax.random.key(1)))

    after, metrics = step(stored)
    again, _ = step(replace(stored, next_action=stored.next_action + 0.1))

    assert metrics["inference_loss"].shape == (2,)
    jax.tree.map(np.testing.assert_array_equal, after.critic, again.critic)  # the model stands in the target, not the script
    moved = jax.tree.map(lambda new, old: bool(np.all(np.any(new != old, axis=tuple(range(2, new.ndim))))), after.model, state.model)
    assert all(jax.tree.leaves(moved))
    compared = jax.jit(lambda: compare_models(algorithm, after, stored.observation, jnp.full(3, NOISE)))()
    np.testing.assert_array_equal(np.isnan(compared["inference_kl"]), [[False, True], [False, True]])


def test_nobody_to_infer_is_refused():
    alone = replace(KINDS, agents=KINDS.agents[:1])

    with pytest.raises(ValueError, match=r"kinds has one agent.*leave inference out"):
        assemble(PLAIN, alone)


# The latest transitions.

WORLDS, LENGTH, BATCH = 8, 5, 8


def drawn_clocks(offsets: np.ndarray, rounds: int, window: int | None) -> tuple[set[int], np.ndarray]:
    """The moments of the episode in many latest batches, and the rows' ages, where the environments' clocks stand apart by `offsets`."""
    algorithm = assemble(replace(PLAIN, inference_layers=()), replace(KINDS, episode_length=LENGTH))
    training = TrainingConfig(steps=10_000, environments=WORLDS, batch_size=BATCH, replay_capacity=80, warmup_steps=8)
    store = Store(algorithm, training)
    rows = store.replay.init()
    for step in range(rounds):
        clock = (step + offsets) % LENGTH
        blank = jnp.zeros((WORLDS, 3, WIDTH))
        observation = jnp.zeros((WORLDS, 3, 3)).at[:, 0, 0].set(clock)
        number = jnp.broadcast_to((step * WORLDS + jnp.arange(WORLDS, dtype=jnp.float32))[:, None], (WORLDS, 3))
        rows = store.replay.add(rows, jnp.int32(step * WORLDS), Transition(observation, blank, number, number, observation))
    added = jnp.int32(rounds * WORLDS)
    keys = jax.random.split(jax.random.key(0), 60)
    if window is None:
        drawn = jax.vmap(lambda key: store.latest(rows, added, key))(keys)
    else:
        drawn = jax.vmap(lambda key: store.replay.sample_latest(rows, added, key, BATCH, window))(keys)
    return set(np.unique(drawn.observation[..., 0, 0]).astype(int).tolist()), int(added) - 1 - np.asarray(drawn.reward[..., 0]).astype(int)


@pytest.mark.parametrize("rounds", [7, 23], ids=["before the replay is full", "after it has wrapped around"])
@pytest.mark.parametrize("apart", [0, 1], ids=["in step", "staggered"])
def test_the_latest_batch_spans_an_episode_of_every_environment(rounds, apart):
    clocks, ages = drawn_clocks(apart * np.arange(WORLDS), rounds, None)

    assert clocks == set(range(LENGTH))
    assert set(np.unique(ages)) == set(range(LENGTH * WORLDS))  # all of the latest rows, and none that is older


def test_the_last_rows_alone_would_show_one_moment_of_environments_in_step():
    assert drawn_clocks(np.zeros(WORLDS, int), 23, BATCH)[0] == {22 % LENGTH}


def test_a_young_replay_gives_what_it_has():
    _, ages = drawn_clocks(np.arange(WORLDS), 2, None)

    assert set(np.unique(ages)) == set(range(2 * WORLDS))
