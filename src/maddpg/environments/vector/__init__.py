"""Many environments in Python at once: stepped in worker processes, begun again by themselves, replaced where they fail."""

from maddpg.environments.vector.block import VectorStep
from maddpg.environments.vector.faults import EnvironmentFailed, Fault, Faults
from maddpg.environments.vector.vector import Vector

__all__ = ["EnvironmentFailed", "Fault", "Faults", "Vector", "VectorStep"]
