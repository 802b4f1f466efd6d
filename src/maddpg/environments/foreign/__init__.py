"""Environments of others behind the contract of the host: PettingZoo (parallel and AEC) and Gymnasium, by name or by a factory.

Nothing here loads PettingZoo or Gymnasium before an environment of theirs is asked for.
"""

from maddpg.environments.foreign.names import find_factory, import_factory, is_factory
from maddpg.environments.foreign.opening import adapt, as_factory

__all__ = ["adapt", "as_factory", "find_factory", "import_factory", "is_factory"]
