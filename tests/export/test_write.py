"""What is written: which files, whose weights, under which names; and what is refused, leaving nothing behind."""

from __future__ import annotations

import errno
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file

from maddpg.algorithm.networks import Network, mlp
from maddpg.config import TeamConfig
from maddpg.export import export_actors, write
from maddpg.export.actors import Actor, act_alike, find_heads
from maddpg.policy import load_policy
from maddpg.spaces.kinds import Columns
from tests.export.actors import SEEDS, SPEC, make_actor, make_parts

SEEN = {agent.name: np.linspace(-1, 1, agent.observation_size, dtype=np.float32) for agent in SPEC.agents}


@pytest.fixture(scope="module")
def parts():
    return make_parts(layers=(6,))


@pytest.fixture(scope="module")
def actor(parts):
    return make_actor(parts)


def test_each_agent_has_two_files_that_say_what_it_is(parts, actor, tmp_path):
    written = export_actors(parts, actor, [1_234] * 2, tmp_path / "export")

    assert written == [tmp_path / "export" / f"{agent}.json" for agent in SPEC.names]
    assert {path.name for path in (tmp_path / "export").iterdir()} == {
        f"{agent}.{end}" for agent in SPEC.names for end in ("json", "safetensors")
    }
    assert list(tmp_path.iterdir()) == [tmp_path / "export"]
    described = json.loads(written[1].read_text())
    assert len(described.pop("checksum")) == 64
    assert described.pop("bytes") == (tmp_path / "export" / "chooser.safetensors").stat().st_size
    assert set(described.pop("versions")) == {"maddpg", "jax", "numpy", "safetensors"}
    assert described == {
        "schema": 1,
        "environment": "python:environment",
        "agent": "chooser",
        "team": "left",
        "seed": 3,
        "sub_policy": None,
        "steps": 1_234,
        "observation": {"kind": "columns", "size": 2},
        "action": {"kind": "columns", "size": 5},
        "heads": [{"kind": "categorical", "size": 3}, {"kind": "categorical", "size": 2}],
        "message_size": 2,
        "action_mask": "none",
        "members": 1,
        "layers": [2, 6, 5],
        "activation": "relu",
        "format": "safetensors",
    }
    heads = json.loads(written[2].read_text())["heads"]
    assert [head["kind"] for head in heads] == ["categorical", "point", "simplex", "point"]
    assert heads[2]["temperature"] == 1.0
    assert (heads[3]["low"], heads[3]["high"]) == ([0.0, 5.0], [1.0, 9.0])


@pytest.mark.parametrize("policy", ["deterministic", "stochastic"])
def test_weights_are_stored_as_they_are_without_padding(policy, tmp_path):
    """However they lie in memory: safetensors would write a transposed array as if it were none, and say nothing."""
    parts = make_parts(layers=(6,), policy=policy)
    actor = [{name: np.asfortranarray(array) for name, array in layer.items()} for layer in make_actor(parts)]
    assert not actor[0]["weight"].flags.c_contiguous

    export_actors(parts, actor, [0, 0], tmp_path / "export", seed=4)

    stored = load_file(tmp_path / "export" / "mixer.safetensors")
    kept = [*range(10), *((14, 18, 19) if policy == "stochastic" else ())]  # log standard deviations of boxes alone
    assert stored.keys() == {"0.weight", "0.bias", "1.weight", "1.bias"}
    np.testing.assert_array_equal(stored["0.weight"], actor[0]["weight"][1, 2, 0])
    np.testing.assert_array_equal(stored["0.bias"], actor[0]["bias"][1, 2, 0])
    np.testing.assert_array_equal(stored["1.weight"], actor[1]["weight"][1, 2, 0][:, kept])
    np.testing.assert_array_equal(stored["1.bias"], actor[1]["bias"][1, 2, 0][kept])
    chooser = load_file(tmp_path / "export" / "chooser.safetensors")
    np.testing.assert_array_equal(chooser["0.weight"], actor[0]["weight"][1, 1, 0, :2])
    np.testing.assert_array_equal(chooser["1.bias"], actor[1]["bias"][1, 1, 0, :5])


def test_an_ensemble_is_exported_whole_or_by_its_members(tmp_path):
    parts = make_parts(layers=(6,), ensemble_size=2)
    actor = make_actor(parts)
    export_actors(parts, actor, [0, 0], tmp_path / "all", agents=["boxer"])
    export_actors(parts, actor, [0, 0], tmp_path / "average", agents=["boxer"], sub_policy="average")
    export_actors(parts, actor, [0, 0], tmp_path / "one", agents=["boxer"], sub_policy=1)

    whole, one = (load_file(tmp_path / name / "boxer.safetensors") for name in ("all", "one"))
    np.testing.assert_array_equal(whole["0.bias"], actor[0]["bias"][0, 0][:, None])
    np.testing.assert_array_equal(one["0.bias"], actor[0]["bias"][0, 0, 1])
    assert (tmp_path / "all" / "boxer.json").read_text() == (tmp_path / "average" / "boxer.json").read_text()
    assert load_policy(tmp_path / "all")["boxer"].description.sub_policy is None
    assert load_policy(tmp_path / "one")["boxer"].description.sub_policy == 1
    for sub_policy in (2, -1):
        with pytest.raises(ValueError, match=r"it must be average, or a number from 0 to 1"):
            export_actors(parts, actor, [0, 0], tmp_path / "none", sub_policy=sub_policy)


def test_those_who_learned_nothing_are_left_out(tmp_path):
    parts = make_parts(layers=(6,), teams={"right": TeamConfig(player="random")})
    actor = make_actor(parts)

    written = export_actors(parts, actor, [0, 0], tmp_path / "export")

    assert [path.stem for path in written] == ["boxer", "chooser"]
    with pytest.raises(ValueError, match="mixer has learned nothing in this run; give one of boxer, chooser"):
        export_actors(parts, actor, [0, 0], tmp_path / "mixer", agents=["mixer"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "onx"}, "unknown format 'onx'; did you mean 'onnx'[?] Known: safetensors, onnx, stablehlo"),
        ({"agents": ["mixr"]}, "unknown agent 'mixr'; did you mean 'mixer'[?] Known: boxer, chooser, mixer"),
        ({"seed": 5}, "seed = 5: this was trained with 3, 4"),
        ({"sub_policy": 0}, "sub_policy = 0: each agent has one policy here, and no ensemble; leave it out"),
        ({"sub_policy": "average"}, "sub_policy = 'average': each agent has one policy here, and no ensemble; leave it out"),
    ],
)
def test_what_there_is_not_is_refused(arguments, message, parts, actor, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_actors(parts, actor, [0, 0], tmp_path / "export", **arguments)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(parts, actor, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()

    for name in ("full", "file"):
        with pytest.raises(ValueError, match=f"{name} is not empty; give --out a new folder, so that nothing saved is lost"):
            export_actors(parts, actor, [0, 0], tmp_path / name)
    with pytest.raises(ValueError, match="new cannot be written: Not a directory; give --out another folder"):
        export_actors(parts, actor, [0, 0], tmp_path / "file" / "new")
    export_actors(parts, actor, [0, 0], tmp_path / "empty", agents=["boxer"])

    assert sorted(path.name for path in tmp_path.rglob("*")) == ["boxer.json", "boxer.safetensors", "empty", "file", "full", "thesis.tex"]


def test_the_folder_that_one_is_in_is_not_replaced(parts, actor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ValueError, match=f"{tmp_path} is the folder that you are in, and cannot be replaced; give --out a new one"):
        export_actors(parts, actor, [0, 0], Path("."))
    with pytest.raises(ValueError, match="/ is not empty; give --out a new folder"):
        export_actors(parts, actor, [0, 0], Path("/"))
    assert list(tmp_path.iterdir()) == []

    assert export_actors(parts, actor, [0, 0], Path("x/../here"), agents=["boxer"]) == [Path("x/../here/boxer.json")]

    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    with pytest.raises(ValueError, match=r"\. is not empty; give --out a new folder"):
        export_actors(parts, actor, [0, 0], Path("."))


def test_an_error_of_the_environment_is_not_blamed_on_the_folder(parts, actor, tmp_path, monkeypatch):
    def fail(environment):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "maze.txt")

    monkeypatch.setattr(write, "describe_spaces", fail)

    with pytest.raises(FileNotFoundError, match=r"maze\.txt"):
        export_actors(parts, actor, [0, 0], tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(parts, actor, tmp_path, monkeypatch):
    def fail(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(write, "write_json", fail)

    with pytest.raises(ValueError, match="export cannot be written: No space left on device; give --out another folder"):
        export_actors(parts, actor, [0, 0], tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def test_names_of_agents_never_lead_out_of_the_folder(tmp_path):
    names = ("../../etc/passwd", "ärm", "ARM/..")
    parts = make_parts(layers=(6,))
    spec = replace(SPEC, agents=tuple(replace(agent, name=name) for agent, name in zip(SPEC.agents, names, strict=True)))
    renamed = replace(parts, environment=replace(parts.environment, spec=spec))

    written = export_actors(renamed, make_actor(parts), [0, 0], tmp_path / "a" / "b" / "export")

    assert [path.stem for path in written] == ["-..-etc-passwd", "-rm", "ARM-.."]
    assert all(path.parent == tmp_path / "a" / "b" / "export" for path in written)
    assert set(load_policy(tmp_path / "a" / "b" / "export")) == {*names}


def test_names_that_some_file_systems_take_for_one_get_two_files(tmp_path):
    for name in ("arm", "Arm", "ARM"):
        (tmp_path / f"{write._file_name(name, tmp_path)}.json").touch()

    assert {path.name for path in tmp_path.iterdir()} == {"arm.json", "Arm-2.json", "ARM-3.json"}
    assert write._file_name("...", tmp_path) == "agent"


def test_what_acts_otherwise_is_not_kept(parts, actor, tmp_path, monkeypatch):
    """The networks say the same; the heads do not."""

    def mistaken(algorithm, index):
        return tuple(replace(head, kind="simplex") if head.kind == "categorical" else head for head in find_heads(algorithm, index))

    monkeypatch.setattr(write, "find_heads", mistaken)

    with pytest.raises(ValueError, match="chooser: what was written does not act as what was trained, and is not kept"):
        export_actors(parts, actor, [0, 0], tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def test_choices_between_equals_may_differ(parts, actor):
    """Three options and two: where the best two are as likely as each other, rounding decides."""
    chooser = Actor(parts.algorithm, 1, jax.tree.map(lambda leaf: jnp.asarray(leaf[0, 1]), actor))
    logits = np.array([[[1.0, 1.0 + 1e-6, 0.0, 3.0, 0.0]]], np.float32)
    second, first = np.array([[0.0, 1, 0, 1, 0]]), np.array([[1.0, 0, 0, 1, 0]])

    assert act_alike(chooser, logits, second, first)
    assert not act_alike(chooser, logits, second, np.array([[1.0, 0, 0, 0, 1]]))
    assert not act_alike(chooser, logits * np.array([1, 2, 1, 1, 1], np.float32), second, first)


def test_a_space_that_exports_do_not_know_is_refused(parts, actor, tmp_path):
    @dataclass(frozen=True)
    class Bits:
        size: int

    agents = (SPEC.agents[0], replace(SPEC.agents[1], action=(Bits(5),)), SPEC.agents[2])
    other = replace(parts, algorithm=replace(parts.algorithm, spec=replace(SPEC, agents=agents)))

    with pytest.raises(ValueError, match=r"chooser acts in .*Bits\(size=5\), which exports know no head for; docs/changing.md says how"):
        export_actors(other, actor, [0, 0], tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def look_alike(hidden):
    """Parameters as our perceptron has them, and another network."""
    like = mlp(hidden)

    def apply(parameters, *blocks):
        value = jnp.concatenate(blocks, axis=1)
        for number, layer in enumerate(parameters):
            value = (jnp.tanh(value) if number else value) @ layer["weight"] + layer["bias"][None]
        return value

    return Network(like.init, apply)


def wrapped(hidden):
    """Parameters of another form."""
    like = look_alike(hidden)
    return Network(
        lambda *arguments: {"layers": like.init(*arguments)}, lambda parameters, *blocks: like.apply(parameters["layers"], *blocks)
    )


@pytest.mark.parametrize("make", [look_alike, wrapped])
def test_a_network_of_ones_own_is_exported_as_a_program_alone(make, tmp_path):
    parts = make_parts(layers=(6,), actor=make((6,)))
    actor = make_actor(parts) if make is look_alike else {"layers": make_actor(parts)}
    for format in ("safetensors", "onnx"):
        message = f"boxer has a network of your own, which the format {format} cannot hold; give --format stablehlo"
        with pytest.raises(ValueError, match=message):
            export_actors(parts, actor, [0, 0], tmp_path / "export", format=format)
    assert list(tmp_path.iterdir()) == []

    export_actors(parts, actor, [0, 0], tmp_path / "export", agents=["boxer"], format="stablehlo")

    boxer = load_policy(tmp_path / "export")["boxer"]
    assert boxer.description.layers is None
    assert b".py" not in (tmp_path / "export" / "boxer.stablehlo").read_bytes(), "it tells where the exporter keeps its code"
    mine = jax.tree.map(lambda leaf: jnp.asarray(leaf[0, 0, 0]), actor)
    padded = np.pad(SEEN["boxer"], (0, 4))[None]
    place = np.tanh(parts.algorithm.actor.apply(mine, jnp.asarray(padded))[0, :3])
    np.testing.assert_allclose(boxer.act(SEEN["boxer"]), [-0.75, 1.5, 0] + np.array([1.25, 1.5, 0.25]) * place, atol=1e-5)


@pytest.mark.parametrize(("format", "module"), [("onnx", "onnx"), ("stablehlo", "flatbuffers")])
def test_what_writes_a_format_is_named_where_it_is_missing(format, module, parts, actor, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ImportError, match=rf'the format {format} needs its extra: pip install "maddpg\[export\]"'):
        export_actors(parts, actor, [0, 0], tmp_path / "export", format=format)
    assert list(tmp_path.iterdir()) == []


def test_the_graph_says_what_it_takes_and_gives(tmp_path):
    parts = make_parts(layers=(6,), masked=True, ensemble_size=2)

    export_actors(parts, make_actor(parts), [0, 0], tmp_path / "export", agents=["chooser"], format="onnx")

    model = onnx.load(tmp_path / "export" / "chooser.onnx")
    shapes = {
        value.name: [dimension.dim_param or dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "observation": ["batch", 2],
        "action_mask": ["batch", 5],
        "output": [2, "batch", 5],
        "columns": ["batch", 5],
        "action": ["batch", 5],
    }
    assert load_policy(tmp_path / "export")["chooser"].description.action == Columns(5)
    assert SEEDS[0] == load_policy(tmp_path / "export")["chooser"].description.seed
