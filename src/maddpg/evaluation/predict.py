"""One decision of everybody at a time, from what an environment gives to what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.acting import act, act_greedily
from maddpg.algorithm.availability import availability
from maddpg.algorithm.state import Algorithm
from maddpg.environments.contract import Environment
from maddpg.environments.host import HostWorld
from maddpg.environments.translation import Translator
from maddpg.evaluation.players import SubPolicy
from maddpg.types import PyTree


class Predictor:
    """Lets the agents of one environment decide. Nothing is compiled or made before the first decision."""

    def __init__(self, algorithm: Algorithm, environment: Environment | HostWorld, seed: int) -> None:
        """`seed` decides what is drawn."""
        self._algorithm, self._translator = algorithm, Translator(environment)
        self._greedy, self._drawn = (jax.jit(partial(function, algorithm)) for function in (act_greedily, act))
        self._key = jax.random.key(seed)

    def predict(
        self, actor: PyTree, observations: Mapping[str, Any], infos: Mapping[str, Any], deterministic: bool, sub_policy: SubPolicy
    ) -> dict[str, Any]:
        """Name -> action, as the environment takes it, for those who have an observation, with actors [agent, member, ...].

        The other arguments, and what is raised, are those of `MADDPG.predict`.
        """
        algorithm, spec = self._algorithm, self._algorithm.spec
        size = algorithm.config.ensemble_size
        if sub_policy != "average" and sub_policy not in range(size):
            raise ValueError(f"sub_policy = {sub_policy!r}: it must be average, or a number from 0 to {size - 1}")
        if not deterministic and size > 1 and sub_policy == "average":
            raise ValueError("sub_policy = 'average' has one action, and none to draw; give the number of a member")
        rows, alive, mask = self._translator.pack(observations, infos)
        there, seen = availability(spec, alive[None], mask[None]), jnp.asarray(rows)[None]
        who = None if size == 1 or sub_policy == "average" else jnp.full((1, spec.agent_count), int(sub_policy))
        if deterministic:
            action = self._greedy(actor, seen, who, there)
        else:
            self._key, key = jax.random.split(self._key)
            action = self._drawn(actor, seen, key, None, who, availability=there)
        return self._translator.unpack(np.asarray(action[0]), list(observations))

    def close(self) -> None:
        """Give back what it holds of the environment."""
        self._translator.close()
