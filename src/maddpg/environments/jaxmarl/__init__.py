"""JaxMARL's environments in the fused loop. Only this folder needs JaxMARL: `pip install "maddpg[jaxmarl]"`."""

from maddpg.environments.jaxmarl.adapter import JaxMarlState, from_jaxmarl, make

__all__ = ["JaxMarlState", "from_jaxmarl", "make"]
