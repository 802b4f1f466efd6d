"""A replay that was left out of a checkpoint, filled again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from maddpg.algorithm.state import Hyper
from maddpg.replay import SubPolicyRings
from maddpg.training.loop import Loop
from maddpg.training.run_state import SEED_AXES, RunState
from maddpg.training.storing import Store


@dataclass(frozen=True)
class Refill:
    """As many rounds as the warm-up has are played by the policies and without learning, from the round `first` on."""

    loop: Loop
    first: int

    def play(self, hyper: Hyper, run: RunState, rounds: int) -> RunState:
        """So many of them; then every row of the replay is of one that was played since `first`. `run` is donated: it is gone afterwards.

        The rows from before are gone: in their places stand copies of the new ones, so that what is drawn is uniform over the new ones,
        until newer ones take their places.
        """
        return self._spread(self.loop.collect(hyper, run, rounds), self.first)

    @cached_property
    def _spread(self) -> Callable[[RunState, int], RunState]:
        of_seeds = jax.vmap(partial(_spread, self.loop.store), in_axes=(SEED_AXES, None), out_axes=SEED_AXES)
        return jax.jit(of_seeds, donate_argnums=0)


def _spread(store: Store, run: RunState, first: Int[Array, ""]) -> RunState:
    """One seed's replay with its rounds from `first` on, and copies of them where older ones were."""
    size = store.training.round_steps
    capacity = store.rows // size

    def put(round_number: jax.Array, kept: tuple[jax.Array, SubPolicyRings | None]) -> tuple[jax.Array, SubPolicyRings | None]:
        source = jnp.where(round_number >= first, round_number, first + round_number % (run.rounds - first))
        rows = source * size % store.rows + jnp.arange(size)
        replay, rings = kept
        replay, rings, _ = store.add(replay, rings, round_number, store.replay.take(replay, rows))
        return replay, rings

    rings = None if run.rings is None else store.index.init()
    replay, rings = jax.lax.fori_loop(jnp.maximum(0, run.rounds - capacity), run.rounds, put, (run.replay, rings))
    return replace(run, replay=replay, rings=rings)
