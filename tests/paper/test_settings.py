"""How runs are set: the paper's way and ours, and what each kind is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from maddpg.config import AlgorithmConfig, RewardDesignConfig, TeamConfig, TrainingConfig
from maddpg.paper.registry import STUDIES
from maddpg.paper.settings import EPISODE, FULL, QUICK, SETTINGS, programs, run_config, run_name

COVERT, TAG, LISTENER = STUDIES["covert"], STUDIES["predator-prey"], STUDIES["communication"]


def config_of(study, setting, *line_up, world="", size=FULL, seeds=range(10)):
    return run_config(study, world, setting, line_up, size, seeds)


def test_the_paper_s_setting_is_the_released_code_s():
    config = config_of(LISTENER, "paper", "MADDPG")

    assert (config.world.action_mode, config.world.dynamics, config.world.rewards) == ("simplex", "openai", "openai")
    algorithm, training = config.algorithm, config.training
    assert (algorithm.gamma, algorithm.tau, algorithm.actor_rate, algorithm.critic_rate) == (0.95, 0.01, 1e-2, 1e-2)
    assert (algorithm.actor_layers, algorithm.critic_layers) == ((64, 64), (64, 64))
    assert (algorithm.twin_critics, algorithm.estimator, algorithm.gradient_clip) == (False, "soft", 0.5)
    assert (training.batch_size, training.replay_capacity) == (1024, 1_000_000)
    assert training.round_steps / training.updates == 100  # environment steps for each update
    assert (training.steps, training.seeds, training.seed) == (25_000 * 25, 10, 0)


def test_our_setting_is_the_default_one():
    config = config_of(LISTENER, "tuned", "MADDPG")

    assert (config.world.action_mode, config.world.dynamics, config.world.rewards) == ("box", "mpe2", "mpe2")
    assert config.algorithm == AlgorithmConfig()
    assert config.training == TrainingConfig(steps=625_000, seeds=10, evaluation_interval=1_000 * EPISODE)
    assert (config.teams, config.reward_design) == ({}, RewardDesignConfig())


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_the_kinds_are(setting):
    base = config_of(COVERT, setting, "MADDPG", "MADDPG")

    def is_base_with(*line_up, **algorithm):
        return config_of(COVERT, setting, *line_up) == replace(base, algorithm=replace(base.algorithm, **algorithm))

    assert (base.algorithm.critic_view, base.algorithm.ensemble_size, base.algorithm.inference, base.teams) == ("all", 1, False, {})
    assert is_base_with("DDPG", "DDPG", critic_view="own")
    assert is_base_with("ensemble of 2", "ensemble of 2", ensemble_size=2)
    assert is_base_with("ensemble of 3", "ensemble of 3", ensemble_size=3)
    assert is_base_with("inferred policies", "inferred policies", inference=True)


@pytest.mark.parametrize("setting", SETTINGS)
def test_in_a_mixed_line_up_the_side_that_is_ddpg_sees_its_own(setting):
    base = config_of(COVERT, setting, "MADDPG", "MADDPG")
    ours = TeamConfig(critic_view="own")

    assert config_of(COVERT, setting, "MADDPG", "DDPG") == replace(base, teams={"adversary": ours})
    assert config_of(COVERT, setting, "DDPG", "MADDPG") == replace(base, teams={"good": ours})
    assert config_of(TAG, setting, "MADDPG", "DDPG", world="prey 30% faster").teams == {"good": ours}


def test_predator_prey_has_settings_of_its_own():
    paper = config_of(TAG, "paper", "MADDPG", "MADDPG", world="prey 100% faster")
    tuned = config_of(TAG, "tuned", "MADDPG", "MADDPG", world="prey 30% faster")

    assert (paper.algorithm.actor_layers, paper.algorithm.critic_layers, paper.algorithm.gamma) == ((128, 128), (128, 128), 0.95)
    assert (paper.world.obstacles, paper.world.prey_speed, paper.world.prey_acceleration) == (3, 2.0, 6.0)
    assert paper.reward_design == RewardDesignConfig()
    assert (tuned.algorithm.gamma, tuned.algorithm.noise, tuned.algorithm.actor_layers) == (0.95, 0.5, (64, 64))
    assert tuned.reward_design.potential == ("adversary:distance=-10",)
    assert tuned.world.obstacles != 3


def test_programs_have_the_seeds_that_follow():
    assert programs(replace(COVERT, seeds=(5, 3, 1)), FULL) == [range(5), range(5, 8), range(8, 9)]
    assert programs(COVERT, QUICK) == [range(2)]
    assert programs(replace(COVERT, seeds=(1, 9)), QUICK) == [range(1)]
    second = config_of(COVERT, "tuned", "MADDPG", "MADDPG", seeds=range(5, 8)).training
    assert second == replace(config_of(COVERT, "tuned", "MADDPG", "MADDPG").training, seed=5, seeds=3)
    assert config_of(LISTENER, "tuned", "MADDPG", size=QUICK).training.steps == 150_000


def test_what_a_run_is_called():
    assert run_name(COVERT, "", "tuned", ("MADDPG", "MADDPG")) == "paper-simple-crypto-tuned-maddpg"
    assert run_name(COVERT, "", "paper", ("DDPG", "MADDPG")) == "paper-simple-crypto-paper-ddpg-maddpg"
    assert run_name(TAG, "prey 30% faster", "tuned", ("ensemble of 2",) * 2) == "paper-simple-tag-prey-30-faster-tuned-ensemble-of-2"
