"""Acting with exported actors, in NumPy: no JAX, no environment, no critic. Importing it loads NumPy alone."""

from maddpg.policy.load import load_policy
from maddpg.policy.policy import Policies, Policy

__all__ = ["Policies", "Policy", "load_policy"]
