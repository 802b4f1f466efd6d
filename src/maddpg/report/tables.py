"""Tables for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich import box
from rich.table import Table

from maddpg.evaluation.scores import Evaluation
from maddpg.types import EnvSpec, Space


def evaluation_table(evaluation: Evaluation) -> Table:
    """Every agent of every seed: its mean return, beside random and still play, and scripted play where there is any."""
    scripted = all(score.scripted is not None for seed in evaluation.seeds for score in seed.agents.values())
    mode = f", {evaluation.action_mode} actions" if evaluation.action_mode else ""
    table = Table(
        title=f"{evaluation.environment}: return of an episode, {evaluation.episodes:,} greedy episodes{mode}",
        caption="normalised: 0 is random play, 1 is scripted play" if scripted else None,
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    # Folded in a narrow terminal, never cut: a number without its last digits is another number.
    for heading in ("seed", "agent"):
        table.add_column(heading, overflow="fold")
    for heading in ("trained ± s.e.", "random", "still", *(("scripted", "normalised") if scripted else ())):
        table.add_column(heading, justify="right", overflow="fold")
    for seed in evaluation.seeds:
        for name, score in seed.agents.items():
            who = evaluation.players[name]
            row = [
                str(seed.seed),
                name if who == "learned" else f"{name} ({who})",
                f"{score.mean:.2f} ± {score.standard_error:.2f}",
                f"{score.random:.2f}",
                f"{score.still:.2f}",
            ]
            if score.scripted is not None:
                row += [f"{score.scripted:.2f}", "-" if score.normalised is None else f"{score.normalised:.2f}"]
            table.add_row(*row)
        table.add_section()
    return table


def lost_line(evaluation: Evaluation) -> str:
    """A line about the episodes that were lost, if any were; with its line break."""
    if not evaluation.lost_episodes:
        return ""
    return f"{evaluation.lost_episodes} episodes of this evaluation were lost to environments that failed; others were played instead\n"


def environment_lines(rows: Iterable[tuple[EnvSpec, str, Iterable[str]]]) -> list[str]:
    """A line for each environment: its name, its agents with the sizes of observation and action, its action modes, and what it is."""
    cells = [("environment", "agents: observation -> action", "action modes", "what it is")]
    for spec, about, modes in rows:
        kinds = Counter(f"{agent.observation_size} -> {space_text(agent.action)}" for agent in spec.agents)
        agents = ", ".join(f"{count} x ({kind})" for kind, count in kinds.items())
        cells.append((spec.name, agents, ", ".join(modes), about))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def space_text(spaces: tuple[Space, ...]) -> str:
    """A product of spaces in short, such as Categorical(5) x Categorical(10)."""
    return " x ".join(f"{type(space).__name__}({space.size})" for space in spaces)
