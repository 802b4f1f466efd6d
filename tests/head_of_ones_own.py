"""What tests/test_docs.py runs with the patched package of docs/changing.md: a new head, in all that the page says it works in."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import stepping

import maddpg
from maddpg import MADDPG, load_policy
from maddpg.algorithm.actions import action_layout, random_action, sample
from maddpg.algorithm.inference import belief, divergence, entropy, log_likelihood
from maddpg.config import AlgorithmConfig, Config
from maddpg.environments.conformance import check_environment
from maddpg.environments.registry import Typed
from maddpg.policy.description import FORMATS

assert Path(maddpg.__file__).is_relative_to(Path.cwd()), "the patched package is not the one that was imported"
environment = stepping.make()

layout = jax.tree.map(lambda leaf: leaf[0], action_layout(AlgorithmConfig(), environment.spec))
output = jnp.tile(jnp.array([[1.0, -2.0]]), (20_000, 1))
chances = 1 / (1 + np.exp([-1.0, 2.0]))
drawn, allowed = sample(layout, output, jax.random.key(0)), jnp.tile(jnp.array([[True, False]]), (20_000, 1))
assert set(np.unique(drawn)) == {0, 1}
np.testing.assert_allclose(drawn.mean(axis=0), chances, atol=0.015)
np.testing.assert_allclose(random_action(layout, jax.random.key(0), 20_000, allowed).mean(axis=0), [0.5, 0], atol=0.015)
believed = belief(layout, output[:1], output[:1])
np.testing.assert_allclose(log_likelihood(layout, believed, jnp.array([[1.0, 0.0]])), np.log(chances[0] * (1 - chances[1])), rtol=1e-5)
uncertain = -(chances * np.log(chances) + (1 - chances) * np.log(1 - chances)).sum()
np.testing.assert_allclose(entropy(layout, believed), uncertain, rtol=1e-5)
even = belief(layout, 0 * output[:1], output[:1])
np.testing.assert_allclose(divergence(layout, believed, even), 2 * np.log(2) - uncertain, rtol=1e-5)

settings = {"actor_layers": (16,), "critic_layers": (32,), "warmup_steps": 1_000, "batch_size": 128, "evaluation_interval": 0}
with MADDPG(environment, seed=0, inference=True, inference_layers=(16,), **settings) as model:
    model.learn(6_000)
    (scores,) = model.evaluate(episodes=100).seeds
    assert all(score.mean > score.still + 5 and score.mean > score.random + 5 for score in scores.agents.values()), scores.agents
    seen = np.random.default_rng(0).uniform(-50, 50, (50, 2)).astype(np.float32)  # so far out that a choice made everywhere inside changes
    played = np.stack([model.predict({"left": each})["left"] for each in seen])
    assert len({tuple(row) for row in played.tolist()}) > 1
    for format in FORMATS:
        model.export(format, format=format)
        exported = load_policy(format)["left"]
        np.testing.assert_array_equal([exported.act(each) for each in seen], played)
        assert set(np.unique(exported.act_in_columns(seen, deterministic=False, generator=np.random.default_rng(0)))) <= {0, 1}
        assert not exported.act_in_columns(seen, allowed=np.zeros((50, 2), bool)).any()

found = check_environment(Config("stepping:make"), Typed("stepping:make", stepping.make))
assert not found.findings, found.findings
