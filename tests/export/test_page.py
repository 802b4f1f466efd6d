"""The code in docs/export.md runs as it stands there, and acts as the run does."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
import pytest

from benchmarks.exported import PAGE, page_block
from maddpg.algorithm.acting import act_greedily
from maddpg.config import AlgorithmConfig, Config
from maddpg.environments.registry import resolve
from maddpg.export import export_actors
from maddpg.training.build import build
from tests.export.actors import SPEC, make_actor, make_parts
from tests.export.test_numbers import compare

COUNT = 4_000


@pytest.mark.parametrize("settings", [{}, {"policy": "stochastic", "ensemble_size": 2}], ids=["single", "ensemble"])
def test_a_few_lines_of_numpy_act_as_the_run_does(settings, tmp_path):
    parts = make_parts(layers=(8,), **settings)
    actor = make_actor(parts)
    observations = np.random.default_rng(0).normal(size=(COUNT, SPEC.agent_count, SPEC.observation_width)).astype(np.float32)
    observations = np.where(SPEC.observation_valid, observations, 0)
    mine = jax.tree.map(lambda leaf: leaf[0], actor)
    expected = np.asarray(jax.jit(partial(act_greedily, parts.algorithm))(mine, observations))

    files = export_actors(parts, actor, [0, 0], tmp_path / "export")

    for index, (agent, file) in enumerate(zip(SPEC.agents, files, strict=True)):
        seen, right = observations[:, index, : agent.observation_size], expected[:, index, : agent.action_size]
        readers = ("reader", "every_head") if agent.name == "boxer" and not settings else ("every_head",)
        for reader in readers:
            compare(agent.name, page_block(reader)["load"](str(file.with_suffix("")))(seen), right)


def test_the_reader_has_ten_lines():
    (block,) = (part for part in PAGE.read_text().split("```") if part.startswith("python\n# reader.py\n"))
    inside = block.split("def load(name):")[1].splitlines()[1:]

    assert sum(bool(line.strip()) for line in inside) <= 10


@pytest.mark.parametrize(("block", "format"), [("acting", "safetensors"), ("runtime", "onnx"), ("program", "stablehlo")])
def test_other_blocks_run_as_they_stand(block, format, tmp_path, monkeypatch):
    parts = build(resolve(Config("simple_spread", algorithm=AlgorithmConfig(actor_layers=(8,)))))
    actor = make_actor(parts)
    export_actors(parts, actor, [0, 0], tmp_path / "export", agents=["agent_0"], format=format)
    monkeypatch.chdir(tmp_path)

    defined = page_block(block)

    mine = jax.tree.map(lambda leaf: leaf[0], actor)
    expected = np.asarray(jax.jit(partial(act_greedily, parts.algorithm))(mine, np.zeros((1, 3, 18), np.float32)))[0, 0]
    action = defined["columns" if block == "program" else "action"]
    np.testing.assert_allclose(np.ravel(action), expected, atol=1e-6)
