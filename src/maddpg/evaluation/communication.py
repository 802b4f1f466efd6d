"""What messages say and what they are worth: their bits about the secrets of an episode, and the return without them.

After Lowe et al. 2019, "On the pitfalls of measuring emergent communication": that messages carry information (positive signalling) does
not show that anybody listens (positive listening). So messages are also cut and shuffled, and the fall in return is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.state import Algorithm
from maddpg.environments.contract import Environment
from maddpg.evaluation.conversation import INTERVENTIONS, Act, Conversation, choose_senders, converse, join
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.evaluation.information import chance_information, cross_table, entropy, mutual_information
from maddpg.evaluation.players import as_trained, episode_sub_policies, play_actions
from maddpg.types import AgentSpec, Box, EnvSpec, PyTree

AT_ONCE = 10_000
"""Episodes of each seed that are played side by side: all that is done in them is in memory at once."""


@dataclass(frozen=True)
class Estimate:
    """A mean over episodes and its standard error, NaN for one episode."""

    mean: float
    standard_error: float


@dataclass(frozen=True)
class Telling:
    """What one sender's symbol tells about one secret."""

    bits: float  # mutual information, bias corrected
    chance: float  # bits that a symbol without any information exceeds once in twenty times
    ceiling: float  # entropy of the secret: more there is not to tell
    options: list[str]  # values of the secret that occurred
    language: list[list[int]]  # [symbol, option], episodes


@dataclass(frozen=True)
class Sender:
    """What one agent says."""

    entropy: float  # bits, of its symbol
    symbols: list[str]  # those that occurred
    secrets: dict[str, Telling]


@dataclass(frozen=True)
class Communication:
    """A team's messages, measured."""

    environment: str
    episodes: int
    tampered: list[str]  # whose messages were cut and shuffled
    returns: dict[str, dict[str, Estimate]]  # intervention -> agent
    falls: dict[str, dict[str, Estimate]]  # intervention -> agent; return as sent, less return with it, episode by episode
    senders: dict[str, Sender]

    def to_dict(self) -> dict[str, Any]:
        """Plain tables for JSON."""
        return asdict(self)


def measure_communication(
    environment: Environment, act: Act, episodes: int, key: jax.Array, senders: Sequence[str] | None = None
) -> Communication:
    """Play and measure one team; see `converse` for the arguments, and `summarise`."""
    tampered = choose_senders(environment.spec, senders)
    conversation = jax.jit(lambda key: converse(environment, act, episodes, key, tampered))(key)
    return summarise(environment.spec, jax.device_get(conversation), tampered)


def measure_messages(
    algorithm: Algorithm, environment: Environment, actor: PyTree, episodes: int, senders: Sequence[str] | None = None
) -> list[Communication]:
    """Play and measure the trained actors [seed, agent, ...] of a run, greedily, in one program: a result for each seed.

    Teams that did not learn play as they did in training; of an ensemble, a member is drawn for each team and episode. More than `AT_ONCE`
    episodes are played in several calls, and messages shuffled within each.
    """
    tampered, players = choose_senders(environment.spec, senders), jnp.asarray(as_trained(algorithm))
    at_once = min(episodes, AT_ONCE)

    def play(actor: PyTree, key: jax.Array) -> Conversation:
        member_key, play_key = jax.random.split(key)
        who = episode_sub_policies(algorithm, "drawn", member_key, at_once)

        def act(worlds: PyTree, observation: jax.Array, key: jax.Array) -> jax.Array:
            return play_actions(algorithm, environment, actor, players, observation, worlds, key, who)

        return converse(environment, act, at_once, play_key, tampered)

    seeds, program = len(jax.tree.leaves(actor)[0]), jax.jit(jax.vmap(play))
    keys = jax.random.split(jax.random.key(EVALUATION_SEED), seeds)
    parts: list[Conversation] = [jax.device_get(program(actor, keys))]
    for part in range(1, -(-episodes // at_once)):
        # Splitting a key in two, as the first part does, is the same as folding 0 and 1 into it.
        parts.append(jax.device_get(program(actor, jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, part + 1))))
    whole = [join([jax.tree.map(lambda leaf, row=row: leaf[row], part) for part in parts], episodes) for row in range(seeds)]
    return [summarise(environment.spec, conversation, tampered) for conversation in whole]


def summarise(spec: EnvSpec, conversation: Conversation, tampered: np.ndarray) -> Communication:
    """Returns, falls, entropies, information and languages from one team's episodes, on the host.

    A sender's symbol in an episode is that of its last message that could be heard before the end: the one of the last step but
    one. One symbol for each episode makes samples independent, as the bias correction and the permutations want; a late one, because
    early ones may be said before the sender knows, and the very last has no effect that could have taught it a meaning.
    """
    returns, spoken = np.asarray(conversation.returns, float), np.asarray(conversation.spoken)
    secrets = [(name, np.asarray(values)[:, None]) for name, values in conversation.secrets.items()]
    if len(secrets) > 1:  # a cipher tells about two secrets together, and about neither alone
        secrets.append((", ".join(conversation.secrets), np.concatenate([values for _, values in secrets], axis=1)))
    numbered = {name: number_rows(values) for name, values in secrets}

    def describe(index: int, agent: AgentSpec) -> Sender:
        symbols, said = number_rows(read_symbols(agent, spoken[:, index]))
        return Sender(entropy(said), symbols, {name: tell(said, options, secret) for name, (options, secret) in numbered.items()})

    return Communication(
        environment=spec.name,
        episodes=len(spoken),
        tampered=[name for name, chosen in zip(spec.names, tampered, strict=True) if chosen],
        returns={name: estimate(spec.names, returns[place]) for place, name in enumerate(INTERVENTIONS)},
        falls={name: estimate(spec.names, returns[0] - returns[place]) for place, name in enumerate(INTERVENTIONS) if place},
        senders={agent.name: describe(index, agent) for index, agent in enumerate(spec.agents) if agent.message_size},
    )


def read_symbols(agent: AgentSpec, action: np.ndarray) -> np.ndarray:
    """[episode, head], whole numbers: what an agent's message columns say, from actions [episode, action].

    Of a choice, soft or hard, the arg max. Of a box, whether each number lies in the upper half of its range, a head of its own
    for each. A symbol tells at most what its message tells (data-processing inequality): rounding can hide meaning, not make it.
    """
    heads: list[np.ndarray] = []
    start = 0
    for space in agent.action:
        first, end = max(start, agent.action_size - agent.message_size), start + space.size
        if isinstance(space, Box):
            middle = (np.array(space.low) + np.array(space.high)) / 2
            heads.extend(action[:, column] > middle[column - start] for column in range(first, end))
        elif first == start:
            heads.append(action[:, start:end].argmax(axis=1))
        elif first < end:
            raise ValueError(f"{agent.name}: message_size = {agent.message_size} ends inside {space}; a choice is a message as a whole")
        start = end
    return np.stack(heads, axis=1).astype(int)


def number_rows(rows: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The different rows of [episode, part] in order, as text, and for each episode which of them it is."""
    different, which = np.unique(rows, axis=0, return_inverse=True)
    return [" ".join(map(str, row)) for row in different], which.reshape(-1)


def tell(said: np.ndarray, options: list[str], secret: np.ndarray) -> Telling:
    """What symbols [episode] tell about a secret [episode], both numbered from 0."""
    bits, chance = mutual_information(said, secret), chance_information(said, secret)
    return Telling(bits, chance, entropy(secret), options, cross_table(said, secret).tolist())


def estimate(names: tuple[str, ...], values: np.ndarray) -> dict[str, Estimate]:
    """Mean and standard error by agent, from [episode, agent]."""
    count = len(values)
    errors = values.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.full(len(names), np.nan)
    return {name: Estimate(float(mean), float(error)) for name, mean, error in zip(names, values.mean(axis=0), errors, strict=True)}
