"""Whether one seed means one game: again, in a second instance, and beside another that is played at the same time."""

from __future__ import annotations

from collections.abc import Sequence

from maddpg.environments.conformance.attempts import Stuck
from maddpg.environments.conformance.findings import Findings
from maddpg.environments.conformance.watching import Frame, Watch

STEPS = 100
"""Steps of an episode that are played again."""


def check_repeats(findings: Findings, first: Sequence[Frame], again: Watch, twin: Watch, seed: int, lonely: bool) -> None:
    """Play the first episode again, and write down what came out otherwise.

    Args:
        findings: where to write.
        first: what was told in the first episode.
        again: the same environment; what it finds is not looked at.
        twin: another instance; what it finds is not looked at.
        seed: of the first episode.
        lonely: whether the global generators are left alone, so that two instances that disturb each other share something else.
    """
    try:
        repeated = play(again, seed)
        told = difference(first, repeated) or difference(first, play(twin, seed))
        if told is not None:
            remedy = "draw all that is random from a generator that reset(seed) makes anew, and begin each episode from nothing else"
            findings.add("warning", f"two episodes with seed {seed} and the same actions differ: {told[2]}", remedy, told[0], told[1])
            return
        told = difference(first, play_beside(twin, again, seed)) if lonely else None
        if told is not None:
            what = f"an episode goes another way while a second instance is played: {told[2]}"
            remedy = "keep nothing in class attributes, module globals or default arguments: many are played side by side in training"
            findings.add("error", what, remedy, told[0], told[1])
            return
        beginnings = []
        for other in range(3):
            twin.reset(seed + other)
            beginnings.append(twin.episode.frames[0])
        if beginnings[0] and all(each == beginnings[0] for each in beginnings):
            what = f"seeds {seed}, {seed + 1} and {seed + 2} begin with the same observations"
            findings.add("note", what, "fine if every episode is to begin so; else draw the beginning by the seed of reset", step=0)
    except Stuck:
        why = next(each.what for watch in (again, twin) for each in watch.findings.ordered() if each.severity == "error")
        what = f"an episode that could be played the first time cannot be played again, or not in a second instance: {why}"
        findings.add("error", what, "let reset begin from nothing, and instances share nothing")


def play(watch: Watch, seed: int) -> list[Frame]:
    """The first steps of an episode."""
    watch.reset(seed)
    while watch.episode.alive and watch.episode.step < STEPS:
        watch.step()
    return watch.episode.frames


def play_beside(watch: Watch, other: Watch, seed: int) -> list[Frame]:
    """The same, while another instance is played: a reset and a step of it before each step."""
    watch.reset(seed)
    other.reset(seed + 1)
    while watch.episode.alive and watch.episode.step < STEPS:
        if other.episode.alive:
            other.step()
        else:
            other.reset(seed + 1)
        watch.step()
    return watch.episode.frames


def difference(first: Sequence[Frame], second: Sequence[Frame]) -> tuple[str | None, int, str] | None:
    """The first agent and step at which two episodes differ, and in what, as far as both were played."""
    for step, (one, two) in enumerate(zip(first[: STEPS + 1], second, strict=False)):
        for agent in one:
            if agent not in two:
                return str(agent), step, "who is there"
            for place, part in enumerate(("the observation", "the reward")):
                if one[agent][place] != two[agent][place]:
                    return str(agent), step, part
        if len(one) != len(two):
            return None, step, "who is there"
    if len(first[: STEPS + 1]) != len(second):
        return None, min(len(first), len(second)), "when it ends"
    return None
