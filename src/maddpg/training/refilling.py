"""A replay that was left out of a checkpoint, filled again."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp

from maddpg.replay import SubPolicyRings
from maddpg.training.build import Parts
from maddpg.training.run_state import SEED_AXES, RunState
from maddpg.training.storing import Store


def refill(parts: Parts, run: RunState) -> RunState:
    """Play as many rounds as the warm-up has, by the policies and without learning; then every row of the replay is one of theirs.

    The rows from before are gone: in their places stand copies of the new ones, so that what is drawn is uniform over the new ones, until
    newer ones take their places. `run` is donated: it is gone afterwards.
    """
    fresh = parts.config.training.warmup_rounds
    run = parts.loop.collect(parts.hyper, run, fresh)
    spread = jax.jit(jax.vmap(partial(_spread, parts.loop.store, fresh), in_axes=(SEED_AXES,), out_axes=SEED_AXES), donate_argnums=0)
    filled: RunState = spread(run)
    return filled


def _spread(store: Store, fresh: int, run: RunState) -> RunState:
    """One seed's replay with its latest rounds, and copies of them where older ones were."""
    size = store.training.round_steps
    capacity = store.training.replay_rows // size
    first_fresh = run.rounds - fresh

    def put(round_number: jax.Array, kept: tuple[jax.Array, SubPolicyRings | None]) -> tuple[jax.Array, SubPolicyRings | None]:
        source = jnp.where(round_number >= first_fresh, round_number, first_fresh + round_number % fresh)
        rows = source * size % store.training.replay_rows + jnp.arange(size)
        replay, rings = kept
        replay, rings, _ = store.add(replay, rings, round_number, store.replay.take(replay, rows))
        return replay, rings

    rings = None if run.rings is None else store.index.init()
    replay, rings = jax.lax.fori_loop(jnp.maximum(0, run.rounds - capacity), run.rounds, put, (run.replay, rings))
    return replace(run, replay=replay, rings=rings)
