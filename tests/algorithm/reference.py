"""MADDPG of deterministic agents in NumPy, worked apart from the package: agents one after another, gradients by hand, no padding."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import numpy as np

from maddpg.config import AlgorithmConfig

Layers = list[tuple[np.ndarray, np.ndarray]]
"""(weight [input, output], bias [output]) of each layer; ReLU between them."""


@dataclass
class Adam:
    """Adam's moments of one network, each shaped like its layers."""

    first: Layers
    second: Layers
    steps: int = 0


@dataclass
class Agent:
    """One agent's networks and the bounds of its actions."""

    actor: Layers
    critics: list[Layers]
    target_actor: Layers
    target_critics: list[Layers]
    low: np.ndarray
    high: np.ndarray
    actor_adam: Adam = field(init=False)
    critic_adams: list[Adam] = field(init=False)

    def __post_init__(self):
        self.actor_adam = Adam(zeros_like(self.actor), zeros_like(self.actor))
        self.critic_adams = [Adam(zeros_like(critic), zeros_like(critic)) for critic in self.critics]


@dataclass
class Batch:
    """A minibatch: lists have one array [batch, ...] for each agent."""

    observation: list[np.ndarray]
    action: list[np.ndarray]
    reward: list[np.ndarray]
    discount: list[np.ndarray]
    next_observation: list[np.ndarray]


def zeros_like(layers: Layers) -> Layers:
    return [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in layers]


def forward(layers: Layers, inputs: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The output, and what each layer was given."""
    given = []
    for depth, (weight, bias) in enumerate(layers):
        given.append(inputs)
        inputs = inputs @ weight + bias
        if depth < len(layers) - 1:
            inputs = np.maximum(inputs, 0)
    return inputs, given


def backward(layers: Layers, given: list[np.ndarray], slope: np.ndarray) -> tuple[Layers, np.ndarray]:
    """The gradients of the layers and of the input, from the gradient `slope` of the output."""
    gradients: Layers = []
    for depth in reversed(range(len(layers))):
        gradients.insert(0, (given[depth].T @ slope, slope.sum(axis=0)))
        slope = slope @ layers[depth][0].T
        if depth > 0:
            slope = slope * (given[depth] > 0)
    return gradients, slope


def play(actor: Layers, agent: Agent, observation: np.ndarray) -> np.ndarray:
    """mu(o): the output squashed into the bounds."""
    output, _ = forward(actor, observation)
    return agent.low + (agent.high - agent.low) * (np.tanh(output) + 1) / 2


def beside(observations: list[np.ndarray], actions: list[np.ndarray], seen: list[int]) -> np.ndarray:
    """The critic's input: what it sees of the observations, then of the actions."""
    return np.concatenate([observations[j] for j in seen] + [actions[j] for j in seen], axis=1)


def clip(gradients: Layers, config: AlgorithmConfig) -> Layers:
    if config.gradient_clip is None:
        return gradients
    norms = [(np.linalg.norm(weight), np.linalg.norm(bias)) for weight, bias in gradients]
    if config.clip_by == "agent":
        whole = np.sqrt(sum(weight**2 + bias**2 for weight, bias in norms))
        norms = [(whole, whole)] * len(gradients)
    return [
        tuple(tensor * min(1, config.gradient_clip / max(norm, 1e-30)) for tensor, norm in zip(layer, norm_pair, strict=True))
        for layer, norm_pair in zip(gradients, norms, strict=True)
    ]


def adam(layers: Layers, gradients: Layers, moments: Adam, rate: float) -> Layers:
    """One step of Adam (Kingma and Ba 2015); `moments` are changed in place."""
    moments.steps += 1
    stepped = []
    for depth, layer in enumerate(layers):
        new_layer = []
        firsts, seconds = [], []
        for index, tensor in enumerate(layer):
            gradient = gradients[depth][index]
            firsts.append(0.9 * moments.first[depth][index] + 0.1 * gradient)
            seconds.append(0.999 * moments.second[depth][index] + 0.001 * gradient**2)
            mean = firsts[-1] / (1 - 0.9**moments.steps)
            square = seconds[-1] / (1 - 0.999**moments.steps)
            new_layer.append(tensor - rate * mean / (np.sqrt(square) + 1e-8))
        moments.first[depth], moments.second[depth] = tuple(firsts), tuple(seconds)
        stepped.append(tuple(new_layer))
    return stepped


def mix(online: Layers, target: Layers, tau: float) -> Layers:
    return [
        tuple(tau * new + (1 - tau) * old for new, old in zip(layer, target_layer, strict=True))
        for layer, target_layer in zip(online, target, strict=True)
    ]


def update(
    agents: list[Agent], batches: list[Batch], config: AlgorithmConfig, seen: list[list[int]], updates: int
) -> list[dict[str, float]]:
    """One learning step of every agent i on `batches[i]`; `agents` are changed in place, and `updates` counts this step too.

    Agents learn at once, each seeing the others' networks as they were before, or one after another, each seeing what those before it did.
    """
    others = agents if config.agent_order == "in_turn" else copy.deepcopy(agents)
    return [learn(index, agents[index], others, batches[index], config, seen[index], updates) for index in range(len(agents))]


def learn(
    index: int, agent: Agent, others: list[Agent], batch: Batch, config: AlgorithmConfig, seen: list[int], updates: int
) -> dict[str, float]:
    size = len(batch.reward[index])

    # y = r + gamma * discount * min Q'(x', a') with a'_j = mu'_j(o'_j)
    next_actions = [play(other.target_actor, other, batch.next_observation[j]) for j, other in enumerate(others)]
    next_input = beside(batch.next_observation, next_actions, seen)
    next_value = np.min([forward(critic, next_input)[0][:, 0] for critic in agent.target_critics], axis=0)
    target = batch.reward[index] + config.gamma * batch.discount[index] * next_value

    # d/dQ mean (Q - y)^2 = 2 (Q - y) / batch
    joint = beside(batch.observation, batch.action, seen)
    losses, values, norms = [], [], []
    for number, critic in enumerate(agent.critics):
        value, given = forward(critic, joint)
        error = value[:, 0] - target
        gradients, _ = backward(critic, given, 2 * error[:, None] / size)
        losses.append(np.mean(error**2))
        values.append(value.mean())
        norms.append(norm_of(gradients))
        agent.critics[number] = adam(critic, clip(gradients, config), agent.critic_adams[number], config.critic_rate)

    # -Q / batch through the new first critic to this agent's action, through tanh to its actor; the penalty goes straight to the output.
    actions = list(batch.action)
    if config.others_actions == "current":
        actions = [play(other.actor, other, batch.observation[j]) for j, other in enumerate(others)]
    penalty = config.logit_regulariser or 0.0  # by default none, on boxes
    output, actor_given = forward(agent.actor, batch.observation[index])
    actions[index] = play(agent.actor, agent, batch.observation[index])
    value, given = forward(agent.critics[0], beside(batch.observation, actions, seen))
    _, slope = backward(agent.critics[0], given, np.full_like(value, -1 / size))
    first = sum(batch.observation[j].shape[1] for j in seen) + sum(batch.action[j].shape[1] for j in seen if j < index)
    slope = slope[:, first : first + output.shape[1]] * (agent.high - agent.low) / 2 * (1 - np.tanh(output) ** 2)
    slope = slope + penalty * 2 * output / output.size
    gradients, _ = backward(agent.actor, actor_given, slope)
    agent.actor = adam(agent.actor, clip(gradients, config), agent.actor_adam, config.actor_rate)

    moves = updates % config.target_interval == 0
    if moves:
        agent.target_actor = mix(agent.actor, agent.target_actor, config.tau)
        agent.target_critics = [mix(new, old, config.tau) for new, old in zip(agent.critics, agent.target_critics, strict=True)]
    return {
        "critic_loss": np.mean(losses),
        "actor_loss": -value.mean() + penalty * np.mean(output**2),
        "value": np.mean(values),
        "target": target.mean(),
        "critic_gradient_norm": np.sqrt(np.sum(np.square(norms))),
        "actor_gradient_norm": norm_of(gradients),
        "output_magnitude": np.sqrt(np.mean(output**2)),
        "target_moves": float(moves),
    }


def norm_of(gradients: Layers) -> float:
    return float(np.sqrt(sum(np.sum(tensor**2) for layer in gradients for tensor in layer)))
