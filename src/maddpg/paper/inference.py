"""The figure of inferred policies (section 5.3): cooperative communication with models of the other's policy in place of the policy."""

from __future__ import annotations

from maddpg.paper.communication import CURVES, MEASURES
from maddpg.paper.study import Study

STUDY = Study(
    name="inference",
    title="Inferred policies in cooperative communication (simple_speaker_listener)",
    environment="simple_speaker_listener",
    sides={"agents": "agents"},
    kinds=("MADDPG", "inferred policies"),
    measures=MEASURES,
    seeds=(10,),
    curves=CURVES,
)
