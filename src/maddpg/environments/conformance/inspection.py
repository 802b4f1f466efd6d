"""What a reset or a step gives, by agent, looked at in all its parts; each function writes down all that it finds."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from maddpg.environments.conformance.anatomy import Subject
from maddpg.environments.conformance.attempts import Stuck
from maddpg.environments.conformance.findings import Findings
from maddpg.environments.conformance.outside import check_against_space
from maddpg.environments.foreign.reading import Rows, find_mask, read_end
from maddpg.environments.host import describe_value
from maddpg.spaces.masks import KEY, leaves_nothing, read_mask

Agents = Collection[Hashable]


def unpack(findings: Findings, result: Any, parts: Sequence[str], step: int) -> tuple[Rows, ...]:
    """The dictionaries of a reset or a step; raises `Stuck` for anything else."""
    if isinstance(result, tuple) and len(result) == len(parts) and all(isinstance(part, Mapping) for part in result):
        return result
    count = f"{len(result)} values, " if isinstance(result, tuple) else ""
    deed = "step" if step else "reset"
    remedy = f"return {', '.join(parts)}, each a dictionary by agent" + (": the old API had dones for two of them" if step else "")
    findings.add("error", f"{deed} gave {count}{describe_value(result)}", remedy, step=step)
    raise Stuck


def inspect_agents(findings: Findings, subjects: Sequence[Subject], agents: Agents, step: int) -> set[Hashable]:
    """Who stands in `agents`, of those who may."""
    known = {subject.key for subject in subjects}
    for stranger in set(agents) - known:
        remedy = "list everyone in possible_agents who may ever take part"
        findings.add("error", "stands in agents, but not in possible_agents", remedy, stranger, step)
    return set(agents) & known


def inspect_observations(
    findings: Findings, subjects: Sequence[Subject], observations: Rows, wanted: Agents, spared: Agents, step: int
) -> dict[Hashable, np.ndarray]:
    """Observations [column] float32 of those who are wanted. The spared, who were terminated, may have none."""
    known = {subject.key for subject in subjects}
    for stranger in set(observations) - known:
        remedy = "list everyone in possible_agents who may ever take part"
        findings.add("error", "has an observation, but no place in possible_agents", remedy, stranger, step)
    for idle in (set(observations) & known) - set(wanted):
        remedy = "leave out who is not in agents, or put it there; training does not look at it"
        findings.add("note", "has an observation, and is not in agents", remedy, idle, step)
    told = {}
    for subject in subjects:
        if subject.key not in wanted:
            continue
        if subject.key not in observations:
            if subject.key not in spared:
                remedy = "give one to all in agents, and a last one to those whom the step truncates"
                findings.add("error", "has no observation", remedy, subject.key, step)
        elif subject.player is not None:
            value = observations[subject.key]
            try:
                with np.errstate(over="ignore"):
                    row = subject.player.observation.pack(value).astype(np.float32)
            except ValueError as error:
                what = str(error)
                findings.add("error", what, "give all observations of an agent the shape and type of its space", subject.key, step)
                continue
            if not np.isfinite(row).all():
                column = int(np.argmin(np.isfinite(row)))
                what = f"the observation is {row[column]} in column {column}"
                findings.add("error", what, "make it finite: one such number spoils every parameter", subject.key, step)
            assert subject.observation_space is not None, "a player has its spaces"
            check_against_space(findings, subject.observation_space, value, subject.key, step)
            told[subject.key] = row
    return told


def inspect_rewards(findings: Findings, subjects: Sequence[Subject], rewards: Rows, acted: Agents, step: int) -> dict[Hashable, float]:
    """Rewards of those who acted, where they are numbers."""
    known = {subject.key for subject in subjects}
    for stranger in set(rewards) - known:
        remedy = "list everyone in possible_agents who may ever take part; training does not look at it"
        findings.add("warning", "has a reward, but no place in possible_agents", remedy, stranger, step)
    earned = {}
    for subject in subjects:
        if subject.key not in rewards:
            if subject.key in acted:
                findings.add("error", "acted and got no reward", "a step must give one to all who acted", subject.key, step)
            continue
        value = rewards[subject.key]
        try:
            number = float(np.asarray(value).item())
        except (TypeError, ValueError):
            findings.add("error", f"the reward is {describe_value(value)}", "make it one number", subject.key, step)
            continue
        with np.errstate(over="ignore"):
            finite = bool(np.isfinite(np.float32(number)))
        if not finite:
            findings.add("error", f"the reward is {describe_value(value)}", "make it finite, as a 32-bit float too", subject.key, step)
        elif subject.key in acted:
            earned[subject.key] = number
        elif number:
            remedy = "pay it in the last step in which it acts; training gives nothing to those who are absent"
            findings.add("warning", f"the reward is {number:g}, and it did not act", remedy, subject.key, step)
    return earned


def inspect_ends(findings: Findings, subjects: Sequence[Subject], terminations: Rows, truncations: Rows, acted: Agents, step: int) -> Ends:
    """Who is terminated and who truncated, by what the step says."""
    ends = []
    for kind, values in (("termination", terminations), ("truncation", truncations)):
        for subject in subjects:
            if subject.key in acted and subject.key not in values:
                findings.add("error", f"acted and got no {kind}", f"a step must give a {kind} to all who acted", subject.key, step)
        ended = set()
        for subject in subjects:
            value = values.get(subject.key, False)
            try:
                if read_end(value):
                    ended.add(subject.key)
            except ValueError:
                findings.add("error", f"the {kind} is {describe_value(value)}", "make it true or false", subject.key, step)
        ends.append(ended)
    for both in (ends[0] & ends[1]).intersection(acted):
        remedy = "fine if the game itself ended with the last step; else leave termination unset, so that its value goes on"
        findings.add("note", "is terminated and truncated at once, which counts as terminated", remedy, both, step)
    return ends[0], ends[1]


Ends = tuple[set[Hashable], set[Hashable]]


def inspect_mask(
    findings: Findings, subject: Subject, observations: Rows, infos: Rows, masked: bool | None, had_one: bool, step: int
) -> np.ndarray | None:
    """[action] bool, what one who acts next may do; None where all is allowed.

    Args:
        findings: where to write.
        subject: who.
        observations: with the mask where the space has one.
        infos: with the mask where observations have none.
        masked: whether there were masks at the first reset, for anybody; None where this is the first.
        had_one: whether a mask came with this agent before.
        step: of the episode.
    """
    player = subject.player
    if player is None:
        return None
    given = find_mask(player, observations, infos)
    if given is None:
        if player.observation.masked and player.key in observations:
            findings.add("error", f"the observation has no {KEY}, though its space has", "give one in every observation", player.key, step)
        elif had_one:
            findings.add(
                "warning", "has no action mask, and had one before", "give one at every step; now all is allowed", player.key, step
            )
        return None
    try:
        mask = read_mask(player.action, given)
    except ValueError as error:
        findings.refuse(error, player.key, step)
        return None
    if leaves_nothing(player.action, mask):
        what = f"the action mask {describe_value(given)} forbids every option of a choice"
        findings.add("error", what, "allow one, or end the agent", player.key, step)
        return None
    if masked is False and not mask.all():
        findings.add("error", "has an action mask, and there was none at the first reset", "give one from the reset on", player.key, step)
    return mask
