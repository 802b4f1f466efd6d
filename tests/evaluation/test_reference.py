"""Play in the real mpe2 package, against mpe2 driven by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.acting import act_greedily
from maddpg.algorithm.state import assemble, init
from maddpg.config import AlgorithmConfig, Config, WorldConfig
from maddpg.environments.registry import make_environment, resolve
from maddpg.evaluation import reference
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.evaluation.players import Player, choose_players, everybody
from maddpg.evaluation.reference import reference_play

EPISODES, COPIES, LENGTH = 5, 2, 7
CONFIG = resolve(
    Config("simple_push", world=WorldConfig(episode_length=LENGTH), algorithm=AlgorithmConfig(actor_layers=(8,), critic_layers=(4,)))
)
ENVIRONMENT = make_environment(CONFIG)
SPEC = ENVIRONMENT.spec
ALGORITHM = assemble(CONFIG.algorithm, SPEC)
ACTORS = jax.vmap(lambda key: init(ALGORITHM, key).actor)(jax.random.split(jax.random.key(0), 2))


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def play(told):
    """Batches of two episodes, so that five take three."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "COPIES", COPIES)
        yield reference_play(CONFIG, ALGORITHM, ENVIRONMENT, ACTORS, told.append)


def by_hand(actor) -> np.ndarray:
    """Returns [episode, agent] of the same episodes; the good agent stays where it is."""
    from mpe2 import simple_push_v3

    act = jax.jit(partial(act_greedily, ALGORITHM))
    parallel = simple_push_v3.parallel_env(max_cycles=LENGTH, continuous_actions=True)
    returns = np.zeros((EPISODES, 2))
    for episode in range(EPISODES):
        observations, _ = parallel.reset(seed=EVALUATION_SEED % 2**30 + episode)
        for _ in range(LENGTH):
            padded = np.zeros((1, 2, SPEC.observation_width), np.float32)
            for row, name in enumerate(SPEC.names):
                padded[0, row, : observations[name].size] = observations[name]
            adversary = np.asarray(act(actor, jnp.asarray(padded)))[0, 0]
            observations, rewards, *_ = parallel.step({"adversary_0": adversary, "agent_0": np.zeros(5, np.float32)})
            returns[episode] += [rewards[name] for name in SPEC.names]
    return returns


def test_returns_are_mpe2s_own(play):
    played = play(choose_players(ALGORITHM, {"good": "still"}), EPISODES)

    for row in range(2):
        expected = by_hand(jax.tree.map(lambda leaf, row=row: leaf[row], ACTORS))
        np.testing.assert_allclose(played.returns[row], expected, rtol=1e-5)


def test_measures_add_up_to_what_mpe2_pays(play):
    played = play(everybody(SPEC, Player.LEARNED), EPISODES)

    assert played.returns.shape == (2, EPISODES, 2)
    terms = [values for name, values in played.metrics.items() if name.startswith("reward/")]
    np.testing.assert_allclose(sum(terms), played.returns, rtol=1e-4)


@pytest.mark.parametrize("player", [Player.RANDOM, Player.STILL, Player.SCRIPTED])
def test_without_a_learned_player_one_seed_serves_all(player, play, told):
    told.clear()

    played = play(everybody(SPEC, player), EPISODES)

    assert played.returns.shape == (1, EPISODES, 2)
    assert all(len(values) == 1 for values in played.metrics.values())
    assert told == [2, 2, 1]


def test_what_mpe2_cannot_do_is_refused_at_once():
    config = replace(CONFIG, world=replace(CONFIG.world, rewards="openai"))

    with pytest.raises(ValueError, match="mpe2 has no rewards='openai'"):
        reference_play(config, ALGORITHM, ENVIRONMENT, ACTORS, lambda _: None)
