"""Any actor as a StableHLO program, by jax.export: for every kind of device, and any number of observations at once."""

from __future__ import annotations

import importlib

import jax
import jax.numpy as jnp

from maddpg.export.actors import Actor, make_function

PLATFORMS = ("cpu", "cuda", "tpu")


def make_program(actor: Actor, masked: bool) -> bytes:
    """What `jax.export.deserialize` reads: the function of `make_function`, its parameters inside.

    Raises:
        ImportError: flatbuffers, which jax.export writes with, is not installed.
    """
    try:
        importlib.import_module("flatbuffers")  # jax.export says so too late, and not how to get it
    except ImportError as error:
        raise ImportError('the format stablehlo needs its extra: pip install "maddpg[export]"') from error
    from jax import export

    spec = actor.algorithm.spec.agents[actor.index]
    (batch,) = export.symbolic_shape("batch")
    given = [jax.ShapeDtypeStruct((batch, spec.observation_size), jnp.float32)]
    if masked:
        given.append(jax.ShapeDtypeStruct((batch, spec.action_size), jnp.bool_))
    limit = jax.config.values["jax_traceback_in_locations_limit"]
    jax.config.update("jax_traceback_in_locations_limit", 0)  # else the file tells where this machine keeps its source code
    try:
        return bytes(export.export(jax.jit(make_function(actor, masked)), platforms=PLATFORMS)(*given).serialize())
    finally:
        jax.config.update("jax_traceback_in_locations_limit", limit)
