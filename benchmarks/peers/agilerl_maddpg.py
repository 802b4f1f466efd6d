"""AgileRL's MADDPG in mpe2's simple_spread, in an environment of its own, at the command of `benchmarks.agilerl_side_by_side`.

The loop is that of AgileRL's documentation ("Multi-Agent Training", custom training loop) without what is about populations: act, step,
store, sample, learn. First it warms up and prints a line of JSON that says what it is. Then, for every line that it reads, a number of
learning steps, it goes on by so many and prints a line of JSON: seconds, environment steps, and updates of every agent by Adam's own count.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version

import numpy as np
import torch  # type: ignore[import-not-found]
from agilerl.algorithms import MADDPG  # type: ignore[import-not-found]
from agilerl.components.data import MultiAgentTransition  # type: ignore[import-not-found]
from agilerl.components.replay_buffer import ReplayBuffer  # type: ignore[import-not-found]
from agilerl.vector.pz_async_vec_env import AsyncPettingZooVecEnv  # type: ignore[import-not-found]
from mpe2 import simple_spread_v3

WARM_UPDATES = 5
NETWORKS = {
    # Each a dictionary of its own: AgileRL writes into them.
    "encoder_config": {"hidden_size": [64], "layer_norm": False},
    "head_config": {"hidden_size": [64], "layer_norm": False},
    "latent_dim": 64,
}
"""Hidden layers of 64: three in an actor, which cannot have fewer, and two in a critic, whose second one sees the actions."""


class Peer:
    """AgileRL's side: environments in one process each, an agent and a replay."""

    def __init__(self, environments: int, collect: int, batch: int, replay: int) -> None:
        self.vector = AsyncPettingZooVecEnv([lambda: simple_spread_v3.parallel_env(continuous_actions=True) for _ in range(environments)])
        self.environments = environments
        self.agent = MADDPG(
            [self.vector.single_observation_space(agent) for agent in self.vector.agents],
            [self.vector.single_action_space(agent) for agent in self.vector.agents],
            agent_ids=self.vector.agents,
            vect_noise_dim=environments,
            net_config=NETWORKS,
            batch_size=batch,
            learn_step=collect * environments,
        )
        self.agent.set_training_mode(True)
        self.memory = ReplayBuffer(max_size=replay)
        self.observation, self.info = self.vector.reset(seed=0)
        self.scores = np.zeros(environments)

    def fill(self) -> None:
        """Play until there is a minibatch to draw."""
        while len(self.memory) < self.agent.batch_size:
            self._play()

    def train(self, updates: int) -> None:
        """So many times: the steps of all environments that come before a learning step, and the learning step."""
        self.agent.init_training_step()
        steps = self.agent.learn_step // self.environments
        for _ in range(updates):
            for _ in range(steps):
                self._play()
            self.agent.learn(self.memory.sample(self.agent.batch_size))
        self.agent.finalize_training_step(updates * steps * self.environments)

    def updates(self) -> int:
        """How often every agent's critic was updated, by the counts of their optimisers; agents that are alike share one."""
        taken = [next(iter(optimiser.state.values()))["step"] for optimiser in self.agent.critic_optimizers.values()]
        return int(sum(taken)) // len(self.vector.agents)

    def parameters(self) -> dict[str, int]:
        """Of one agent's networks."""
        networks = {"actor": self.agent.actors, "critic": self.agent.critics}
        return {name: sum(leaf.numel() for leaf in next(iter(each.values())).parameters()) for name, each in networks.items()}

    def _play(self) -> None:
        """One step of every environment, from acting to the replay."""
        action, raw_action = self.agent.get_action(obs=self.observation, infos=self.info)
        following, reward, terminated, truncated, self.info = self.vector.step(action)
        self.scores += np.sum(list(reward.values()), axis=0)
        transition = MultiAgentTransition(
            obs=self.observation, action=raw_action, reward=reward, next_obs=following, done=terminated
        ).to_tensordict()
        transition.batch_size = [self.environments]
        self.memory.add(transition)
        self.observation = following
        self._end_episodes(terminated, truncated)

    def _end_episodes(self, terminated: Mapping[str, np.ndarray], truncated: Mapping[str, np.ndarray]) -> None:
        ended = np.any([*terminated.values(), *truncated.values()], axis=0)
        indices = np.flatnonzero(ended).tolist()
        self.agent.add_scores(self.scores[indices].tolist())
        self.scores[indices] = 0
        self.agent.reset_action_noise(indices)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environments", type=int, required=True, help="and so many worker processes")
    parser.add_argument("--collect", type=int, required=True, help="steps of every environment before a learning step")
    parser.add_argument("--batch", type=int, required=True, help="transitions in a minibatch")
    parser.add_argument("--replay", type=int, required=True, help="transitions that it holds")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0: as many as it takes by itself")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    peer = Peer(given.environments, given.collect, given.batch, given.replay)
    peer.fill()
    peer.train(WARM_UPDATES)
    about = {
        "versions": {name: version(name) for name in ("agilerl", "torch", "mpe2", "pettingzoo", "numpy")},
        "threads": torch.get_num_threads(),
        "processes": len(multiprocessing.active_children()),
        "parameters": peer.parameters(),
        "episode_length": simple_spread_v3.parallel_env(continuous_actions=True).unwrapped.max_cycles,
    }
    print(json.dumps(about), flush=True)
    for line in sys.stdin:
        before = peer.updates()
        began = time.perf_counter()
        peer.train(int(line))
        seconds = time.perf_counter() - began
        steps = int(line) * given.collect * given.environments
        print(json.dumps({"seconds": seconds, "steps": steps, "updates": peer.updates() - before}), flush=True)
    peer.vector.close()


if __name__ == "__main__":
    main()
