"""Games in Python whose values and best actions are known, learned as people do: through `MADDPG`, from the environment's own class."""

from __future__ import annotations

from collections.abc import Mapping

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg import MADDPG, AlgorithmConfig, Config, HostConfig, TrainingConfig
from maddpg.algorithm.views import critic_input
from tests.host_games import AIM, ALLOWED, BEST, ROW_GETS, Aiming, Regulator, Reply, Sacrifice
from tests.test_model import Matching


def learn(make, steps: int, updates: int = 2, **algorithm) -> MADDPG:
    """A model that has learned for so many steps, with no more than it needs to."""
    table = AlgorithmConfig(**{"actor_layers": (32,), "critic_layers": (64,), "tau": 0.05, "critic_rate": 5e-3, **algorithm})
    training = TrainingConfig(
        steps=steps,
        environments=20,
        batch_size=128,
        updates=updates,
        warmup_steps=1_000,
        replay_capacity=steps,
        log_interval=steps,
        evaluation_interval=0,
        evaluation_episodes=40,
    )
    host = HostConfig(workers=0, max_faults=steps)
    return MADDPG(make, Config("", algorithm=table, training=training, host=host), seed=0).learn(steps)


def value(model: MADDPG, agent: str, observation: np.ndarray, action: np.ndarray) -> np.ndarray:
    """An agent's first critic at observations [batch, agent, observation] and actions [batch, agent, action]."""
    algorithm = model.parts.algorithm
    index = model.agents.index(agent)
    view = jax.tree.map(lambda leaf: leaf[index], algorithm.view)
    critic = jax.tree.map(lambda leaf: leaf[0, index, 0], model.networks["critic"])
    blocks = critic_input(algorithm.config, view, jnp.asarray(observation, jnp.float32), None, jnp.asarray(action, jnp.float32))
    return np.asarray(algorithm.critic.apply(critic, *blocks))[:, 0]


# A matrix game -------------------------------------------------------------------------------------------------------------------


def test_a_matrix_game_is_valued_as_it_pays():
    """`tests/test_model.py` plays it; here every cell of the matrix, which both critics know."""
    with learn(Matching, 2_000, gamma=0.0) as model:
        deeds = np.eye(3)[np.indices((3, 3)).reshape(2, 9).T]
        seen = np.tile(model.parts.spec.observation_valid[None] * [1.0, 0.0], (9, 1, 1))
        for agent in model.agents:
            np.testing.assert_allclose(value(model, agent, seen, deeds), np.diag([1.0, 2.0, 3.0]).ravel(), atol=0.3)


# A death -------------------------------------------------------------------------------------------------------------------------

GAMMA = 0.9


@pytest.fixture(scope="module", params=["zero", "team"])
def squad(request):
    """(value_after_death, a model that has learned)"""
    with learn(Sacrifice, 5_000, gamma=GAMMA, value_after_death=request.param) as model:
        yield request.param, model


def moments(*alive: Mapping[int, bool] | tuple[int, bool, bool]) -> np.ndarray:
    """[batch, agent, observation]: what both see at (clock, whether the first lives, whether the second does)."""
    rows = np.zeros((len(alive), 2, 4))
    for row, (clock, first, second) in zip(rows, alive, strict=True):
        for agent, lives in enumerate((first, second)):
            if lives:
                row[agent, [clock, 3]] = 1, first and second
    return rows


def test_who_dies_for_the_team_does_so_where_the_teams_return_is_its_own(squad):
    after_death, model = squad

    seen = np.array([1, 0, 0, 1], np.float32)
    assert model.predict({"squad_0": seen, "squad_1": seen})["squad_0"] == (1 if after_death == "team" else 0)
    scores = model.evaluate(episodes=20).seeds[0].agents
    assert (scores["squad_0"].mean, scores["squad_1"].mean) == ((0, 11) if after_death == "team" else (3, 3))


def test_the_values_of_living_and_dying_are_those_of_theory(squad):
    after_death, model = squad
    live, die = np.eye(2)
    nobody = np.zeros(2)
    later = 5 * (GAMMA + GAMMA**2)

    start = moments((0, True, True), (0, True, True))
    first_deeds = np.array([[live, live], [die, live]])
    both = 1 + GAMMA + GAMMA**2
    np.testing.assert_allclose(
        value(model, "squad_0", start, first_deeds), [both, later if after_death == "team" else 0.0], atol=0.5, err_msg="who may die"
    )
    np.testing.assert_allclose(value(model, "squad_1", start, first_deeds), [both, 1 + later], atol=0.5, err_msg="who lives")

    alone = moments((1, False, True), (2, False, True))
    deeds = np.array([[nobody, live]] * 2)
    np.testing.assert_allclose(value(model, "squad_1", alone, deeds), [5 + 5 * GAMMA, 5], atol=0.5, err_msg="who is left")
    if after_death == "team":
        np.testing.assert_allclose(value(model, "squad_0", alone, deeds), [5 + 5 * GAMMA, 5], atol=0.5, err_msg="who is dead")


# A choice with a number ----------------------------------------------------------------------------------------------------------


def test_a_choice_and_its_number_are_learned_together():
    with learn(Aiming, 7_000, gamma=0.0, actor_rate=0.001) as model:
        for card in range(3):
            done = model.predict({"left": card, "right": card})
            choice, number = done["left"]
            assert (choice, done["right"]["move"] - 3) == (BEST["left"][card], BEST["right"][card])
            np.testing.assert_allclose(number, AIM["left"][card][choice], atol=0.3)
            np.testing.assert_allclose(done["right"]["aim"], AIM["right"][card][BEST["right"][card]], atol=0.3)
        scores = model.evaluate(episodes=40).seeds[0].agents
        for agent in model.agents:
            assert 7.8 < scores[agent].mean <= 8.0  # four steps of 2
            assert scores[agent].random < 4


# One agent -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("twin_critics", [False, True], ids=["DDPG", "TD3"])
def test_one_agent_steers_as_the_riccati_equation_says(twin_critics):
    """By a linear rule, at a quadratic cost; time limits must not count as ends."""
    gamma = 0.5
    steepness = (2 * gamma - 1 + np.sqrt((2 * gamma - 1) ** 2 + 4 * gamma)) / (2 * gamma)  # P = 1 + gamma P / (1 + gamma P)
    gain = gamma * steepness / (1 + gamma * steepness)

    def make():
        return gymnasium.wrappers.TimeLimit(Regulator(), 2)

    with learn(make, 6_000, gamma=gamma, twin_critics=twin_critics, actor_rate=1e-3) as model:
        assert jax.tree.leaves(model.networks["critic"])[0].shape[:3] == (1, 1, 1 + twin_critics)
        for place in (-0.9, -0.5, 0.0, 0.4, 0.8):
            done = model.predict({"agent": np.array([place], np.float32)})["agent"]
            np.testing.assert_allclose(done, [-gain * place], atol=0.2)
        places, moves = (grid.ravel() for grid in np.meshgrid(np.linspace(-0.9, 0.9, 7), np.linspace(-0.8, 0.8, 5)))
        known = -(places**2) - moves**2 - gamma * steepness * (places + moves) ** 2
        asked = value(model, "agent", places[:, None, None], moves[:, None, None])
        assert np.sqrt(np.mean((asked - known) ** 2)) < 0.12


# A game in turns -----------------------------------------------------------------------------------------------------------------


def test_a_game_in_turns_is_played_as_backward_induction_says():
    gamma = 0.9
    best_reply = np.argmin(np.where(ALLOWED, ROW_GETS, np.inf), axis=1)
    worth = ROW_GETS[np.arange(3), best_reply]
    with learn(Reply, 5_000, gamma=gamma) as model:
        sight = np.zeros(4, np.float32)
        sight[0] = 1
        assert model.predict({"row": {"observation": sight, "action_mask": np.ones(3)}}) == {"row": np.argmax(worth)}
        for row in range(3):
            seen = np.append(1, np.arange(3) == row).astype(np.float32)
            told = {"column": {"observation": seen, "action_mask": ALLOWED[row]}}
            assert model.predict(told) == {"column": best_reply[row]}
            assert sum(model.predict(told, deterministic=False)["column"] == best_reply[row] for _ in range(20)) > 15

        waits = np.eye(3)[0]  # who looks on has the first option alone
        start = np.tile([[1.0, 0, 0, 0], [0, 0, 0, 0]], (3, 1, 1))
        first_moves = np.stack([[move, waits] for move in np.eye(3)])
        np.testing.assert_allclose(value(model, "row", start, first_moves), gamma * worth, atol=0.5)
        cells = np.argwhere(ALLOWED)
        seen = np.stack([[np.append(0, np.eye(3)[row]), np.append(1, np.eye(3)[row])] for row, _ in cells])
        replies = np.stack([[waits, np.eye(3)[column]] for _, column in cells])
        np.testing.assert_allclose(value(model, "column", seen, replies), -ROW_GETS[tuple(cells.T)], atol=0.5)
