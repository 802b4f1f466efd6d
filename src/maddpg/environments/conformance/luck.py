"""Whether an environment draws from the random generators that all of a process share."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from maddpg.environments.conformance.findings import Findings


class Luck:
    """The generators that were drawn from by what was called through here."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    def call(self, function: Callable[[], Any]) -> Any:
        """What a function of the environment's gives."""
        python, (_, keys, place, *_) = random.getstate(), _numpy_state()
        result = function()
        _, keys_after, place_after, *_ = _numpy_state()
        if place != place_after or not np.array_equal(keys, keys_after):
            self.used.add("numpy.random")
        if random.getstate() != python:
            self.used.add("random")
        return result

    def tell(self, findings: Findings) -> None:
        """Write it down."""
        if self.used:
            what = f"the global generator of {' and of '.join(sorted(self.used))} is used, which all environments of a process share"
            findings.add("warning", what, "draw from a generator of its own, which reset(seed) makes: numpy.random.default_rng(seed)")


def _numpy_state() -> tuple[Any, ...]:
    state: Any = np.random.get_state()  # noqa: NPY002  others may draw from it
    return state
