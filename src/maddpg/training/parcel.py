"""What a step of environments in Python led to, as one array: each array by itself takes as long to reach the device as all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from math import prod

import jax
import numpy as np

from maddpg.algorithm.availability import availability
from maddpg.environments.vector import VectorStep
from maddpg.training.collecting import Outcome
from maddpg.types import EnvSpec, TimeStep

NOT_SENT = ("acted",)


def pack(steps: Sequence[VectorStep]) -> np.ndarray:
    """[seed, environment, column] float32 from the steps of every seed's environments; truth is 1."""
    names = [item.name for item in fields(VectorStep) if item.name not in NOT_SENT]
    rows = [[getattr(step, name).reshape(len(step.ended), -1) for name in names] for step in steps]
    return np.stack([np.concatenate(columns, axis=1, dtype=np.float32) for columns in rows])


def unpack(spec: EnvSpec, parcel: jax.Array) -> Outcome:
    """The outcome in the parcel of one seed, [environment, column]."""
    parts, first = {}, 0
    for name, shape, is_truth in _layout(spec):
        part = parcel[:, first : first + prod(shape)].reshape(len(parcel), *shape)
        parts[name] = part > 0.5 if is_truth else part
        first += prod(shape)
    result = TimeStep(**{item.name: parts[item.name] for item in fields(TimeStep)})
    now, after = (availability(spec, parts[f"{when}alive"], parts[f"{when}action_mask"]) for when in ("", "next_"))
    return Outcome(result, parts["ended"], now, after, lost=parts["lost"], whole=parts["whole"])


def _layout(spec: EnvSpec) -> Iterator[tuple[str, tuple[int, ...], bool]]:
    """Name, shape in one environment, and whether it is true or false, of all that `pack` puts side by side."""
    agents = (spec.agent_count,)
    shapes = {
        "observation": (*agents, spec.observation_width),
        "state": (spec.state_size,),
        "action_mask": (*agents, spec.action_width),
        **dict.fromkeys(("reward", "terminated", "truncated", "alive"), agents),
        **dict.fromkeys(("ended", "lost", "whole"), ()),
    }
    for item in fields(VectorStep):
        if item.name not in NOT_SENT:
            kind = item.name.removeprefix("next_")
            yield item.name, shapes[kind], kind not in ("observation", "state", "reward")
