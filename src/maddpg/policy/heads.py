"""From a network's output to the columns of an action, in NumPy: greedily, by several networks' mean, or drawn.

The same as `maddpg.algorithm.actions`, for one agent without padding. An output has a logit or a mean for each column of the action, then
a log standard deviation for each column of a `gaussian`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np

from maddpg.policy.tables import LARGEST_COUNT, list_of, one_of, read_number, read_table, whole

FORBIDDEN = -1e9
"""The logit of a choice that is not allowed."""
LARGEST = 1e38
"""Of a bound: columns are in 32 bits, and the range is no more than twice as much."""
LOG_STD_RANGE = (-5.0, 1.0)
"""Bounds of a Gaussian's log standard deviation, before the squashing."""
Kind = Literal["point", "gaussian", "categorical", "simplex"]


@dataclass(frozen=True)
class Head:
    """Neighbouring columns of an action that are made in one way.

    point and gaussian: low + (high - low) / 2 * (1 + tanh(output)), the latter drawn before the squashing. categorical: one-hot at the
    largest softmax. simplex: the softmax, drawn with Gumbel noise at `temperature`.
    """

    kind: Kind
    size: int
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    temperature: float = 1.0

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Low and half the range, [size] float32."""
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        return low, (high - low) / 2


def action_size(heads: Sequence[Head]) -> int:
    """Columns of the action."""
    return sum(head.size for head in heads)


def output_size(heads: Sequence[Head]) -> int:
    """Columns of a network's output."""
    return action_size(heads) + sum(head.size for head in heads if head.kind == "gaussian")


def forbid(heads: Sequence[Head], output: np.ndarray, allowed: np.ndarray | None) -> np.ndarray:
    """An output [..., batch, output] with the choices that are not allowed [batch, action] made impossible."""
    if allowed is None:
        return output
    width = action_size(heads)
    logits = np.where(allowed, output[..., :width], np.float32(FORBIDDEN))
    return np.concatenate([logits, output[..., width:]], axis=-1)


def greedy(heads: Sequence[Head], output: np.ndarray) -> np.ndarray:
    """Columns [batch, action] float32 without noise, from outputs [member, batch, output]: the mean of points, or the choice with the
    largest mean probability."""
    return np.concatenate([_discretise(head, _soft(head, output[..., columns]).mean(0)) for head, columns in _places(heads)], axis=-1)


def draw(heads: Sequence[Head], output: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Columns [batch, action] float32 drawn from the policy whose outputs are [batch, output]. A point is itself."""
    parts = []
    spread = action_size(heads)
    for head, columns in _places(heads):
        value = output[..., columns]
        if head.kind == "gaussian":
            log_std = np.clip(output[..., spread : spread + head.size], *LOG_STD_RANGE)
            spread += head.size
            value = value + np.exp(log_std) * generator.standard_normal(value.shape, np.float32)
        elif head.kind != "point":
            value = (value + generator.gumbel(size=value.shape).astype(np.float32)) / np.float32(head.temperature)
        parts.append(_discretise(head, _soft(head, value)))
    return np.concatenate(parts, axis=-1)


def empty_head(heads: Sequence[Head], allowed: np.ndarray) -> bool:
    """Whether a mask [action] forbids every option of some choice."""
    return any(head.kind in ("categorical", "simplex") and not allowed[columns].any() for head, columns in _places(heads))


def to_json(head: Head) -> dict[str, Any]:
    """The description that `from_json` reads."""
    table: dict[str, Any] = {"kind": head.kind, "size": head.size}
    if head.kind in ("point", "gaussian"):
        table |= {"low": list(head.low), "high": list(head.high)}
    if head.kind == "simplex":
        table["temperature"] = head.temperature
    return table


def from_json(where: str, value: Any) -> Head:
    """A head from a description that nobody vouches for."""
    table = read_table(where, value)
    kind = cast(Kind, table.take("kind", one_of(*get_args(Kind))))
    size = table.take("size", whole(1))
    if kind in ("categorical", "simplex"):
        table.require_no_more(("kind", "size", *(("temperature",) if kind == "simplex" else ())))
        temperature = table.take("temperature", read_number) if kind == "simplex" else 1.0
        if temperature <= 0:
            raise ValueError(f"{where}: temperature = {temperature}: it must be above 0; export the run again")
        return Head(kind, size, temperature=temperature)
    table.require_no_more(("kind", "size", "low", "high"))
    low, high = (table.take(name, list_of(read_number, LARGEST_COUNT)) for name in ("low", "high"))
    if not len(low) == len(high) == size or not all(-LARGEST <= one <= other <= LARGEST for one, other in zip(low, high, strict=True)):
        raise ValueError(
            f"{where}: low and high must have {size} entries each, low not above high, within {LARGEST:g}; export the run again"
        )
    return Head(kind, size, low, high)


def _places(heads: Sequence[Head]) -> Iterator[tuple[Head, slice]]:
    """Each head and its columns."""
    start = 0
    for head in heads:
        yield head, slice(start, start := start + head.size)


def _soft(head: Head, value: np.ndarray) -> np.ndarray:
    """Squashed numbers, or probabilities."""
    if head.kind in ("point", "gaussian"):
        low, half = head.bounds()
        return low + half * (1 + np.tanh(value))
    weight = np.exp(value - value.max(axis=-1, keepdims=True))
    return weight / weight.sum(axis=-1, keepdims=True)


def _discretise(head: Head, soft: np.ndarray) -> np.ndarray:
    """One-hot of a categorical's largest column; all others as they are."""
    if head.kind != "categorical":
        return soft
    return (np.arange(head.size) == soft.argmax(axis=-1)[..., None]).astype(np.float32)
