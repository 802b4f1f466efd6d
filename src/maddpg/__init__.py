"""MADDPG: multi-agent actor-critic for mixed cooperative-competitive environments (Lowe et al. 2017), in JAX."""

__version__ = "0.1.0"
