"""Where compiled programs are kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from maddpg.storage.compilation_cache import enable_compilation_cache


@pytest.fixture
def cache(monkeypatch):
    """A function: set JAX's cache folder; afterwards it is what it was."""
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: jax.config.values[name] for name in names}
    yield lambda folder: jax.config.update("jax_compilation_cache_dir", folder)
    for name, value in before.items():
        jax.config.update(name, value)


def folder() -> str:
    return jax.config.values["jax_compilation_cache_dir"]


def test_it_is_in_the_users_cache_folder(cache, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/cache")
    cache(None)

    enable_compilation_cache()

    assert folder() == "/somewhere/cache/maddpg/jax"


def test_without_a_cache_folder_it_is_in_the_home(cache, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/somebody"))
    cache(None)

    enable_compilation_cache()

    assert folder() == "/home/somebody/.cache/maddpg/jax"


def test_a_folder_that_is_set_already_stays(cache):
    cache("/chosen")

    enable_compilation_cache()

    assert folder() == "/chosen"


def test_jaxs_own_variable_wins():
    """JAX reads it when it is imported, so this needs a process of its own."""
    program = (
        "import jax; from maddpg.storage.compilation_cache import enable_compilation_cache as enable; "
        "enable(); print(jax.config.jax_compilation_cache_dir)"
    )
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": "/theirs", "XDG_CACHE_HOME": "/ours"}

    printed = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60)

    assert printed.stdout.strip() == "/theirs"
