"""The arrays that workers and the main process share, one row for each environment, in one piece of memory; and the copies handed out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from maddpg.types import EnvSpec

ALIGNMENT = 64  # bytes: a cache line, so that arrays of two workers' counters do not share one


@dataclass(frozen=True)
class Block:
    """What goes to the environments and what comes back, and the counters that must outlive a worker process.

    `VectorStep` says what the fields that it has mean.
    """

    action: np.ndarray  # [environment, agent, action] float32
    observation: np.ndarray  # [environment, agent, observation] float32
    next_observation: np.ndarray  # [environment, agent, observation] float32
    state: np.ndarray  # [environment, state] float32
    next_state: np.ndarray  # [environment, state] float32
    reward: np.ndarray  # [environment, agent] float32
    terminated: np.ndarray  # [environment, agent] bool
    truncated: np.ndarray  # [environment, agent] bool
    alive: np.ndarray  # [environment, agent] bool
    next_alive: np.ndarray  # [environment, agent] bool
    action_mask: np.ndarray  # [environment, agent, action] bool
    next_action_mask: np.ndarray  # [environment, agent, action] bool
    ended: np.ndarray  # [environment] bool
    lost: np.ndarray  # [environment] bool
    paused: np.ndarray  # [environment] bool, the main process's: does not step, and everything of its row stays
    first_length: np.ndarray  # [environment] steps after which the first episode is cut, 0 for never
    limit: np.ndarray  # [environment] the same of the episode that is played now
    clock: np.ndarray  # [environment] steps in this episode
    total: np.ndarray  # [environment] steps in all
    episode: np.ndarray  # [environment] episodes begun, those that failed to begin included


@dataclass(frozen=True)
class VectorStep:
    """What a reset or a step led to in every environment. The arrays are copies: nothing overwrites them.

    `next_...` is what the step led to; the fields without it are what to act on next, after an automatic reset. They differ only where
    `ended`. A row that is `lost` has no transition, because its environment or worker failed: `acted` is false, rewards are 0, and it
    is at the beginning of another episode. After `reset` nobody has acted either.
    """

    observation: np.ndarray  # [environment, agent, observation] float32
    next_observation: np.ndarray  # [environment, agent, observation] float32; of those who ended with this step, their last one
    state: np.ndarray  # [environment, state] float32, of `observation`
    next_state: np.ndarray  # [environment, state] float32, of `next_observation`
    reward: np.ndarray  # [environment, agent] float32
    terminated: np.ndarray  # [environment, agent] bool, with this step: no value beyond it
    truncated: np.ndarray  # [environment, agent] bool, with this step: a time limit, the value goes on
    acted: np.ndarray  # [environment, agent] bool: was there to act in this step; these rows are transitions
    alive: np.ndarray  # [environment, agent] bool: acts next
    next_alive: np.ndarray  # [environment, agent] bool: has a value at `next_observation`: alive there, or truncated
    action_mask: np.ndarray  # [environment, agent, action] bool, as in `Availability`, at `observation`
    next_action_mask: np.ndarray  # [environment, agent, action] bool, at `next_observation`
    ended: np.ndarray  # [environment] bool: the episode is over, another one has begun
    lost: np.ndarray  # [environment] bool
    whole: np.ndarray  # [environment] bool: the episode at `observation` is not to be cut at a first length


def layout(spec: EnvSpec, count: int) -> dict[str, tuple[tuple[int, ...], type]]:
    """Shape and type of each field of a `Block`."""
    agents = (count, spec.agent_count)
    observation, action, state = (*agents, spec.observation_width), (*agents, spec.action_width), (count, spec.state_size)
    return {
        "action": (action, np.float32),
        "observation": (observation, np.float32),
        "next_observation": (observation, np.float32),
        "state": (state, np.float32),
        "next_state": (state, np.float32),
        "reward": (agents, np.float32),
        "terminated": (agents, np.bool_),
        "truncated": (agents, np.bool_),
        "alive": (agents, np.bool_),
        "next_alive": (agents, np.bool_),
        "action_mask": (action, np.bool_),
        "next_action_mask": (action, np.bool_),
        "ended": ((count,), np.bool_),
        "lost": ((count,), np.bool_),
        "paused": ((count,), np.bool_),
        "first_length": ((count,), np.int64),
        "limit": ((count,), np.int64),
        "clock": ((count,), np.int64),
        "total": ((count,), np.int64),
        "episode": ((count,), np.int64),
    }


def block_bytes(spec: EnvSpec, count: int) -> int:
    """Size of the memory that `view_block` wants."""
    return sum(_padded_bytes(shape, kind) for shape, kind in layout(spec, count).values())


def view_block(memory: Any, spec: EnvSpec, count: int) -> Block:
    """The arrays in a piece of memory (anything with a writable buffer of `block_bytes`), which they share and do not copy."""
    arrays, offset = {}, 0
    for name, (shape, kind) in layout(spec, count).items():
        arrays[name] = np.ndarray(shape, kind, buffer=memory, offset=offset)
        offset += _padded_bytes(shape, kind)
    return Block(**arrays)


def _padded_bytes(shape: tuple[int, ...], kind: type) -> int:
    """Bytes of an array, rounded up so that the next one is aligned too; never 0, since an array must lie inside its memory."""
    return max(ALIGNMENT, -(-math.prod(shape) * np.dtype(kind).itemsize // ALIGNMENT) * ALIGNMENT)
