"""maddpg check-env."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import tyro
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from maddpg.cli.checks import require_episodes
from maddpg.cli.saying import program
from maddpg.config import Config
from maddpg.environments.conformance import Conformance, Finding, check_environment
from maddpg.environments.registry import read_environment, resolve
from maddpg.settings import read_arguments
from maddpg.storage.compilation_cache import enable_compilation_cache
from maddpg.storage.files import without_nan

COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


@dataclass(frozen=True)
class Check:
    """Play an environment at random, and tell what would spoil training in it, and what to do; exit code 1 where something would."""

    environment: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="ENV")]]
    """Which, as for `maddpg train`: simple_spread, mpe2:NAME, pettingzoo:NAME, gymnasium:ID, jaxmarl:NAME, or package.module:factory."""
    arguments: tuple[str, ...] = ()
    """What an environment of others or of one's own is made with, as NAME=VALUE: `N=3 continuous_actions=true`."""
    episodes: int = 3
    """Episodes of random play."""
    seed: int = 0
    """Of the first episode; the others count on from it."""
    step_timeout: float = 60.0
    """Seconds that a step may take; making it, a reset, and all the play of a world on the device may take 300, or as many if that is more.
    What takes longer is an error."""
    json: bool = False
    """Print one JSON object and nothing else on standard output."""

    def run(self) -> int:
        """Check, print; the exit code."""
        require_episodes(self.episodes, least=1, most=1_000)  # on the device all are played at once, and everything is kept
        if not 0 <= self.seed < 2**31 - 1:
            raise ValueError(f"--seed {self.seed}: it must lie between 0 and 2**31 - 2")
        if not 0 < self.step_timeout <= 1e6:
            raise ValueError(f"--step-timeout {self.step_timeout:g}: it must be above 0 and at most a million seconds")
        enable_compilation_cache()
        config = resolve(Config(self.environment, read_arguments(self.arguments)))
        conformance = check_environment(config, read_environment(self.environment), self.episodes, self.seed, self.step_timeout)
        if self.json:
            print(json.dumps(without_nan(conformance.to_dict()), allow_nan=False))
        else:
            console = Console()
            if conformance.findings:
                console.print(findings_table(conformance.findings))
            console.print(summary(conformance), highlight=False, markup=False, soft_wrap=True)
            console.print(f"next: {program()} {self._following(conformance)}", highlight=False, markup=False, soft_wrap=True)
        return 1 if conformance.count("error") else 0

    def _following(self, conformance: Conformance) -> str:
        """What to type next: train, or mend and check again."""
        words = [self.environment, *(["--arguments", *self.arguments] if self.arguments else [])]
        if conformance.count("error"):
            return f"check-env {shlex.join(words)}, when the errors are mended"
        return f"train {shlex.join(words)}"


def findings_table(findings: Iterable[Finding]) -> Table:
    """A row for each kind of finding, with all agents that it was found at, and what to do below it."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.severity, finding.remedy), []).append(finding)
    table = Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for heading in ("", "agent", "step", "what came, and what to do"):
        table.add_column(heading, overflow="fold")
    for (severity, remedy), alike in kinds.items():
        first = alike[0]
        who = (first.agent or "-") + (f" and {len(alike) - 1} more" if len(alike) > 1 else "")
        when = "-" if first.step is None else "reset" if first.step == 0 else str(first.step)
        times = sum(finding.times for finding in alike)
        counted = f" ({times:,} times)" if times > len(alike) else ""
        colour = COLOURS[severity]
        table.add_row(f"[{colour}]{severity}[/]", escape(who), when, f"{escape(first.what)}{counted}\n-> {escape(remedy)}")
    return table


def summary(conformance: Conformance) -> str:
    """The environment and the count of findings in one line."""
    parts = []
    if conformance.spec is not None:
        agents, teams = conformance.spec.agent_count, len(conformance.spec.teams)
        parts.append(f"{agents} agent{'s' * (agents != 1)} on {teams} team{'s' * (teams != 1)}")
    measures = conformance.measures
    if lengths := measures.episode_lengths:
        steps = str(lengths[0]) if min(lengths) == max(lengths) else f"{min(lengths):,} to {max(lengths):,}"
        parts.append(f"{len(lengths)} episode{'s' * (len(lengths) != 1)} of {steps} steps")
    counts = ", ".join(
        f"{number:,} {name}{'s' * (number != 1)}"
        for name, number in (
            ("error", conformance.count("error")),
            ("warning", conformance.count("warning")),
            ("note", conformance.count("note")),
        )
    )
    speed = [] if measures.steps_per_second is None else [f"{measures.steps_per_second:,.0f} steps/s in one process"]
    pause = [] if measures.reset_seconds is None else [f"{1e3 * measures.reset_seconds:,.1f} ms a reset"]
    return f"{conformance.environment}: " + "; ".join(
        [*filter(None, [", ".join(parts)]), counts, *filter(None, [", ".join(speed + pause)])]
    )
