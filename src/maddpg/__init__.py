"""MADDPG: multi-agent actor-critic for mixed cooperative-competitive environments (Lowe et al. 2017), in JAX."""

from maddpg.config import AlgorithmConfig, Config, TrainingConfig, WorldConfig, preset

__all__ = ["AlgorithmConfig", "Config", "TrainingConfig", "WorldConfig", "preset"]
__version__ = "0.1.0"
