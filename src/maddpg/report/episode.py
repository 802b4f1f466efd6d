"""The picture of a team at work: a few episodes of a particle world, each agent's way from start to end."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.state import Algorithm
from maddpg.environments.contract import Environment
from maddpg.evaluation.players import as_trained, episode_sub_policies, play_actions
from maddpg.particles import Scenario, World
from maddpg.storage.files import write_bytes
from maddpg.types import PyTree

COLOURS = ("tab:blue", "tab:red", "tab:green", "tab:orange")  # one for each team


def record(algorithm: Algorithm, environment: Environment, actor: PyTree, key: jax.Array, episodes: int) -> PyTree:
    """The states that the trained agents go through, greedily, [episode, step, ...], first and last included."""

    @jax.jit
    def play(actor: PyTree, key: jax.Array) -> PyTree:
        reset_key, play_key, member_key = jax.random.split(key, 3)
        who = episode_sub_policies(algorithm, "drawn", member_key, episodes)
        worlds, observation = jax.vmap(environment.reset)(jax.random.split(reset_key, episodes))
        players = jnp.asarray(as_trained(algorithm))

        def one_step(carry: tuple[PyTree, jax.Array], key: jax.Array) -> tuple[tuple[PyTree, jax.Array], PyTree]:
            worlds, observation = carry
            act_key, step_key = jax.random.split(key)
            action = play_actions(algorithm, environment, actor, players, observation, worlds, act_key, who)
            stepped, result = jax.vmap(environment.step)(jax.random.split(step_key, episodes), worlds, action)
            return (stepped, result.next_observation), stepped

        _, states = jax.lax.scan(one_step, (worlds, observation), jax.random.split(play_key, environment.spec.episode_length))
        return jax.tree.map(lambda first, rest: jnp.concatenate([first[:, None], jnp.swapaxes(rest, 0, 1)], axis=1), worlds, states)

    return jax.device_get(play(actor, key))


def draw_episodes(scenario: Scenario, worlds: World, path: Path) -> None:
    """A panel for each episode of `worlds` [episode, step, ...]: landmarks in grey, ways that darken with time, agents where they ended."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    episodes = len(worlds.position)
    figure = Figure(figsize=(3.2 * episodes, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    teams = list(dict.fromkeys(body.team for body in scenario.bodies.agents))
    for index in range(episodes):
        axes = figure.add_subplot(1, episodes, index + 1)
        _draw_one(axes, scenario, np.asarray(worlds.position[index]), np.asarray(worlds.landmark[index, 0]), teams)
    figure.suptitle(f"{scenario.name}: {scenario.episode_length} steps of a trained team")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_bytes(path, picture.getvalue())


def _draw_one(axes: Any, scenario: Scenario, position: np.ndarray, landmarks: np.ndarray, teams: list[str]) -> None:
    """One episode: `position` [step, agent, 2], `landmarks` [landmark, 2]."""
    from matplotlib.patches import Circle

    for landmark, centre in zip(scenario.bodies.landmarks, landmarks, strict=True):
        axes.add_patch(Circle(centre, landmark.size, color="0.6", zorder=1))
    for agent, body in enumerate(scenario.bodies.agents):
        colour = COLOURS[teams.index(body.team) % len(COLOURS)]
        way = position[:, agent]
        for step in range(len(way) - 1):
            axes.plot(*way[step : step + 2].T, color=colour, alpha=0.15 + 0.75 * step / len(way), linewidth=1.5, zorder=2)
        axes.add_patch(Circle(way[-1], body.size, color=colour, alpha=0.55, zorder=3))
    largest = max(1.1, float(np.abs(position).max()) + 0.1)
    axes.set(xlim=(-largest, largest), ylim=(-largest, largest), xticks=[], yticks=[], aspect="equal")
