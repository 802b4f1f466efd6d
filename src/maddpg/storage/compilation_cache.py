"""JAX's compilation cache in the user's cache folder, so that the second run of a kind starts at once."""

from __future__ import annotations

import os
from pathlib import Path

import jax


def enable_compilation_cache() -> None:
    """Keep compiled programs under XDG_CACHE_HOME (or ~/.cache), unless JAX_COMPILATION_CACHE_DIR says where already."""
    if not jax.config.values["jax_compilation_cache_dir"]:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maddpg" / "jax"
        jax.config.update("jax_compilation_cache_dir", str(folder))
    # JAX keeps only programs that took a second; ours are many and short.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
