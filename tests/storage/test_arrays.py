"""Parameters come back as they went, or not at all."""

from __future__ import annotations

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file

from maddpg.storage.arrays import load_tree, named_leaves, save_tree

TREE = {
    "actor": [{"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(3, np.float32)}],
    "updates": np.int32(7),
}


def shapes(tree):
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(np.shape(leaf), np.asarray(leaf).dtype), tree)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "parameters.safetensors"
    save_tree(path, TREE)
    return path


def test_there_and_back(path):
    loaded = load_tree(path, shapes(TREE))

    assert jax.tree.structure(loaded) == jax.tree.structure(TREE)
    jax.tree.map(np.testing.assert_array_equal, loaded, TREE)


def test_arrays_are_named_by_their_path(path):
    assert set(load_file(path)) == {"actor/0/weight", "actor/0/bias", "updates"}
    assert named_leaves(TREE)["actor/0/weight"] is TREE["actor"][0]["weight"]


@pytest.mark.parametrize(
    "view",
    [
        np.arange(12, dtype=np.float32).reshape(3, 4).T,
        np.arange(12, dtype=np.float32)[::-2],
        np.arange(12, dtype=np.float32).reshape(3, 4)[:, 1],
        np.asfortranarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4)),
        np.broadcast_to(np.float32(1), (2, 3)),
    ],
    ids=["transposed", "backwards", "column", "fortran", "broadcast"],
)
def test_an_array_that_does_not_lie_in_order_is_stored_as_it_reads(view, tmp_path):
    path = tmp_path / "parameters.safetensors"

    save_tree(path, {"a": view})

    np.testing.assert_array_equal(load_tree(path, shapes({"a": view}))["a"], view)


def test_arrays_of_the_device_come_back_bit_for_bit(tmp_path):
    path, tree = tmp_path / "parameters.safetensors", {"a": jax.random.normal(jax.random.key(0), (5, 7)), "b": jnp.float32([jnp.nan, -0.0])}

    save_tree(path, tree)

    for name, array in load_tree(path, shapes(tree)).items():
        assert array.tobytes() == np.asarray(tree[name]).tobytes()


def test_a_tree_may_be_read_in_part(path):
    np.testing.assert_array_equal(load_tree(path, shapes({"actor": TREE["actor"]}))["actor"][0]["bias"], np.zeros(3))


@pytest.mark.parametrize(
    ("like", "message"),
    [
        ({"critic": np.float32(0)}, "lacks critic"),
        ({"updates": np.int32([0])}, r": updates is int32\[\], but this run's is int32\[1\]"),
        ({"updates": np.float32(0)}, r": updates is int32\[\], but this run's is float32\[\]"),
        ({"actor": [{"weight": np.zeros((3, 2), np.float32)}]}, r": actor/0/weight is float32\[2, 3\], but this run's is float32\[3, 2\]"),
    ],
)
def test_a_tree_of_another_kind_is_refused(like, message, path):
    with pytest.raises(ValueError, match=f"^{path} ?{message}".replace(" ?:", ":")):
        load_tree(path, shapes(like))


@pytest.mark.parametrize("keep", [0, 4, 8, 40, -1])
def test_a_damaged_file_is_refused(keep, path):
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(ValueError, match=f"^{path} cannot be read: "):
        load_tree(path, shapes(TREE))


def test_a_file_that_is_something_else_is_refused(path):
    path.write_bytes(b"\xff" * 100)

    with pytest.raises(ValueError, match=f"^{path} cannot be read: "):
        load_tree(path, shapes(TREE))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"none cannot be read: .*No such file"):
        load_tree(tmp_path / "none", shapes(TREE))


def test_what_a_file_says_stays_on_one_line(path):
    header = b'{"a": {"dtype": "F\\n32", "shape": [], "data_offsets": [0, 0]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header)

    with pytest.raises(ValueError, match="cannot be read: Error while deserializing") as refused:
        load_tree(path, shapes(TREE))
    assert str(refused.value).isprintable()


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")

    for name in ("pipe", "endless"):
        with pytest.raises(ValueError, match=f"{name} cannot be read: it is no file"):
            load_tree(tmp_path / name, shapes(TREE))
