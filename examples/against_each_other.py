"""Predators that learn to chase scripted prey, stopped when they are good enough, then met by prey of another kind.

python examples/against_each_other.py
"""

from dataclasses import replace

from maddpg import MADDPG, TeamConfig, preset
from maddpg.training.progress import Progress

CATCHES = 20.0  # points an episode, 10 for each catch


def main(steps: int = 300_000, folder: str = "runs/predators") -> None:
    settings = preset("tuned", "simple_tag")
    settings = replace(
        settings,
        algorithm=replace(settings.algorithm, gamma=0.95, noise=0.5),
        reward_design=replace(settings.reward_design, potential=("adversary:distance=-10",)),  # or the first catch is long in coming
        teams={"good": TeamConfig(player="scripted")},
    )

    def enough(_: MADDPG, progress: Progress) -> bool:
        returns = progress.episode_return
        if returns:
            print(f"{progress.steps:>9,} steps, {progress.speed}, predators {returns['adversary_0']:.1f}")
        return returns.get("adversary_0", 0.0) < CATCHES  # False ends learning

    predators = MADDPG("simple_tag", settings, seed=0).learn(steps, callback=enough)
    predators.save(folder)

    again = MADDPG.load(folder)
    for prey in ("scripted", "random"):
        score = again.evaluate(episodes=200, play={"good": prey}).seeds[0].agents["adversary_0"]
        print(f"against {prey} prey: {score.mean:.1f} ± {score.standard_error:.1f}")


if __name__ == "__main__":
    main()
