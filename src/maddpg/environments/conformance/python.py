"""The check of an environment in Python: of the object that the factory makes, since training's adapter would stop at the first fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium

from maddpg.environments.conformance.anatomy import (
    Mover,
    Subject,
    check_after_reset,
    check_agents,
    check_gymnasium,
    check_spaces,
    unfold,
)
from maddpg.environments.conformance.attempts import Attempt, Stuck
from maddpg.environments.conformance.findings import Conformance, Findings
from maddpg.environments.conformance.habits import (
    Ending,
    check_discount,
    check_endings,
    check_observations,
    check_rewards,
    measure,
)
from maddpg.environments.conformance.repeating import check_repeats
from maddpg.environments.conformance.sending import check_adapter, check_sending
from maddpg.environments.conformance.watching import Frame, Watch
from maddpg.environments.foreign.describing import declared_length
from maddpg.environments.foreign.parallel import DEFAULT_TIME_LIMIT

LONGEST = 10_000
"""Steps after which an episode is broken off, whatever the environment declares."""


def check_python(
    name: str, make: Callable[..., Any], arguments: Mapping[str, Any], made: Any, episodes: int, seed: int, attempt: Attempt
) -> Conformance:
    """Play an environment at random and write down all that is wrong with it.

    Args:
        name: how it is called.
        make: its factory.
        arguments: for the factory.
        made: an environment that the factory made of them.
        episodes: how many to play; the one with index i has the seed `seed` + i.
        seed: of the first.
        attempt: how it is called, and where is written what is found.
    """
    findings, endings = attempt.findings, []
    watch = Watch(made, (), None, attempt)
    check_sending(findings, name, make, arguments)
    try:
        environment, mover, subjects = _take_apart(made, name, attempt)
        watch = Watch(environment, subjects, mover, attempt)
        declared = declared_length(environment)
        if declared is not None and mover is not None:
            declared *= len(subjects)  # rounds, where a step is the move of one agent
        limit = min(max(declared or 0, DEFAULT_TIME_LIMIT), LONGEST)
        first: list[Frame] = []
        for index in range(episodes):
            watch.reset(seed + index)
            if not index:
                attempt("looking at spaces", lambda: check_after_reset(environment, subjects, findings))
            while watch.episode.alive and watch.episode.step < limit:
                watch.step()
            first = first or watch.episode.frames
            over = not watch.episode.alive
            endings.append(Ending(watch.episode.step, over, watch.episode.all_terminated))
            if not over:
                break  # the others would take as long
        watch.luck.tell(findings)
        twin = attempt("making it again", lambda: make(**arguments))
        if twin is made:
            remedy = "make a new one at each call: many are played side by side in training"
            findings.add("error", "the factory gives the same environment at each call", remedy)
        else:
            other, other_mover = unfold(twin, name)
            again = Watch(environment, subjects, mover, Attempt(Findings(), attempt.patience))
            beside = Watch(other, subjects, other_mover, Attempt(Findings(), attempt.patience))
            check_repeats(findings, first, again, beside, seed, not watch.luck.used)
            attempt("closing it", twin.close)
        check_endings(findings, endings, declared, limit)
        check_discount(findings, endings, declared)
        check_rewards(findings, watch.experiences)
        check_observations(findings, watch.experiences)
    except Stuck:
        pass  # why is written down
    spec = None if findings.failed else check_adapter(attempt, name, make, arguments, seed)
    speed = watch.steps.calls / watch.steps.seconds if watch.steps.seconds else None
    pause = watch.resets.seconds / watch.resets.calls if watch.resets.calls else None
    return Conformance(name, spec, findings.ordered(), measure(watch.experiences, endings, speed, pause))


def _take_apart(made: Any, name: str, attempt: Attempt) -> tuple[Any, Mover | None, Sequence[Subject]]:
    """The environment in parallel form, who is to move, and its agents; raises `Stuck` where it cannot be played."""
    findings = attempt.findings
    if isinstance(made, gymnasium.Env) and not attempt("the first steps", lambda: check_gymnasium(made, name, findings)):
        raise Stuck
    try:
        environment, mover = unfold(made, name)
    except ValueError as error:
        findings.refuse(error)
        raise Stuck from error
    agents = attempt("looking at agents", lambda: check_agents(environment, name, findings))
    subjects = attempt("looking at spaces", lambda: check_spaces(environment, agents, findings))
    if not subjects or any(subject.action_space is None for subject in subjects):
        raise Stuck
    return environment, mover, subjects
