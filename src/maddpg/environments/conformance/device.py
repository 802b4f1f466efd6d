"""The check of an environment on the device, through the contract; its random play is one compiled program."""

from __future__ import annotations

import time
from collections.abc import Hashable
from functools import partial

import jax
import numpy as np

from maddpg.environments.conformance.attempts import Attempt, Stuck
from maddpg.environments.conformance.device_play import Played, play
from maddpg.environments.conformance.findings import Conformance, Findings, Severity
from maddpg.environments.conformance.habits import (
    Ending,
    Experience,
    check_discount,
    check_endings,
    check_observations,
    check_rewards,
    measure,
)
from maddpg.environments.conformance.patience import FOR_EVER, Patience
from maddpg.environments.contract import Environment
from maddpg.types import EnvSpec

LONGEST = 1_000
"""Steps of an episode that are played."""


def check_device(environment: Environment, episodes: int, seed: int, patience: Patience = FOR_EVER) -> Conformance:
    """Play an environment at random, so many episodes with keys of the seed, and write down all that is wrong with it."""
    spec, findings = environment.spec, Findings()
    attempt = Attempt(findings, patience)
    experiences: dict[Hashable, Experience] = {name: Experience() for name in spec.names}
    endings: list[Ending] = []
    speed = None
    steps = min(spec.episode_length, LONGEST)
    try:
        attempt("tracing a reset and a step", lambda: check_shapes(findings, environment))
        if findings.failed:
            raise Stuck
        program = jax.jit(jax.vmap(partial(play, environment, steps=steps)))
        keys = jax.random.split(jax.random.key(seed), episodes)
        told: Played = attempt("playing", lambda: jax.device_get(program(keys)))
        began = time.perf_counter()
        again: Played = attempt("playing again", lambda: jax.device_get(program(keys)))
        speed = episodes * steps / (time.perf_counter() - began)
        check_same(findings, told, again)
        for index in range(episodes):
            endings.append(check_episode(findings, spec, jax.tree.map(lambda leaf, place=index: leaf[place], told), experiences))
        check_endings(findings, endings, spec.episode_length, steps)
        check_discount(findings, endings, spec.episode_length)
        check_rewards(findings, experiences)
        check_observations(findings, experiences)
    except Stuck:
        pass  # why is written down
    measures = measure(experiences, endings, speed, None)
    return Conformance(spec.name, None if findings.failed else spec, findings.ordered(), measures)


def check_shapes(findings: Findings, environment: Environment) -> None:
    """What a reset and a step give has the shapes and types of the contract."""
    spec = environment.spec
    state, first = jax.eval_shape(environment.reset, jax.random.key(0))
    _, result = jax.eval_shape(environment.step, jax.random.key(0), state, environment.still)
    rows, each = (spec.agent_count, spec.observation_width), (spec.agent_count,)
    for name, given, shape, dtype in (
        ("the first observation", first, rows, "float32"),
        ("observation", result.observation, rows, "float32"),
        ("next_observation", result.next_observation, rows, "float32"),
        ("reward", result.reward, each, "float32"),
        ("terminated", result.terminated, each, "bool"),
        ("truncated", result.truncated, each, "bool"),
    ):
        if (given.shape, str(given.dtype)) != (shape, dtype):
            what = f"{name} is {given.dtype} of shape {given.shape}, and must be {dtype} of shape {shape}"
            findings.add("error", what, "give it the type and shape that the specification says, rows padded with zeros")


def check_same(findings: Findings, told: Played, again: Played) -> None:
    """One key, one game."""
    pairs = zip(jax.tree.leaves(told), jax.tree.leaves(again), strict=True)
    if not all(np.array_equal(one, two, equal_nan=one.dtype.kind == "f") for one, two in pairs):
        findings.add("warning", "two episodes with one key and the same actions differ", "draw all that is random from the keys")


def check_episode(findings: Findings, spec: EnvSpec, played: Played, experiences: dict[Hashable, Experience]) -> Ending:
    """One episode up to its end: all is finite, and ends are ends; how it ended."""
    ended = np.asarray(played.results.terminated | played.results.truncated).all(axis=1)
    length = int(np.argmax(ended)) + 1 if ended.any() else ended.size
    results, acted = jax.tree.map(lambda leaf: leaf[:length], (played.results, played.acted))
    nobody = np.zeros((1, spec.agent_count), bool)  # at the reset
    observations = np.concatenate([played.first[None], results.next_observation])
    gone = np.logical_or.accumulate(results.terminated, axis=0)
    cases: tuple[tuple[Severity, np.ndarray, str, str], ...] = (
        ("error", ~np.isfinite(observations).all(axis=-1), "the observation is not finite", "make it finite"),
        ("error", np.concatenate([nobody, ~np.isfinite(results.reward)]), "the reward is not finite", "make it finite"),
        (
            "error",
            np.concatenate([nobody, acted[1:] & gone[:-1]]),
            "is there to act after it was terminated",
            "say in `availability` that it is absent, with a specification that is `mortal`",
        ),
        (
            "note",
            np.concatenate([nobody, results.terminated & results.truncated]),
            "is terminated and truncated at once, which counts as terminated",
            "fine if the game itself ended with the last step; else leave terminated unset, so that its value goes on",
        ),
    )
    for severity, wrong, what, remedy in cases:  # each [moment, agent] bool, from the reset on
        for index in np.flatnonzero(wrong.any(axis=0)).tolist():
            findings.add(severity, what, remedy, spec.names[index], int(np.argmax(wrong[:, index])))
    for index, agent in enumerate(spec.agents):
        experience = experiences[agent.name]
        experience.begin()
        seen = np.concatenate([[True], acted[:, index]])  # what an absent agent is shown means nothing
        rewards = np.concatenate([[0], results.reward[:, index]])
        for moment in np.flatnonzero(seen).tolist():
            reward = float(rewards[moment]) if moment else None
            experience.learn(observations[moment, index, : agent.observation_size], reward)
    return Ending(length, bool(ended.any()), bool(results.terminated[-1].all() and not results.terminated[:-1].any()))
