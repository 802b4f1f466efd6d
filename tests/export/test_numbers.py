"""What was exported acts as what was trained: every head, ensembles, padding and masks, in every format, on thousands of observations."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime
import pytest
from jax import export

from maddpg.algorithm.acting import act_greedily
from maddpg.export import export_actors
from maddpg.policy import load_policy
from maddpg.policy.description import FORMATS
from maddpg.types import Availability
from tests.export.actors import SEEDS, SPEC, make_actor, make_parts

COUNT = 4_000
VARIANTS = {
    "deterministic": ({}, None, 1),
    "stochastic": ({"policy": "stochastic"}, None, 0),
    "average": ({"policy": "stochastic", "ensemble_size": 3}, "average", 1),
    "member": ({"ensemble_size": 3}, 2, 0),
    "masked": ({"masked": True}, None, 1),
}
"""Name -> settings, which sub-policy, which seed's row."""
COMPILED = ("average", "masked")
"""Those that are compiled by JAX too, which takes longest: between them they have every head."""
CASES = [(name, format) for name in VARIANTS for format in FORMATS if format != "stablehlo" or name in COMPILED]


def random_masks(generator):
    """[count, agent, action] bool: some choices forbidden, one of each left; true elsewhere."""
    allowed = np.ones((COUNT, SPEC.agent_count, SPEC.action_width), bool)
    for index, first, size in ((1, 0, 3), (1, 3, 2), (2, 0, 4)):
        allowed[:, index, first : first + size] = generator.random((COUNT, size)) < 0.5
        allowed[np.arange(COUNT), index, first + generator.integers(0, size, COUNT)] = True
    return allowed


@pytest.fixture(scope="module")
def variant(request):
    """Parts and actors of a run, what is asked of the export, observations, masks, and the columns as `predict` computes them."""
    settings, sub_policy, row = VARIANTS[request.param]
    parts = make_parts(**settings)
    actor = make_actor(parts)
    generator = np.random.default_rng(1)
    observations = (2 * generator.normal(size=(COUNT, SPEC.agent_count, SPEC.observation_width))).astype(np.float32)
    observations = np.where(SPEC.observation_valid, observations, 0)
    allowed = random_masks(generator) if parts.spec.masked else None
    who = jnp.full((COUNT, SPEC.agent_count), sub_policy) if isinstance(sub_policy, int) else None
    there = None if allowed is None else Availability(action_mask=jnp.asarray(allowed))
    mine = jax.tree.map(lambda leaf: leaf[row], actor)
    expected = np.asarray(jax.jit(partial(act_greedily, parts.algorithm))(mine, observations, who, there))
    return parts, actor, {"sub_policy": sub_policy, "seed": SEEDS[row]}, observations, allowed, expected


def columns_of(agent, values):
    """An agent's true columns of [batch, agent, column]."""
    index = SPEC.names.index(agent)
    return values[:, index, : SPEC.agents[index].action_size]


def compare(agent, columns, expected):
    """Choices are equal, but where the best two are within rounding of each other; numbers to a millionth of their range."""
    start = 0
    for space in SPEC.agents[SPEC.names.index(agent)].action:
        mine, right = columns[:, start : start + space.size], expected[:, start : start + space.size]
        start += space.size
        if type(space).__name__ == "Categorical":
            assert set(np.unique(mine)) <= {0, 1}
            assert (mine != right).any(axis=1).mean() <= 1 / COUNT
        else:
            low, high = (np.array(space.low), np.array(space.high)) if hasattr(space, "low") else (0, 1)
            assert np.abs((mine - right) / (high - low)).max() < 1e-6


@pytest.mark.parametrize(("variant", "format"), CASES, indirect=["variant"])
def test_columns_are_those_of_the_original(variant, format, tmp_path):
    parts, actor, asked, observations, allowed, expected = variant
    export_actors(parts, actor, [100] * 2, tmp_path / "export", format=format, **asked)
    policies = load_policy(tmp_path / "export")

    assert list(policies) == list(SPEC.names)
    for index, agent in enumerate(SPEC.agents):
        mask = None if allowed is None else columns_of(agent.name, allowed)
        seen = observations[:, index, : agent.observation_size]
        right = columns_of(agent.name, expected)
        compare(agent.name, policies[agent.name].act_in_columns(seen, allowed=mask), right)
        # The graph's and the program's own heads, without us.
        content = (tmp_path / "export" / f"{agent.name}.{format}").read_bytes()
        if format == "onnx":
            inputs = {"observation": seen} | ({} if mask is None else {"action_mask": mask})
            session = onnxruntime.InferenceSession(content)
            columns, action = session.run(["columns", "action"], inputs)
            np.testing.assert_array_equal(columns, action)
            compare(agent.name, columns, right)
        if format == "stablehlo":
            program = export.deserialize(bytearray(content))
            assert program.platforms == ("cpu", "cuda", "tpu")
            compare(agent.name, np.asarray(program.call(seen, *([] if mask is None else [mask]))["columns"]), right)
