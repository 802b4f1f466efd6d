"""How an observation differs from what its space promises: how far outside, and in which type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from maddpg.environments.conformance.findings import Findings
from maddpg.environments.host import describe_value
from maddpg.spaces.masks import KEY

ROUNDING = 1e-5  # of a bound's size: what 32-bit floats may miss it by


def check_against_space(findings: Findings, space: gymnasium.Space, value: Any, agent: object, step: int) -> None:
    """Write down where an observation lies outside its space, which training lets through. Its shape has been looked at."""
    for place, part, inner in _parts(space, value, "the observation"):
        if isinstance(part, spaces.Box):
            _check_box(findings, place, part, inner, agent, step)
        elif not part.contains(inner):
            what = f"{place} is {describe_value(inner)}, which is not in {describe_value(part)}"
            findings.add("error", what, "widen its space, or mend the observation", agent, step)


def _parts(space: gymnasium.Space, value: Any, place: str) -> list[tuple[str, gymnasium.Space, Any]]:
    """The simple spaces in a space with the values in them, without the action mask."""
    if isinstance(space, spaces.Dict) and isinstance(value, Mapping):
        inner = [(f"{place}[{key!r}]", part, value[key]) for key, part in space.spaces.items() if key != KEY]
    elif isinstance(space, spaces.Tuple) and isinstance(value, tuple | list):
        inner = [(f"{place}[{index}]", part, value[index]) for index, part in enumerate(space.spaces)]
    else:
        return [(place, space, value)]
    return [leaf for name, part, each in inner for leaf in _parts(part, each, name)]


def _check_box(findings: Findings, place: str, space: spaces.Box, value: Any, agent: object, step: int) -> None:
    dtype = value.dtype if isinstance(value, np.ndarray | np.generic) else f"a {type(value).__name__}"
    if dtype != space.dtype:
        words = f"{place} is of type {dtype}, where its space says {space.dtype}"
        findings.add("note", words, f"return a NumPy array of type {space.dtype}; training converts to float32", agent, step)
    array = np.asarray(value, np.float64).ravel()
    low, high = space.low.ravel().astype(np.float64), space.high.ravel().astype(np.float64)
    excess = np.maximum(low - array, array - high)
    excess = np.where(np.isfinite(array), excess, -np.inf)  # not finite is an error of its own
    bound = np.where(array < low, low, high)
    allowance = np.where(np.isfinite(bound), ROUNDING * np.maximum(1, np.abs(bound)), 0)
    if (excess > allowance).any():
        column = int(np.argmax(excess - allowance))
        what = (
            f"{place} lies {excess[column]:.3g} outside its space: {array[column]:.6g} in column {column}, "
            f"whose bounds are {low[column]:.6g} and {high[column]:.6g}"
        )
        findings.add("warning", what, "widen the bounds, or clip; training takes the value as it is", agent, step)
