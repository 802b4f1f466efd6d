"""What JaxMARL's environments do not say of themselves: which end is a time limit, who may die, what is allowed, how to do nothing.

A family is a folder of `jaxmarl.environments`. Whoever is not in the table gets `UNKNOWN`, which is never unsafe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import jax.numpy as jnp

from maddpg.types import Aggregate, PyTree

DEFAULT_TIME_LIMIT = 1000
"""Steps of an episode where an environment names no limit, so that nobody waits for ever."""
NEVER = 2**31 - 1
"""A step that no clock of 32 bits reaches."""


def declared_length(environment: Any) -> Any:
    """Steps of an episode by the first attribute that says so; JaxMARL keeps there whatever it was given."""
    declared = (getattr(environment, name, None) for name in ("max_steps", "max_cycles", "episode_length"))
    return next((steps for steps in declared if steps is not None), DEFAULT_TIME_LIMIT)


def no_metrics(environment: Any, state: PyTree) -> dict[str, jax.Array]:
    """Nothing beside the rewards."""
    del environment, state
    return {}


@dataclass(frozen=True)
class Family:
    """How the environments of one folder of JaxMARL behave; each function is given the environment."""

    length: Callable[[Any], Any] = declared_length
    """-> steps of an episode, made of arguments that nobody has looked at."""
    dones: Literal["game", "clock"] = "clock"
    """What a `done` means at the last step: that the game is over, since `untimed` knows no limit, or the time limit."""
    untimed: Callable[[Any], Any] = lambda environment: environment
    """-> the environment to step, without its own time limit where `dones` is "game"."""
    mortal: Callable[[Any], bool] = lambda _: False
    """-> whether an agent may be done before the others."""
    masks: str | None = None
    """The method, state -> {agent: 0 or 1 for each choice}, that says what is allowed."""
    world_state: str | None = None
    """The method, state -> [state], that says all."""
    still: Callable[[Any], int] = lambda _: 0
    """-> the choice that does nothing."""
    metrics: Callable[[Any, PyTree], dict[str, jax.Array]] = no_metrics
    """(environment, state) -> measures, as in the contract."""
    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)
    unnamed: tuple[str, ...] | None = None
    """Arguments that a class reads without naming them, where it ignores any other; None: it refuses others by itself."""


def without_own_clock(environment: Any) -> Any:
    """The same environment with a `max_steps` that never comes; for those that read it only to end."""
    twin = _duplicate(environment)
    if "_env" in vars(twin):  # a wrapper around SMAX
        twin._env = without_own_clock(twin._env)
    else:
        twin.max_steps = NEVER
    return twin


def without_clock_of_brax(environment: Any) -> Any:
    """The same MABrax environment, whose clock is in a wrapper of Brax, without it. Raises ValueError if it resets by itself."""
    if environment.auto_reset:
        raise ValueError("this MABrax environment resets by itself, and so loses its last observation; make it with auto_reset=False")
    twin = _duplicate(environment)
    twin.env = _duplicate(twin.env)
    twin.env.episode_length = NEVER
    return twin


def _duplicate(environment: Any) -> Any:
    """A copy that shares all parts. `copy.copy` trips over wrappers that pass every unknown attribute on."""
    twin = object.__new__(type(environment))
    vars(twin).update(vars(environment))
    return twin


def longest_hanabi(environment: Any) -> int:
    """More steps than any game of allowed moves has: a hint costs a token, which only a discard or a finished colour gives back."""
    cards = environment.deck_size - environment.num_agents * (environment.hand_size - 1) + 1
    return int(2 * cards + environment.max_info_tokens + environment.num_colors)


def battle_won(environment: Any, state: PyTree) -> dict[str, jax.Array]:
    """Whether all enemies are dead and an ally is not."""
    alive = (state.state if "_env" in vars(environment) else state).unit_alive
    allies = environment.num_allies
    return {"won": jnp.any(alive[:allies]) & ~jnp.any(alive[allies:])}


UNKNOWN = Family(mortal=lambda _: True)
"""Ends at `max_steps` are time limits, ends before it are not; anybody may end before the others."""

FAMILIES: dict[str, Family] = {
    # Its clock is tested before it moves, so JaxMARL plays 26 steps where `max_steps` is 25; here 25 are played.
    "mpe": Family(
        dones="game",
        untimed=without_own_clock,
        unnamed=(
            *("rad", "moveable", "silent", "collide", "mass", "accel", "max_speed", "u_noise", "c_noise"),
            *("damping", "contact_force", "contact_margin"),
        ),
    ),
    # The same off-by-one: 100 steps are played, not 101. The stop action comes after four moves.
    "smax": Family(
        dones="game",
        untimed=without_own_clock,
        mortal=lambda _: True,
        masks="get_avail_actions",
        world_state="get_world_state",
        still=lambda environment: environment.num_movement_actions - 1,
        metrics=battle_won,
        aggregates={"won": "last"},
    ),
    "switch_riddle": Family(dones="game", untimed=without_own_clock),
    "jaxnav": Family(dones="game", untimed=without_own_clock, mortal=lambda environment: environment.evaporating),
    "mabrax": Family(
        length=lambda environment: environment.episode_length // environment.action_repeat, dones="game", untimed=without_clock_of_brax
    ),
    # Nothing but the clock ends these. Overcooked shows its agents when the end is near, so its clock must stay.
    "overcooked": Family(still=lambda _: 4),
    "overcooked_v2": Family(still=lambda _: 4),
    # It begins anew within the episode, and at its end as well: the last observation is already that of the next inner game.
    "coin_game": Family(length=lambda environment: environment.num_inner_steps * environment.num_outer_steps, still=lambda _: 4),
    "hanabi": Family(length=longest_hanabi, masks="get_legal_moves", still=lambda environment: int(environment.num_moves) - 1),
}


def family_of(environment: Any) -> Family:
    """The family of an environment, by the module of its class."""
    package, _, rest = type(environment).__module__.partition(".environments.")
    return FAMILIES.get(rest.partition(".")[0], UNKNOWN) if package == "jaxmarl" else UNKNOWN
