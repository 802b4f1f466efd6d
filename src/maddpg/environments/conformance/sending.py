"""Whether a factory gives environments that training can use: a new one at each call, in worker processes, through its adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from maddpg.environments.conformance.attempts import Attempt, write_down
from maddpg.environments.conformance.findings import Findings
from maddpg.environments.conformance.patience import Hung, Patience, in_time
from maddpg.environments.foreign.opening import as_factory
from maddpg.environments.host import HostEnvironment
from maddpg.environments.vector.worker import pack, unpack
from maddpg.types import EnvSpec

STEPS = 100
"""Steps that are played through the adapter."""


def check_sending(findings: Findings, name: str, make: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """The factory survives the way to a worker process."""
    try:
        unpack(pack(as_factory(name, make, arguments)))
    except (ValueError, ImportError) as error:
        findings.add("warning", str(error).partition(":")[0], "let it make inside itself what it holds, or train with --workers 0")
    except Exception as error:
        what = f"the factory does not arrive in worker processes ({type(error).__name__}: {error})"
        findings.add("warning", what, "let it make inside itself what it holds, or train with --workers 0")


def check_adapter(attempt: Attempt, name: str, make: Callable[..., Any], arguments: Mapping[str, Any], seed: int) -> EnvSpec | None:
    """What training sees, after an episode through its own adapter; None where that refuses, which is written down."""
    try:
        with in_time(attempt.patience.start):
            environment = as_factory(name, make, arguments)()
        return _play(environment, seed, attempt.patience)
    except ValueError as error:
        attempt.findings.refuse(error)
    except (Exception, SystemExit, Hung) as error:
        write_down(attempt.findings, "an episode through training's adapter", error)
    return None


def _play(environment: HostEnvironment, seed: int, patience: Patience) -> EnvSpec:
    """Its specification, after an episode at random."""
    generator = np.random.default_rng(seed)
    with in_time(patience.start):
        told = environment.reset(seed)
    for _ in range(STEPS):
        if not told.alive.any():
            break
        scores = generator.uniform(-1, 1, told.action_mask.shape)
        with in_time(patience.step):
            told = environment.step(np.where(told.action_mask, scores, -np.inf))  # the largest column of a choice is what is chosen
    with in_time(patience.start):
        environment.close()
    return environment.spec
