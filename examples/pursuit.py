"""Pictures for observations: pursuers that see a 7 by 7 grid, with a convolution of one's own in front of the actor.

python examples/pursuit.py            (needs pettingzoo[sisl])
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from maddpg import MADDPG, preset
from maddpg.algorithm.networks import Network, mlp


def convolution(height: int, width: int, depth: int, channels: int, hidden: tuple[int, ...]) -> Network:
    """One layer of 3 by 3 filters over a picture that comes flat, then a perceptron.

    As a product over patches: mapped over agents it stays a product, where a convolution would become a slow one with groups.
    """
    rows, columns, planes = np.meshgrid(np.arange(3), np.arange(3), np.arange(depth), indexing="ij")
    corner = ((rows * width + columns) * depth + planes).ravel()
    starts = (np.arange(height - 2)[:, None] * width + np.arange(width - 2)[None]).ravel() * depth
    patches = starts[:, None] + corner[None]  # [patch, column]: which numbers of the picture each patch has
    rest = mlp(hidden)
    seen = jnp.ones(len(starts) * channels, bool)

    def init(key: jax.Array, input_valid: jax.Array, output_valid: jax.Array) -> dict:
        del input_valid  # every agent sees a whole picture
        filter_key, rest_key = jax.random.split(key)
        limit = np.sqrt(6 / (9 * depth + channels))
        filters = jax.random.uniform(filter_key, (9 * depth, channels), minval=-limit, maxval=limit)
        return {"filters": filters, "bias": jnp.zeros(channels), "rest": rest.init(rest_key, seen, output_valid)}

    def apply(parameters: dict, *blocks: jax.Array) -> jax.Array:
        picture = jnp.concatenate(blocks, axis=1)
        features = jax.nn.relu(picture[:, patches] @ parameters["filters"] + parameters["bias"][None, None])
        return rest.apply(parameters["rest"], features.reshape(len(picture), -1))

    return Network(init, apply)


def main(steps: int = 200_000, max_cycles: int = 200) -> None:
    settings = preset("tuned", "pettingzoo:sisl.pursuit_v5")
    settings = replace(
        settings,
        algorithm=replace(settings.algorithm, gamma=0.95),
        training=replace(settings.training, environments=16, batch_size=256, replay_capacity=100_000, evaluation_interval=50_000),
    )
    arguments = {"n_pursuers": 4, "n_evaders": 10, "max_cycles": max_cycles}
    actor = convolution(7, 7, 3, channels=16, hidden=(64,))
    with MADDPG("pettingzoo:sisl.pursuit_v5", settings, arguments=arguments, actor=actor, seed=0) as pursuers:
        pursuers.learn(steps, callback=lambda _, progress: print(f"{progress.steps:>9,} steps", progress.episode_return))
        for name, score in pursuers.evaluate(episodes=32).seeds[0].agents.items():
            print(f"{name}: trained {score.mean:.1f} ± {score.standard_error:.1f}, random {score.random:.1f}")


if __name__ == "__main__":
    main()
