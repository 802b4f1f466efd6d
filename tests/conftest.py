"""Settings that hold for every test: strict ranks and keys, checked shapes, and one compilation cache for all workers."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from pathlib import Path

import jax
import pytest
from jaxtyping import install_import_hook

import tests.typecheck  # noqa: F401  the hook finds it by name
from tests.runs import train_small

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_compilation_cache_dir", os.environ.get("MADDPG_TEST_CACHE", str(Path(tempfile.gettempdir()) / "maddpg-test-cache")))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
# Here programs take far longer to compile than to run. MADDPG_TEST_OPTIMISED=1 compiles them as users do.
jax.config.update("jax_disable_most_optimizations", "MADDPG_TEST_OPTIMISED" not in os.environ)

install_import_hook("maddpg", "tests.typecheck.check").__enter__()


@pytest.fixture
def checked_keys():
    """Raise where a random key is used twice."""
    with jax.debug_key_reuse(True):
        yield


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """The folder of a tiny run of two seeds, trained through the command line; what that said lies beside it. For reading only."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    said = {"stdout": io.StringIO(), "stderr": io.StringIO()}
    with contextlib.redirect_stdout(said["stdout"]), contextlib.redirect_stderr(said["stderr"]):
        assert train_small("--out", folder) == 0
    for name, text in said.items():
        (folder.parent / name).write_text(text.getvalue())
    return folder
