"""The examples run as they stand, only shorter."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.networks import mlp
from maddpg.config import Config
from maddpg.environments.conformance import check_environment
from maddpg.environments.registry import Typed

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_an_environment_of_ones_own_is_trained_evaluated_and_saved(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)

    load("own_environment").main(steps=10_400)

    told = capsys.readouterr().out
    assert "10,400 steps" in told
    assert "trained" in told
    assert "'carrier_0': array" in told
    assert {path.name for path in Path("runs/plank").iterdir()} == {
        "README.md",
        "config.json",
        "metrics.jsonl",
        "parameters.safetensors",
    }


def test_the_environment_of_ones_own_is_clean():
    conformance = check_environment(Config("own:Plank"), Typed("own:Plank", load("own_environment").Plank))

    assert conformance.findings == ()
    assert conformance.spec.teams == ("carrier",)


def test_predators_are_trained_saved_loaded_and_met_by_other_prey(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)

    load("against_each_other").main(steps=10_400)

    told = capsys.readouterr().out
    assert "against scripted prey" in told
    assert "against random prey" in told
    assert Path("runs/predators/parameters.safetensors").is_file()


def test_the_product_over_patches_is_a_convolution():
    network = load("pursuit").convolution(7, 5, 3, channels=4, hidden=(6,))
    parameters = network.init(jax.random.key(0), jnp.ones(105, bool), jnp.ones(2, bool))
    picture = jax.random.normal(jax.random.key(1), (8, 105))

    filters = parameters["filters"].reshape(3, 3, 3, 4)
    layout = ("NHWC", "HWIO", "NHWC")
    features = jax.lax.conv_general_dilated(picture.reshape(8, 7, 5, 3), filters, (1, 1), "VALID", dimension_numbers=layout)

    expected = mlp((6,)).apply(parameters["rest"], jax.nn.relu(features).reshape(8, -1))
    np.testing.assert_allclose(network.apply(parameters, picture), expected, atol=1e-5)
