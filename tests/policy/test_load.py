"""Loading what was exported: it needs NumPy alone, runs no code, and refuses what is damaged in one line."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from contextlib import suppress

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jax import export

import maddpg
from maddpg.export import export_actors
from maddpg.policy import Policies, Policy, load_policy
from maddpg.policy.description import FORMATS, checksum
from tests.export.actors import make_actor, make_parts


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """A folder for each format, with one agent of every kind of head; for reading only."""
    parts = make_parts(layers=(4,))
    folder = tmp_path_factory.mktemp("exports")
    for format in FORMATS:
        export_actors(parts, make_actor(parts), [100], folder / format, format=format, agents=["mixer"])
    return folder


@pytest.fixture
def copy(originals, tmp_path):
    """A folder of safetensors, to be damaged."""
    return shutil.copytree(originals / "safetensors", tmp_path / "export")


def change(folder, sign=True, **changes):
    """Other values in the description; `...` takes one out. Signed, its checksum is right all the same."""
    tables = json.loads((folder / "mixer.json").read_text())
    tables = {name: value for name, value in (tables | changes).items() if value is not ...}
    if sign:
        (network,) = (file for file in folder.glob("mixer.*") if file.suffix != ".json")
        tables["checksum"] = checksum(tables, network.read_bytes())
    (folder / "mixer.json").write_text(json.dumps(tables))


def test_a_file_is_an_actor_and_a_folder_is_a_team(originals):
    team = load_policy(originals / "safetensors")

    assert isinstance(team, Policies)
    assert list(team) == ["mixer"]
    seen = np.arange(9, dtype=np.float32)
    for name in ("mixer.json", "mixer.safetensors"):
        actor = maddpg.load_policy(str(originals / "safetensors" / name))
        assert isinstance(actor, Policy)
        np.testing.assert_array_equal(actor.act(seen), team.act({"mixer": seen})["mixer"])
    assert actor.description.steps == 100
    assert actor.description.versions.keys() == {"maddpg", "jax", "numpy", "safetensors"}


@pytest.mark.parametrize("statement", ["from maddpg.policy import load_policy", "from maddpg import load_policy"])
def test_acting_needs_no_jax_and_no_environment(originals, statement):
    program = (
        f"import sys\n{statement}\n"
        f"team = load_policy({str(originals / 'safetensors')!r})\n"
        "print(team.act({'mixer': [0.5] * 9})['mixer'].tolist())\n"
        "print(sorted({'jax', 'optax', 'gymnasium', 'onnxruntime', 'maddpg.types', 'maddpg.environments'} & {*sys.modules}))"
    )

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()

    expected = load_policy(originals / "safetensors").act({"mixer": [0.5] * 9})["mixer"]
    np.testing.assert_allclose(json.loads(told[0]), expected, atol=1e-6)
    assert told[1] == "[]"


def test_the_package_offers_its_public_names_and_no_others():
    assert {*maddpg.__all__} <= {*dir(maddpg)}
    for name in maddpg.__all__:
        assert getattr(maddpg, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'maddpg' has no attribute 'Preset'"):
        _ = maddpg.Preset


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "mixer.json is of schema 2, and this version reads 1"),
        ({"schema": ...}, "mixer.json lacks schema; export the run again"),
        ({"seed": ...}, "mixer.json lacks seed"),
        ({"surprise": 1}, "mixer.json has 'surprise', which this version does not know"),
        ({"agent": "a\nb"}, r"mixer.json: agent = 'a\\nb': it must be a printable text of at most 1000 characters"),
        ({"agent": "x" * 2000}, "it must be a printable text of at most 1000 characters"),
        ({"steps": -1}, "mixer.json: steps = -1: it must be a whole number from 0"),
        ({"steps": 1.5}, "mixer.json: steps = 1.5: it must be a whole number"),
        ({"format": "pickle"}, "mixer.json: format = 'pickle': it must be one of safetensors, onnx, stablehlo"),
        ({"format": "../mixer"}, "it must be one of safetensors, onnx, stablehlo"),
        ({"bytes": 2**40}, "mixer.json: bytes = 1099511627776: it must be a whole number from 1 to 2147483648"),
        ({"members": 1000}, "mixer.json: members = 1000: it must be a whole number from 1 to 64"),
        ({"layers": [9, 4, 11]}, r"mixer.json: layers = \[9, 4, 11\]: they must begin with 9 and end with 10"),
        ({"layers": [9, 2**30, 10]}, r"mixer.json: layers\[1\] = 1073741824: it must be a whole number from 1 to 16777216"),
        ({"layers": [9, 5, 10]}, "mixer.safetensors is not what .*mixer.json says: its arrays are"),
        ({"members": 2}, "mixer.safetensors is not what .*mixer.json says: its arrays are"),
        ({"layers": None, "activation": None}, "mixer.json: layers = None: a network of one's own is never in safetensors"),
        ({"layers": None}, "mixer.json: activation = 'relu': it must be null where layers are"),
        ({"activation": "gelu"}, "mixer.json: activation = 'gelu': it must be one of relu"),
        ({"heads": []}, "mixer.json: heads have 0 columns, and action has 10"),
        ({"action": {"kind": "columns", "size": 2**30}}, "action: size = 1073741824: it must be a whole number from 0 to 16777216"),
        ({"observation": {"kind": "columns", "size": 0}}, "mixer.json: observation has no column"),
        ({"observation": {"kind": "numbers", "shape": [2**20] * 3, "dtype": "float32"}}, "it must hold at most 16777216 numbers"),
        ({"observation": {"kind": "numbers", "shape": [9], "dtype": "object"}}, "dtype = 'object': it must be one of bool, int8"),
        ({"action": {"kind": "numbers", "shape": [10], "dtype": "int8"}}, "action lacks low"),
        ({"action": {"kind": "numbers", "shape": [1], "dtype": "int8", "low": [1], "high": [0]}}, "low must not lie above high"),
        ({"action": {"kind": "numbers", "shape": [2], "dtype": "int8", "low": [0], "high": [0]}}, "low and high must have 2 entries each"),
        ({"action": {"kind": "choices", "shape": [1], "dtype": "int8", "sizes": [0], "starts": [0]}}, "sizes must be at least 1"),
        ({"action": {"kind": "product", "parts": [], "names": ["a"]}}, "names must be as many as parts, and differ"),
        ({"action_mask": "observed"}, "action_mask = 'observed': that needs an observation with names"),
        ({"versions": {"maddpg": 1}}, "versions: maddpg = 1: it must be a printable text"),
    ],
)
def test_a_description_that_cannot_be_is_refused(changes, message, copy):
    change(copy, **changes)

    with pytest.raises(ValueError, match=message):
        load_policy(copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"versions": {"a\nb": 1}}, r"versions: a\\nb = 1: it must be a printable text"),
        ({"observation": {"kind": "columns", "size": 10**400}}, r"size = 1000.*\.\.\.: it must be a whole number"),
        (
            {"heads": [{"kind": "point", "size": 10, "low": [10**400] * 10, "high": [1] * 10}]},
            r"low\[0\] = 1000.*: it must be a finite number",
        ),
    ],
)
def test_what_a_description_says_stays_on_one_line(changes, message, copy):
    change(copy, **changes)

    with pytest.raises(ValueError, match=message) as refused:
        load_policy(copy)
    assert str(refused.value).isprintable()


def test_what_an_array_file_says_stays_on_one_line(copy):
    header = b'{"a": {"dtype": "F\\n32", "shape": [], "data_offsets": [0, 0]}}'
    (copy / "mixer.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    change(copy, bytes=(copy / "mixer.safetensors").stat().st_size)

    with pytest.raises(ValueError, match=r"its arrays cannot be read \(Error while deserializing") as refused:
        load_policy(copy)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["mixer.json", "mixer.safetensors"])
def test_a_pipe_is_not_waited_for(name, copy):
    (copy / name).unlink()
    os.mkfifo(copy / name)

    with pytest.raises(ValueError, match=f"{name} (is no file|has 0 bytes)"):
        load_policy(copy)


def test_spaces_within_spaces_have_an_end(copy):
    space = {"kind": "columns", "size": 9}
    for _ in range(30):
        space = {"kind": "product", "parts": [space]}
    change(copy, observation=space)

    with pytest.raises(ValueError, match="spaces lie more than 16 deep"):
        load_policy(copy)


def test_a_description_that_was_changed_is_refused(copy):
    change(copy, sign=False, seed=4)

    with pytest.raises(ValueError, match="are not as they were written: their checksum differs; export the run again"):
        load_policy(copy)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "mixer.json is damaged: it is not JSON"),
        (b"\xff\xfe\x00", "mixer.json is damaged: it is not JSON"),
        (b"[" * 100_000, "mixer.json is damaged: it is not JSON"),
        (b"9" * 100_000, "mixer.json is damaged: it is not JSON"),
        (b"[]", "mixer.json = a list of 0: it must be a table"),
        (b'{"schema": NaN}', "mixer.json is damaged: it is not JSON .NaN is no number of JSON"),
        (b" " * (2**22 + 1), "mixer.json is larger than 4194304 bytes: it is no file of `maddpg export`"),
        (pickle.dumps(print), "mixer.json is damaged: it is not JSON"),
    ],
    ids=range(8),
)
def test_a_file_that_is_no_description_is_refused(content, message, copy):
    (copy / "mixer.json").write_bytes(content)

    with pytest.raises(ValueError, match=message):
        load_policy(copy)


@pytest.mark.parametrize("format", FORMATS)
def test_a_damaged_network_is_refused_in_every_format(format, originals, tmp_path):
    folder = shutil.copytree(originals / format, tmp_path / "export")
    file = folder / f"mixer.{format}"
    content = file.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1

    file.write_bytes(content[:-1])
    with pytest.raises(ValueError, match=f"has {len(content) - 1} bytes, and had {len(content)} when it was written"):
        load_policy(folder)
    file.write_bytes(flipped)
    with pytest.raises(ValueError, match="their checksum differs"):
        load_policy(folder)
    # What somebody signed anew is looked at all the same.
    file.write_bytes(b"\x01" * len(content))
    change(folder)
    with pytest.raises(ValueError, match=f"mixer.{format} is not what .*mixer.json says: .* cannot (be )?read"):
        load_policy(folder)
    file.unlink()
    with pytest.raises(ValueError, match=f"mixer.{format} cannot be read: No such file or directory; it belongs beside its .json"):
        load_policy(folder)


@pytest.mark.parametrize("format", FORMATS)
def test_the_network_of_another_agent_is_refused_in_every_format(format, originals, tmp_path):
    folder = shutil.copytree(originals / format, tmp_path / "export")
    tables = json.loads((folder / "mixer.json").read_text())
    layers = None if format == "stablehlo" else [8, 4, 10]
    activation = None if format == "stablehlo" else "relu"
    assert tables["observation"] == {"kind": "columns", "size": 9}
    change(folder, observation={"kind": "columns", "size": 8}, layers=layers, activation=activation)

    with pytest.raises(ValueError, match=r"is not what .*mixer\.json says"):
        load_policy(folder)


@pytest.mark.parametrize("target", ["xla_ffi_python_cpu_callback", "lapack_sgetrf_ffi", "anything"])
def test_a_program_that_calls_the_machine_is_refused(target, originals, tmp_path):
    """Compiled for the device, it would be handed addresses out of the file."""
    folder = shutil.copytree(originals / "stablehlo", tmp_path / "export")

    def act(observation):
        outside = jax.ffi.ffi_call(target, jax.ShapeDtypeStruct((observation.shape[0], 10), np.float32))
        branch = jax.lax.cond(observation[0, 0] > 0, lambda: outside(observation), lambda: jax.numpy.zeros((observation.shape[0], 10)))
        return {"columns": branch, "output": branch}

    (batch,) = export.symbolic_shape("batch")
    allowed = [export.DisabledSafetyCheck.custom_call(target)]
    program = export.export(jax.jit(act), disabled_checks=allowed)(jax.ShapeDtypeStruct((batch, 9), np.float32))
    (folder / "mixer.stablehlo").write_bytes(program.serialize())
    change(folder, bytes=(folder / "mixer.stablehlo").stat().st_size)

    with pytest.raises(ValueError, match=rf"is not what .*: its program calls {target}, and may hold arithmetic alone; export the run"):
        load_policy(folder)


def test_numbers_that_are_not_finite_are_refused(copy):
    from safetensors.numpy import load_file, save_file

    arrays = load_file(copy / "mixer.safetensors")
    arrays["0.bias"] = np.full_like(arrays["0.bias"], np.inf)
    save_file(arrays, copy / "mixer.safetensors")
    change(copy, bytes=(copy / "mixer.safetensors").stat().st_size)

    with pytest.raises(ValueError, match="its arrays hold a number that is not finite"):
        load_policy(copy)


def test_what_is_no_export_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no exported actor; give a folder that `maddpg export` made"):
        load_policy(tmp_path)
    with pytest.raises(ValueError, match=r"missing is no exported actor: give a file ending in .safetensors, .onnx, .stablehlo or .json"):
        load_policy(tmp_path / "missing")
    with pytest.raises(ValueError, match=r"missing.json cannot be read: No such file or directory; give a file or a folder"):
        load_policy(tmp_path / "missing.json")


def test_two_actors_of_one_agent_are_no_team(copy):
    for ending in ("json", "safetensors"):
        shutil.copy(copy / f"mixer.{ending}", copy / f"other.{ending}")

    with pytest.raises(ValueError, match=r"other.json is another actor of mixer; keep exports in folders of their own"):
        load_policy(copy)


@pytest.mark.parametrize(("format", "module"), [("safetensors", "safetensors"), ("onnx", "onnxruntime"), ("stablehlo", "flatbuffers")])
def test_what_runs_a_format_is_named_where_it_is_missing(format, module, originals, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(ImportError, match=r'pip install "maddpg\[export\]"'):
        load_policy(originals / format)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_anything_in_place_of_anything_is_refused_or_harmless(data, copy, originals):
    """Values of the description replaced, signed; or bytes of either file replaced, unsigned."""
    for name in ("mixer.json", "mixer.safetensors"):
        shutil.copy(originals / "safetensors" / name, copy / name)
    if data.draw(st.booleans()):
        tables = json.loads((copy / "mixer.json").read_text())
        name = data.draw(st.sampled_from(sorted(tables)))
        tables[name] = data.draw(JSON)
        if isinstance(tables[name], dict) and data.draw(st.booleans()):
            tables[name]["kind"] = data.draw(st.sampled_from(["columns", "numbers", "choices", "product"]))
        with suppress(ValueError):  # NaN has no checksum
            tables["checksum"] = checksum(tables, (copy / "mixer.safetensors").read_bytes())
        (copy / "mixer.json").write_text(json.dumps(tables))
    else:
        file = copy / data.draw(st.sampled_from(["mixer.json", "mixer.safetensors"]))
        content = bytearray(file.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + 4] = data.draw(st.binary(max_size=8))
        file.write_bytes(content)
    with suppress(ValueError):
        load_policy(copy)
