"""What each agent's critic sees."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.learning import Batches
from maddpg.algorithm.state import assemble, hyper, init
from maddpg.algorithm.update import update
from maddpg.algorithm.views import CriticView, critic_input, critic_view, view_mask
from maddpg.config import AlgorithmConfig
from maddpg.types import AgentSpec, Box, EnvSpec, Transition
from tests.algorithm.layers import weight_of


def agent(name: str, team: str, sees: int, does: int) -> AgentSpec:
    return AgentSpec(name, team, sees, (Box((-1.0,) * does, (1.0,) * does),))


GAME = EnvSpec("game", (agent("ann", "red", 2, 1), agent("bob", "blue", 1, 2), agent("cat", "red", 3, 1)), 2, 25)

# A batch of one, each number telling where it came from: agent 1's second column is 12. Padding is 99, for it must never show.
OBSERVATION = jnp.array([[[1.0, 2, 99], [11, 99, 99], [21, 22, 23]]])
STATE = jnp.array([[71.0, 72]])
ACTION = jnp.array([[[51.0, 99], [61, 62], [81, 99]]])
SEEN = {
    ("own", "observations"): [[1, 2, 51], [11, 61, 62], [21, 22, 23, 81]],
    ("team", "observations"): [[1, 2, 21, 22, 23, 51, 81], [11, 61, 62], [1, 2, 21, 22, 23, 51, 81]],
    ("all", "observations"): [[1, 2, 11, 21, 22, 23, 51, 61, 62, 81]] * 3,
    ("own", "both"): [[1, 2, 71, 72, 51], [11, 71, 72, 61, 62], [21, 22, 23, 71, 72, 81]],
    ("own", "state"): [[71, 72, 51], [71, 72, 61, 62], [71, 72, 81]],
    ("all", "both"): [[1, 2, 11, 21, 22, 23, 71, 72, 51, 61, 62, 81]] * 3,
    ("all", "state"): [[71, 72, 51, 61, 62, 81]] * 3,
}


def view_of(config: AlgorithmConfig) -> CriticView:
    """Of all critics in the game."""
    return critic_view(config, GAME, view_mask(config, GAME, {}))


@pytest.mark.parametrize("case", SEEN, ids="-".join)
def test_a_critic_is_given_its_columns_and_no_padding(case):
    config = AlgorithmConfig(critic_view=case[0], critic_input=case[1])
    view = view_of(config)
    state = None if case[1] == "observations" else STATE

    for index, expected in enumerate(SEEN[case]):
        mine = jax.tree.map(lambda leaf: leaf[index], view)  # noqa: B023  used at once
        joint = np.concatenate(critic_input(config, mine, OBSERVATION, state, ACTION), axis=1)[0]
        assert joint[np.asarray(mine.input_valid)].tolist() == expected
        if case[0] != "all":  # where all see the same, padding stays in the array and starts at zero weight
            assert not np.any(joint[~np.asarray(mine.input_valid)])


def test_a_local_critic_is_no_wider_than_the_widest_agent():
    assert view_of(AlgorithmConfig(critic_view="own")).input_valid.shape == (3, 3 + 2)


def test_masks():
    masks = {view: view_mask(AlgorithmConfig(critic_view=view), GAME, {}).astype(int).tolist() for view in ("all", "team", "own")}

    assert masks == {
        "all": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
        "team": [[1, 0, 1], [0, 1, 0], [1, 0, 1]],
        "own": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    }


def test_a_critic_of_states_refuses_transitions_without():
    config = AlgorithmConfig(critic_input="state")

    with pytest.raises(ValueError, match="critic_input = 'state', but the transitions carry no state"):
        critic_input(config, view_of(config), OBSERVATION, None, ACTION)


@pytest.mark.parametrize("view", ["own", "team", "all"])
def test_a_value_depends_on_the_actions_that_its_critic_sees_and_on_no_others(view):
    config = AlgorithmConfig(critic_view=view, critic_layers=(8,))
    algorithm = assemble(config, GAME)
    critic = jax.jit(lambda key: init(algorithm, key).critic)(jax.random.key(0))

    def value(action, index):
        mine = jax.tree.map(lambda leaf: leaf[index], algorithm.view)
        blocks = critic_input(config, mine, OBSERVATION / 50, None, action)
        return algorithm.critic.apply(jax.tree.map(lambda leaf: leaf[index, 0], critic), *blocks)[0, 0]

    for index, seen in enumerate(view_mask(config, GAME, {})):
        slope = np.asarray(jax.grad(value)(ACTION / 50, index))[0]
        assert np.any(slope, axis=1).tolist() == seen.tolist()
        assert not np.any(slope[~GAME.action_valid])


def test_with_local_critics_an_agent_learns_as_if_it_were_alone():
    config = AlgorithmConfig(critic_view="own", actor_layers=(4,), critic_layers=(5,))
    rng = np.random.default_rng(0)
    spec = replace(GAME, agents=GAME.agents[:2])
    shapes = {"observation": (2, 2), "action": (2, 2), "reward": (2,), "discount": (2,), "next_observation": (2, 2)}
    batch = Transition(**{name: jnp.asarray(rng.uniform(size=(6, *shape)), jnp.float32) for name, shape in shapes.items()})

    def learn(spec, batch):
        algorithm = assemble(config, spec)
        state = init(algorithm, jax.random.key(0))
        return update(algorithm, hyper(algorithm), state, Batches(batch), jax.random.key(1))[0]

    together = jax.jit(lambda batch: learn(spec, batch))(batch)
    ann = replace(spec, agents=spec.agents[:1])
    alone = jax.jit(lambda batch: learn(ann, batch))(
        Transition(
            observation=batch.observation[:, :1],
            action=batch.action[:, :1, :1],
            reward=batch.reward[:, :1],
            discount=batch.discount[:, :1],
            next_observation=batch.next_observation[:, :1],
        )
    )

    np.testing.assert_allclose(weight_of(together.actor[0])[0], weight_of(alone.actor[0])[0], atol=1e-6)
    np.testing.assert_allclose(weight_of(together.critic[1])[0], weight_of(alone.critic[1])[0], atol=1e-6)
