"""simple_crypto (covert communication): Alice tells Bob one of two words, with a key that both know, and Eve listens in.

Nobody moves. What Bob and Eve say is their guess of the word. Bob and Alice are rewarded for Bob's guess and for Eve's error.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from maddpg.particles.actions import Intention
from maddpg.particles.geometry import one_hot
from maddpg.particles.scenario import Scenario
from maddpg.particles.world import AgentBody, Bodies, Landmark, World, scatter
from maddpg.types import Dynamics, Rewards

WORDS = 2  # the word and the key are one bit each
MESSAGE_SIZE = 4
EVE, BOB, ALICE = range(3)


def make(*, dynamics: Dynamics = "mpe2", rewards: Rewards = "mpe2") -> Scenario:
    """Eve (the adversary), Bob and Alice; `World.choice` is (word, key). Both reward variants are the same here.

    There is no `box` mode: the reference skips an all-zero guess, so a silent Eve would lose nothing and spoil the game.
    """
    del rewards
    names = (("eve_0", "adversary"), ("bob_0", "good"), ("alice_0", "good"))
    agents = tuple(AgentBody(name, team, moves=False, speaks=True) for name, team in names)
    bodies = Bodies(agents, (Landmark(),) * WORDS, MESSAGE_SIZE, dynamics)

    def word_and_key(world: World) -> tuple[jax.Array, jax.Array]:
        """Both as one-hot vectors of the size of a message."""
        dtype = world.message.dtype
        return one_hot(world.choice[0], MESSAGE_SIZE).astype(dtype), one_hot(world.choice[1], MESSAGE_SIZE).astype(dtype)

    def observe(world: World) -> tuple[jax.Array, ...]:
        """Eve hears Alice; Bob has the key and hears Alice; Alice has the word and the key."""
        word, key = word_and_key(world)
        heard = world.message[ALICE]
        return heard[None], jnp.stack([jnp.append(key, heard), jnp.append(word, key)])

    def errors(world: World) -> jax.Array:
        """[2], squared error of Eve's and of Bob's guess; no guess, no error."""
        guess = world.message[:ALICE]
        error = jnp.sum(jnp.square(guess - word_and_key(world)[0][None]), axis=1)
        return jnp.where(jnp.any(guess != 0, axis=1), error, 0)

    def reward_terms(world: World) -> dict[str, jax.Array]:
        eve, bob = errors(world)
        return {"eve": jnp.stack([-eve, eve, eve]), "bob": jnp.stack([jnp.zeros_like(bob), -bob, -bob])}

    def metrics(world: World) -> dict[str, jax.Array]:
        guess = world.message[:ALICE]
        correct = (jnp.argmax(guess, axis=1) == world.choice[0]) & jnp.any(guess != 0, axis=1)
        eve_error, bob_error = errors(world)
        return {"eve_correct": correct[EVE], "bob_correct": correct[BOB], "eve_error": eve_error, "bob_error": bob_error}

    def script(key: jax.Array, world: World) -> Intention:
        """Alice adds word and key, Bob says the word, Eve tosses a coin."""
        word = world.choice[0]
        cipher = jnp.mod(word + world.choice[1], WORDS)
        coin = jax.random.randint(key, (), 0, WORDS)
        words = [one_hot(index, MESSAGE_SIZE) for index in (coin, word, cipher)]
        return Intention(jnp.zeros_like(world.velocity), jnp.stack(words))

    return Scenario(
        name="simple_crypto",
        bodies=bodies,
        reset=partial(scatter, bodies=bodies, choices=(WORDS, WORDS)),
        observe=observe,
        reward_terms=reward_terms,
        metrics=metrics,
        aggregates={"eve_correct": "mean", "bob_correct": "mean", "eve_error": "mean", "bob_error": "mean"},
        script=script,
        choices={"word": WORDS, "key": WORDS},
        action_modes=("simplex", "discrete"),
        action_mode="simplex",
    )
