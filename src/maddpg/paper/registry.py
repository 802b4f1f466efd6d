"""All studies by name."""

from __future__ import annotations

from collections.abc import Sequence

from maddpg.names import unknown_name
from maddpg.paper import communication, covert, deception, ensembles, inference, navigation, predator_prey
from maddpg.paper.study import Study

STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        communication.STUDY,
        inference.STUDY,
        navigation.STUDY,
        predator_prey.STUDY,
        deception.STUDY,
        covert.STUDY,
        ensembles.KEEP_AWAY,
        ensembles.DECEPTION,
        ensembles.PREDATOR_PREY,
    )
}
ALL = "all"


def choose_studies(names: Sequence[str]) -> list[Study]:
    """The studies of these names, each once; `all` stands for every one. Raises `ValueError` for a name that there is not."""
    if not names:
        raise ValueError(f"reproduce needs the name of a table: one of {', '.join(STUDIES)}, or {ALL}")
    for name in names:
        if name not in (*STUDIES, ALL):
            raise ValueError(unknown_name("table", name, [*STUDIES, ALL]))
    return [study for name, study in STUDIES.items() if name in names or ALL in names]
