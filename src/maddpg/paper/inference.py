"""The figure of inferred policies (section 5.3): cooperative communication with models of the other's policy in place of the policy."""

from __future__ import annotations

from dataclasses import replace

from maddpg.paper import communication

STUDY = replace(
    communication.STUDY,
    name="inference",
    title="Inferred policies in cooperative communication (simple_speaker_listener)",
    kinds=("MADDPG", "inferred policies"),
    printed={},
)
