"""Writing down a whole run between chunks of work, and taking it up again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.config import CheckpointConfig, Config, TrainingConfig
from maddpg.names import one_line
from maddpg.settings import to_dict
from maddpg.storage.arrays import LONGEST_HEADER, named_leaves, take_tree, tree_bytes
from maddpg.storage.checkpoint import CheckpointFolder, ReplayRows
from maddpg.storage.manifest import Damaged, Manifest, ReplayRecord
from maddpg.storage.run_folder import RunFolder, machine
from maddpg.training.build import Parts
from maddpg.training.noted import Noted, read_noted
from maddpg.training.run_state import RunState
from maddpg.training.saved import networks
from maddpg.types import AnyArray, PyTree

RUN, LOOP, BEST = "run/", "loop/", "best/"
"""What the names of arrays in a checkpoint's state begin with."""


@dataclass(frozen=True)
class Resumed:
    """A run as a checkpoint has it."""

    rounds: int
    state: RunState
    has_replay: bool
    """False: the replay was left out, and its rows and sub-policies' rings are zeros."""
    environments: Mapping[str, np.ndarray]
    """What `Loop.snapshot` gave."""
    journal: Noted
    best: PyTree
    """The networks that `Best.snapshot` gave."""
    remarks: tuple[str, ...]
    """What its user should know, a line each."""


class Checkpoints:
    """The checkpoints of one run: when they are due, how they are written, and the newest whole one."""

    def __init__(self, folder: RunFolder, config: CheckpointConfig, parts: Parts) -> None:
        self._folder = CheckpointFolder(folder.checkpoints, config.checkpoints_kept)
        self._config, self._parts = config, parts
        self._written = time.monotonic()
        self.saved: int | None = None
        """Rounds at the last one; None before the first."""
        steps, round_steps = config.checkpoint_steps, parts.config.training.round_steps
        self._every = None if steps is None else max(1, steps // round_steps)

    def rounds_until_due(self, rounds: int) -> int | None:
        """Rounds from here to the next one that is due by steps, if any is."""
        return None if self._every is None else self._every - rounds % self._every

    def due(self, rounds: int) -> bool:
        """Whether one is due, by steps or by minutes."""
        minutes = self._config.checkpoint_minutes
        late = minutes is not None and time.monotonic() - self._written >= 60 * minutes
        return late or (self._every is not None and rounds % self._every == 0)

    def save(self, rounds: int, run: RunState, environments: Mapping[str, AnyArray], journal: Mapping[str, Any], best: PyTree) -> None:
        """Write one, unless this very state is written already.

        Raises:
            OSError: it cannot be written; those before are whole.
        """
        self._written = time.monotonic()
        if rounds == self.saved:
            return
        has_replay = self._config.checkpoint_replay
        kept = replace(run, replay=None, rings=run.rings if has_replay else None)  # type: ignore[arg-type]
        state = {
            **_named(RUN, _without_keys(kept)),
            **_named(LOOP, environments),
            **_named(BEST, best),
        }
        seeds, capacity, width = run.replay.shape
        added = rounds * self._parts.config.training.round_steps
        rows = ReplayRows(added, capacity, seeds, width, partial(_read_rows, run.replay))
        about = {"steps": added, "identity": identity(self._parts.config), "machine": machine(), "journal": journal}
        self._folder.save(rounds, state, rows if has_replay else None, about)
        self.saved = rounds
        self._written = time.monotonic()

    def resume(self) -> tuple[Resumed | None, tuple[str, ...]]:
        """The newest whole checkpoint, None if there is none, and a line about each that is damaged.

        Raises:
            ValueError: a checkpoint of a later version, or of another run; or there are some, and all are damaged.
        """
        complaints: list[str] = []
        for rounds in self._folder.found():
            try:
                manifest = self._folder.read(rounds)
                resumed = self._read(manifest)
            except Damaged as error:
                complaints.append(f"a checkpoint cannot be used: {error}")
                continue
            self._folder.continue_from(manifest)
            self.saved = rounds
            return resumed, tuple(complaints)
        if complaints:
            # To begin anew would write over what there is: metrics, and the best networks.
            raise ValueError(f"{complaints[0]}; there is no other in {self._folder.path}: delete that folder to begin anew")
        return None, ()

    def _read(self, manifest: Manifest) -> Resumed:
        config, about = self._parts.config, manifest.about
        if about.get("identity") != identity(config):
            raise ValueError(
                f"{self._folder.path} is of a run with other settings than {config.environment}'s in config.json: "
                "one of the two was changed; put the right one back"
            )
        if manifest.rounds > config.training.rounds:
            done = manifest.rounds * config.training.round_steps
            raise ValueError(f"steps = {config.training.steps}: {self._folder.path} has {done} already; give more")
        like = self._parts.loop.shapes(config.training.seeds)
        arrays = self._folder.read_state(manifest, _largest_state(self._parts, like))
        replay = manifest.replay
        try:
            journal = read_noted(about.get("journal"), config.training.seeds)
            state = _take(arrays, like, replay)
            has_best = any(name.startswith(BEST) for name in arrays)
            best = take_tree(arrays, jax.eval_shape(networks, like.learner), "the checkpoint's state", BEST) if has_best else {}
            if int(state.rounds) != manifest.rounds:
                raise ValueError(f"it is of {manifest.rounds} rounds, and its state of {int(state.rounds)}")
            if replay is not None:
                _require_fit(replay, like.replay.shape, config.training, manifest.rounds)
        except ValueError as error:
            raise Damaged(f"{self._folder.path}, {manifest.rounds} rounds: {error}") from error
        rows = self._fill(jnp.zeros(like.replay.shape, jnp.float32), replay) if replay else jnp.zeros(like.replay.shape, jnp.float32)
        environments = {name.removeprefix(LOOP): value for name, value in arrays.items() if name.startswith(LOOP)}
        remarks = _differences(about.get("machine"), machine())
        return Resumed(manifest.rounds, replace(state, replay=rows), replay is not None, environments, journal, best, remarks)

    def _fill(self, rows: jax.Array, replay: ReplayRecord) -> jax.Array:
        """The ring with its rows back in their places, without a second copy of all of them."""
        for first, segment in self._folder.read_rows(replay):
            rows = _write_rows(rows, segment, first % rows.shape[1])
        return rows


def identity(config: Config) -> str:
    """What must agree for a run to go on: all settings but how long it takes."""
    table = to_dict(config)
    del table["training"]["steps"]
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()


def _largest_state(parts: Parts, like: RunState) -> int:
    """Bytes that the state of a run can have in a file: its arrays, the best networks, and what was done in episodes under way."""
    spec, training = parts.spec, parts.config.training
    actions = training.seeds * training.environments * spec.episode_length * spec.agent_count * spec.action_width
    return 2 * tree_bytes(_of_replay(like, training.most_replay_rows)) + 4 * actions + LONGEST_HEADER


def _require_fit(replay: ReplayRecord, shape: tuple[int, ...], training: TrainingConfig, rounds: int) -> None:
    """Raise `ValueError` unless a replay can be put into the ring [seed, row, number] of a run after so many rounds."""
    (seeds, capacity, width), added = shape, rounds * training.round_steps
    if (replay.seeds, replay.width) != (seeds, width) or replay.capacity > training.most_replay_rows:
        raise ValueError(f"its replay is {[replay.seeds, replay.capacity, replay.width]}, and this run's {list(shape)}")
    if replay.added != added:
        raise ValueError(f"its replay has had {replay.added} transitions, and the run {added}")
    if replay.capacity < min(capacity, added):
        raise ValueError(f"its replay had {replay.capacity} rows for {added} transitions, and this run's has {capacity}")


def _of_replay(like: RunState, rows: int) -> RunState:
    """The shapes of a run's state without its replay, its rings as those of a replay of so many rows."""
    rings = like.rings
    if rings is not None:
        shape: Any = jax.ShapeDtypeStruct((*rings.rows.shape[:-1], rows), rings.rows.dtype)
        rings = replace(rings, rows=shape)
    return replace(like, replay=None, rings=rings)  # type: ignore[arg-type]


def _take(arrays: Mapping[str, np.ndarray], like: RunState, replay: ReplayRecord | None) -> RunState:
    """The run's state without its replay; its rings are brought to today's size, and empty where the replay was left out."""
    rings = like.rings
    wanted = replace(like, replay=None, rings=None) if replay is None else _of_replay(like, replay.capacity)  # type: ignore[arg-type]
    plain = jax.eval_shape(_without_keys, wanted)
    taken = jax.tree.map(jnp.asarray, take_tree(arrays, plain, "the checkpoint's state", RUN))

    def with_keys(leaf: jax.Array, like: jax.ShapeDtypeStruct) -> jax.Array:
        return jax.random.wrap_key_data(leaf) if jnp.issubdtype(like.dtype, jax.dtypes.prng_key) else leaf

    state: RunState = jax.tree.map(with_keys, taken, wanted)
    if rings is None:
        return state
    if state.rings is None:
        return replace(state, rings=jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), rings))
    rows = rings.rows.shape[-1]
    if rows != state.rings.rows.shape[-1]:
        # A replay changes its size only where nothing was ever overwritten: each ring holds what is alive, from its beginning.
        kept = state.rings.rows[..., :rows]
        resized = jnp.pad(kept, [(0, 0)] * (kept.ndim - 1) + [(0, rows - kept.shape[-1])])
        state = replace(state, rings=replace(state.rings, rows=resized, written=state.rings.alive % rows))
    return state


def _without_keys(tree: PyTree) -> PyTree:
    """The same with the numbers behind random keys in their place."""

    def plain(leaf: jax.Array) -> jax.Array:
        return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf

    return jax.tree.map(plain, tree)


def _named(kind: str, tree: PyTree) -> dict[str, AnyArray]:
    named = named_leaves(tree)
    assert len(named) == len(jax.tree.leaves(tree)), "two leaves of one name would be saved as one"
    return {kind + name: leaf for name, leaf in named.items()}


def _read_rows(replay: jax.Array, first: int, count: int) -> AnyArray:
    return np.asarray(_slice(replay, first, count))


@partial(jax.jit, static_argnums=2)
def _slice(replay: jax.Array, first: int | jax.Array, count: int) -> jax.Array:
    return jax.lax.dynamic_slice_in_dim(replay, first, count, axis=1)


_write_rows: Callable[..., jax.Array] = jax.jit(
    lambda rows, segment, first: jax.lax.dynamic_update_slice_in_dim(rows, segment, first, axis=1), donate_argnums=0
)


def _differences(then: Any, now: Mapping[str, Any]) -> tuple[str, ...]:
    """A line about a machine or versions on which bits may differ."""
    before = then if isinstance(then, dict) else {}
    changed = [f"{name} was {one_line(before.get(name))}, is {now[name]}" for name in now if before.get(name) != now[name]]
    return (f"bits may differ from the run that was never stopped: {', '.join(changed)}",) if changed else ()
