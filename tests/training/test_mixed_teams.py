"""Learning, scripted, random and frozen teams side by side in the loop: what each does, and what is stored of it."""

from __future__ import annotations

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.acting import act_greedily
from maddpg.algorithm.state import assemble, hyper
from maddpg.config import AlgorithmConfig, Config, TeamConfig, TrainingConfig
from maddpg.environments.registry import resolve
from maddpg.storage.arrays import read_metadata
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import build
from maddpg.training.frozen import freeze, load_frozen
from maddpg.training.fused import Fused
from maddpg.training.plan import plan
from maddpg.training.run import train
from tests.games import UNIT, probe

# A game of four teams of one, each played in another way. The script says what time it is, so that what is stored tells when it was asked.

LEARNER, SCRIPT, CHANCE, ICE = range(4)
LENGTH, WORLDS, WARM_UP, ROUNDS = 3, 5, 4, 6
COUNT = 4
GAME = replace(
    probe(lambda clock, coin, action: coin + 0.1 * action[:, 0], spaces=[UNIT] * COUNT, teams="abcd", length=LENGTH, terminates=False),
    scripted=lambda key, state: jnp.full((COUNT, 1), 0.1) * state["clock"],
)
TEAMS = {"b": TeamConfig(player="scripted"), "c": TeamConfig(player="random"), "d": TeamConfig(player="frozen", run="earlier")}
CONFIG = AlgorithmConfig(actor_layers=(3,), critic_layers=(4,), critic_input="both", noise=0.0)
TRAINING = TrainingConfig(steps=WORLDS * 50, environments=WORLDS, updates=1, batch_size=8, warmup_steps=WORLDS * WARM_UP)


def of_agent(tree, agent: int) -> list[np.ndarray]:
    return [np.asarray(leaf[:, agent]) for leaf in jax.tree.leaves(tree)]


class Mixed:
    """A run of all four, its frozen team's actors put in by hand, and all that its replay holds."""

    def __init__(self):
        self.algorithm = assemble(CONFIG, GAME.spec, TEAMS)
        fused, numbers = Fused(self.algorithm, GAME, TRAINING), hyper(self.algorithm)
        run = fused.start(jax.random.split(jax.random.key(0), 1))
        loud = jax.tree.map(lambda leaf: 2 * leaf[:, ICE] + 0.1, run.learner.actor)
        run = replace(run, learner=freeze(run.learner, {ICE: loud}))
        self.before = jax.tree.map(jnp.copy, run.learner)
        self.run = fused.train(numbers, fused.warm_up(numbers, run, WARM_UP), ROUNDS)
        rows = fused.store.replay.take(self.run.replay[0], jnp.arange((WARM_UP + ROUNDS) * WORLDS))
        self.stored = jax.tree.map(np.asarray, rows)
        self.warm_up = np.arange(len(self.stored.reward)) < WARM_UP * WORLDS


@pytest.fixture(scope="module")
def mixed():
    return Mixed()


def test_a_script_is_asked_about_the_true_state_and_the_true_next_one(mixed):
    clock, next_clock = mixed.stored.state[:, -1], mixed.stored.next_state[:, -1]

    np.testing.assert_allclose(mixed.stored.action[:, SCRIPT, 0], 0.1 * clock, rtol=1e-6)
    np.testing.assert_allclose(mixed.stored.next_action[:, SCRIPT, 0], 0.1 * next_clock, rtol=1e-6)
    # At the time limit too: not the first moment of the next episode.
    ended = next_clock == LENGTH
    assert ended.sum() >= 3 * WORLDS
    np.testing.assert_allclose(mixed.stored.next_action[ended, SCRIPT, 0], 0.1 * LENGTH, rtol=1e-6)
    np.testing.assert_array_equal(mixed.stored.discount, 1)


def test_a_random_team_is_random_all_along(mixed):
    drawn = mixed.stored.action[:, CHANCE, 0]

    assert len(np.unique(drawn)) == len(drawn)
    for part in (drawn[mixed.warm_up], drawn[~mixed.warm_up]):
        assert part.min() < -0.5
        assert part.max() > 0.5
        assert abs(part.mean()) < 0.5


def test_a_frozen_team_plays_its_actor_without_noise_from_the_first_step(mixed):
    actor = jax.tree.map(lambda leaf: leaf[0], mixed.before.actor)

    played = jax.jit(lambda observation: act_greedily(mixed.algorithm, actor, observation))(mixed.stored.observation)

    np.testing.assert_allclose(mixed.stored.action[:, ICE], played[:, ICE], rtol=1e-5)


def test_a_learner_plays_at_random_in_the_warm_up_and_then_by_its_policy(mixed):
    drawn = mixed.stored.action[:, LEARNER, 0]

    assert len(np.unique(drawn[mixed.warm_up])) == mixed.warm_up.sum()
    assert len(np.unique(drawn[~mixed.warm_up])) <= 2 * ROUNDS  # a point for each coin, moved once a round


def test_only_the_learner_moves(mixed):
    for field in ("actor", "target_actor"):
        for old, new in zip(jax.tree.leaves(getattr(mixed.before, field)), jax.tree.leaves(getattr(mixed.run.learner, field)), strict=True):
            moved = [not np.array_equal(old[0, agent], new[0, agent]) for agent in range(COUNT)]
            assert moved == [True, False, False, False]
    for actor, target in zip(*(of_agent(tree, ICE) for tree in (mixed.run.learner.actor, mixed.run.learner.target_actor)), strict=True):
        np.testing.assert_array_equal(actor, target)
    assert {leaf.shape[:2] for leaf in jax.tree.leaves(mixed.run.learner.critic)} == {(1, 1)}


# Frozen from a saved run.

SMALL = resolve(
    Config(
        "simple_push",
        algorithm=AlgorithmConfig(actor_layers=(4,), critic_layers=(4,)),
        training=TrainingConfig(
            steps=40, seeds=2, environments=4, updates=1, batch_size=8, warmup_steps=8, log_interval=20, evaluation_interval=0
        ),
    )
)
ADVERSARY, GOOD = 0, 1


def against(run, seeds: int = 3, seed: int = 7, player: str = "frozen", **algorithm) -> Config:
    """Good agents that learn against the adversary of a run."""
    return replace(
        SMALL,
        algorithm=replace(SMALL.algorithm, **algorithm),
        training=replace(SMALL.training, seeds=seeds, seed=seed),
        teams={"adversary": TeamConfig(player=player, run=str(run))},
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(folder, what came of it) of a run of two seeds in which both teams learn."""
    folder = RunFolder(tmp_path_factory.mktemp("earlier"))
    return folder.path, train(build(SMALL), folder)


@pytest.fixture(scope="module")
def continued(trained, tmp_path_factory):
    """(folder, what came of it) of a run of three seeds against the first one's adversary."""
    config = against(trained[0])
    folder = RunFolder(tmp_path_factory.mktemp("later"))
    return folder.path, train(build(config), folder)


def test_a_frozen_team_is_the_saved_one_seed_by_seed_and_again_from_the_first(trained, continued):
    for tree in (continued[1].learner.actor, continued[1].learner.target_actor):
        for now, then in zip(of_agent(tree, ADVERSARY), of_agent(trained[1].learner.actor, ADVERSARY), strict=True):
            np.testing.assert_array_equal(now, then[[0, 1, 0]])
    good = of_agent(continued[1].learner.actor, GOOD)[0]
    assert not np.array_equal(good[0], good[2])  # the learners are three


def test_a_team_frozen_in_one_run_may_be_frozen_from_it_again(trained, continued):
    algorithm = build(against(continued[0], seeds=1)).algorithm

    again = load_frozen(algorithm, 1)

    assert set(again) == {ADVERSARY}
    for now, then in zip(jax.tree.leaves(again[ADVERSARY]), of_agent(trained[1].learner.actor, ADVERSARY), strict=True):
        np.testing.assert_array_equal(now, then[:1])


def test_a_single_policy_is_every_member_of_an_ensemble(trained):
    algorithm = build(against(trained[0], ensemble_size=3)).algorithm

    members = load_frozen(algorithm, 2)[ADVERSARY]

    for now, then in zip(jax.tree.leaves(members), of_agent(trained[1].learner.actor, ADVERSARY), strict=True):
        np.testing.assert_array_equal(now, np.repeat(then, 3, axis=1))


def test_the_best_networks_are_those_with_which_the_learners_did_best(tmp_path):
    folder = RunFolder(tmp_path)
    training = replace(SMALL.training, evaluation_interval=8, evaluation_episodes=5)
    train(build(replace(SMALL, training=training, teams={"adversary": TeamConfig(player="random")})), folder)
    lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]

    best = json.loads(read_metadata(folder.best)["best"])

    assert set(best) == {"0", "1"}
    for seed, about in best.items():
        returns = [line["return"]["agent_0"] for line in lines if line["kind"] == "evaluation" and line["seed"] == int(seed)]
        assert about["return"] == pytest.approx(max(returns), rel=1e-5)


def test_a_plan_with_a_frozen_team_looks_for_its_run_first(trained, tmp_path):
    assert "3 seeds from 7" in plan(build(against(trained[0])))
    with pytest.raises(ValueError, match="is not a run"):
        plan(build(against(tmp_path / "nowhere")))
    assert "3 seeds from 7" in plan(build(against(tmp_path / "nowhere")), from_checkpoint=True), "a checkpoint holds the team"


def one_line(refusal) -> str:
    line = str(refusal.value)
    assert "\n" not in line
    return line


def test_a_folder_that_is_no_run_or_not_finished_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere is not a run: it has no config.json") as refusal:
        load_frozen(build(against(tmp_path / "nowhere")).algorithm, 1)
    assert one_line(refusal)

    RunFolder(tmp_path).write_config(SMALL)
    with pytest.raises(ValueError, match="its training has not ended yet") as refusal:
        load_frozen(build(against(tmp_path)).algorithm, 1)
    assert one_line(refusal)


def another_world(**changes) -> Config:
    return resolve(replace(SMALL, **changes))


OTHERS = {
    "another environment": (
        another_world(environment="simple_adversary"),
        {},
        "was trained in simple_adversary, this run is in simple_push",
    ),
    "other sizes": (another_world(world=replace(SMALL.world, agents=2)), {}, "adversary_0 sees .* numbers|widest agent is of another size"),
    "another action mode": (another_world(world=replace(SMALL.world, action_mode="discrete")), {}, "same environment and action mode"),
    "other layers": (
        replace(SMALL, algorithm=replace(SMALL.algorithm, actor_layers=(5,))),
        {},
        r"actor_layers = \(5,\).*give --actor-layers",
    ),
    "another policy": (SMALL, {"policy": "stochastic"}, r"policy = 'deterministic', this run 'stochastic'"),
    "another temperature": (SMALL, {"temperature": 0.5}, "temperature = 1.0, this run 0.5"),
    "a larger ensemble": (replace(SMALL, algorithm=replace(SMALL.algorithm, ensemble_size=2)), {"ensemble_size": 3}, "ensemble_size = 2"),
}


@pytest.mark.parametrize(("earlier", "now", "reason"), OTHERS.values(), ids=OTHERS.keys())
def test_a_run_that_does_not_fit_is_refused_in_a_line(tmp_path, earlier, now, reason):
    # Refused by its configuration, before its networks are looked at.
    folder = RunFolder(tmp_path)
    folder.write_config(earlier)

    with pytest.raises(ValueError, match=reason) as refusal:
        load_frozen(build(against(folder.path, **now)).algorithm, 1)

    assert str(folder.path) in one_line(refusal)


@pytest.mark.parametrize("player", ["random", "scripted"])
def test_a_team_that_learned_nothing_there_is_refused(tmp_path, player):
    folder = RunFolder(tmp_path)
    folder.write_config(replace(SMALL, teams={"adversary": TeamConfig(player=player)}))

    with pytest.raises(ValueError, match="learned nothing") as refusal:
        load_frozen(build(against(folder.path)).algorithm, 1)

    assert str(folder.path) in one_line(refusal)
