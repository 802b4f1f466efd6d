"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from maddpg.evaluation.scores import Evaluation
from maddpg.types import Box, Categorical, EnvSpec, Space


def evaluation_table(evaluation: Evaluation) -> Table:
    """Every agent of every seed: its mean return, beside random, still and scripted play, and the normalised score."""
    table = Table(
        title=f"{evaluation.environment}: return of an episode, {evaluation.episodes:,} greedy episodes, {evaluation.action_mode} actions",
        caption="normalised: 0 is random play, 1 is scripted play",
    )
    for heading in ("seed", "agent"):
        table.add_column(heading)
    for heading in ("trained", "± s.e.", "random", "still", "scripted", "normalised"):
        table.add_column(heading, justify="right")
    for seed in evaluation.seeds:
        for name, score in seed.agents.items():
            who = evaluation.players[name]
            table.add_row(
                str(seed.seed),
                name if who == "learned" else f"{name} ({who})",
                f"{score.mean:.2f}",
                f"{score.standard_error:.2f}",
                f"{score.random:.2f}",
                f"{score.still:.2f}",
                f"{score.scripted:.2f}",
                "–" if score.normalised is None else f"{score.normalised:.2f}",
            )
        table.add_section()
    return table


def environments_table(rows: Iterable[tuple[EnvSpec, str, list[str]]]) -> Table:
    """What there is: each environment's agents and spaces, the paper's name for it, and the action modes that it has."""
    table = Table(title="environments")
    for heading in ("name", "in the paper", "agents: observation -> action", "action modes"):
        table.add_column(heading, overflow="fold")
    for spec, description, modes in rows:
        agents = ", ".join(f"{agent.name} {agent.observation_size} -> {space_text(agent.action)}" for agent in spec.agents)
        table.add_row(spec.name, description, agents, ", ".join(modes))
    return table


def space_text(spaces: tuple[Space, ...]) -> str:
    """A product of spaces in short, such as Categorical(5) x Categorical(10)."""
    return " x ".join(f"{'Box' if isinstance(space, Box) else 'Categorical' if isinstance(space, Categorical) else 'Simplex'}({space.size})" for space in spaces)
