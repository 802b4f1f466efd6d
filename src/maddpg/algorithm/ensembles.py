"""Policy ensembles (Lowe et al. 2017, section 4.3): K sub-policies for each agent, one of which plays a whole episode.

An actor's parameters are [agent, member, ...] for any K, and everything here is for ONE agent. Which transitions a sub-policy learns from
is the replay's business (`maddpg.replay`).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from maddpg.algorithm.networks import Network
from maddpg.algorithm.teams import Players
from maddpg.types import AnyArray, PyTree


def draw_sub_policies(players: Players, size: int, key: Key[Array, ""], count: int) -> Int[Array, "count agent"]:
    """An index below `size` for each agent, uniform, the same within a group: k ~ unif(1, K), once an episode."""
    drawn = jax.random.randint(key, (count, players.group_count), 0, size)
    return drawn[:, jnp.asarray(players.groups)]


def member_outputs(
    network: Network, members: PyTree, observation: Float[Array, "batch observation"]
) -> Float[Array, "member batch output"]:
    """What every sub-policy's network says to the same observations, one after another: as in `learn`, that is the fast way."""
    outputs: jax.Array = jax.lax.map(lambda member: network.apply(member, observation), members)
    return outputs


def sub_policy_output(
    network: Network, members: PyTree, observation: Float[Array, "batch observation"], sub_policy: Int[Array, " batch"] | None
) -> Float[Array, "batch output"]:
    """The output of the sub-policy that plays each row. A single policy needs no index.

    All are computed and one is taken: a gather of weights by row would cost more than K thin products.
    """
    if size(members) == 1:
        output: jax.Array = network.apply(member(members, 0), observation)
        return output
    if sub_policy is None:
        raise ValueError("an ensemble needs to be told which sub-policy plays")
    outputs = member_outputs(network, members, observation)
    return jnp.take_along_axis(outputs, sub_policy[None, :, None], axis=0)[0]


def size(members: PyTree) -> int:
    """K, from the parameters [member, ...]."""
    return int(jax.tree.leaves(members)[0].shape[0])


def member(members: PyTree, index: int) -> PyTree:
    """The parameters of one sub-policy."""
    return jax.tree.map(lambda leaf: leaf[index], members)


def widen(leaf: AnyArray, members: int, axis: int) -> jax.Array:
    """A leaf of actors with so many members, a multiple of those it has: a single policy is every member of an ensemble of equals."""
    return jnp.concatenate([jnp.asarray(leaf)] * (members // leaf.shape[axis]), axis=axis)
