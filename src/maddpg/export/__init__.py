"""Trained actors as files that others can run: each agent's alone, as safetensors, ONNX or StableHLO, with all that acting needs."""

from maddpg.export.write import export_actors

__all__ = ["export_actors"]
