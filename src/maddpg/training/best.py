"""The networks with which each seed did best, kept apart from those at the end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from maddpg.storage.arrays import save_tree
from maddpg.training.noted import Noted
from maddpg.types import AnyArray, PyTree


class Best:
    """Of every seed the networks at its best evaluation: the highest return, mean over the agents that learn.

    Where teams that compete learn together, that mean says little, and so does this.
    """

    def __init__(self, path: Path, seeds: Sequence[int]) -> None:
        """Nothing is known yet; `path` is where it is written at every improvement."""
        self._path, self._seeds = path, seeds
        self._steps, self._returns = [0] * len(seeds), [-np.inf] * len(seeds)
        self._networks: PyTree = None

    def offer(self, steps: int, returns: Sequence[float], networks: PyTree) -> None:
        """Keep the networks [seed, ...] of those seeds whose return is their best so far.

        Raises:
            OSError: the file cannot be written; it is still kept in memory.
        """
        better = np.array([new > old for new, old in zip(returns, self._returns, strict=True)])
        if not better.any():
            return
        networks = jax.device_get(networks)
        if self._networks is not None:

            def choose(new: AnyArray, old: AnyArray) -> AnyArray:
                return np.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)

            networks = jax.tree.map(choose, networks, self._networks)
        self._networks = networks
        for row in np.flatnonzero(better).tolist():
            self._steps[row], self._returns[row] = steps, float(returns[row])
        self._save()

    def snapshot(self) -> tuple[dict[str, list], PyTree]:
        """What `read_noted` reads, and networks."""
        return {"steps": self._steps, "returns": [value if np.isfinite(value) else None for value in self._returns]}, self._networks or {}

    def restore(self, noted: Noted, networks: PyTree) -> None:
        """Go on from a snapshot."""
        if not networks:
            return
        self._steps, self._returns, self._networks = list(noted.best_steps), list(noted.best_returns), networks
        self._save()

    def _save(self) -> None:
        rows = zip(self._seeds, self._steps, self._returns, strict=True)
        about = {str(seed): {"steps": steps, "return": value} for seed, steps, value in rows}
        save_tree(self._path, self._networks, {"best": json.dumps(about)})
