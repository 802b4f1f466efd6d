"""Saved runs made ready to meet: other networks act as they did, and other worlds are refused."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from maddpg.algorithm.acting import act_greedily
from maddpg.config import TeamConfig
from maddpg.evaluation.crossing import pool
from maddpg.evaluation.players import Player
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import build
from maddpg.training.entrants import load_company
from maddpg.training.saved import load_actors
from tests.saved_runs import config_of, save_run, with_settings

SEEN = jax.random.normal(jax.random.key(2), (4, 2, 19))


def act(algorithm, actors, seed: int, sub_policy=None) -> np.ndarray:
    """What a seed's actors do, [batch, agent, action]."""
    one = jax.tree.map(lambda leaf: jnp.asarray(leaf)[seed], actors)
    return np.asarray(act_greedily(algorithm, one, SEEN, sub_policy))


def test_networks_of_all_kinds_act_as_they_did(tmp_path):
    settings = {
        "plain": {},
        "deep": {"actor_layers": (6, 12)},
        "drawn": {"policy": "stochastic", "actor_layers": (10,)},
        "two": {"ensemble_size": 2},
        "three": {"ensemble_size": 3, "critic_view": "own"},
    }
    folders = [save_run(tmp_path / name, config_of("simple_push", 2, row, **each)) for row, (name, each) in enumerate(settings.items())]

    company = load_company(folders)

    shared = company.algorithm.config
    assert (shared.actor_layers, shared.ensemble_size) == ((12, 12), 6)
    assert [entrant.name for entrant in company.entrants] == list(settings)
    assert [entrant.seeds for entrant in company.entrants][:2] == [(0, 1), (1, 2)]
    for folder, entrant in zip(folders, company.entrants, strict=True):
        config = RunFolder(folder).read_config()
        algorithm = build(config).algorithm
        before, after = load_actors(RunFolder(folder), config, algorithm), pool([entrant.actors], 6)
        for member in range(config.algorithm.ensemble_size):
            who = jnp.full((4, 2), member)
            own = act(algorithm, before, 1, None if config.algorithm.ensemble_size == 1 else who)
            np.testing.assert_allclose(act(company.algorithm, after, 1, who), own, atol=1e-5)


def test_those_who_learned_nothing_play_as_they_did(tmp_path):
    scripted = replace(config_of("simple_push"), teams={"good": TeamConfig(player="scripted")})
    company = load_company([save_run(tmp_path / "a", scripted), save_run(tmp_path / "b", config_of("simple_push"))])

    assert company.entrants[0].players.tolist() == [Player.LEARNED, Player.SCRIPTED]
    assert company.entrants[1].players.tolist() == [Player.LEARNED, Player.LEARNED]


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        save_run(tmp_path / name / "run", config_of("simple_push"))
    save_run(tmp_path / "z", config_of("simple_push"))

    names = [entrant.name for entrant in load_company([tmp_path / "x" / "run", tmp_path / "y" / "run", tmp_path / "z"]).entrants]
    assert names == [str(tmp_path / "x" / "run"), str(tmp_path / "y" / "run"), "z"]


def test_a_default_that_was_typed_is_no_other_world(tmp_path):
    first = save_run(tmp_path / "a", config_of("simple_push"))
    second = save_run(tmp_path / "b", with_settings(config_of("simple_push"), "world", agents=1, terminate_on_success=False))

    assert len(load_company([first, second]).entrants) == 2


PUSH = config_of("simple_push")


@pytest.mark.parametrize(
    ("other", "line"),
    [
        (config_of("simple_tag"), r"^\S+b was trained in simple_tag, \S+a in simple_push; cross runs of one world"),
        (with_settings(PUSH, "world", dynamics="openai"), r"^\S+b has dynamics = 'openai', \S+a 'mpe2'; cross runs of one world"),
        (with_settings(PUSH, "world", action_mode="discrete"), r"^\S+b has action_mode = 'discrete', \S+a 'box'; cross runs of one world"),
        (with_settings(PUSH, "channel", channel_senders=("good",)), r"^\S+b has channel_senders = .*; cross runs of one world"),
        (
            replace(PUSH, teams={"red": TeamConfig(agents=("agent_0",))}),
            r"^\S+b has its agents on other teams than \S+a; cross runs with the same teams",
        ),
    ],
)
def test_runs_of_other_worlds_are_refused(other, line, tmp_path):
    folders = [save_run(tmp_path / "a", PUSH), save_run(tmp_path / "b", other)]

    with pytest.raises(ValueError, match=line):
        load_company(folders)


@pytest.mark.parametrize(
    ("first", "second", "line"),
    [
        (
            {"ensemble_size": 9},
            {"ensemble_size": 8},
            r"^ensembles of 9, 8 sub-policies have 72 as their common multiple, and 64 is the most",
        ),
        (
            {"ensemble_size": 2},
            {"ensemble_size": 2, "ensemble_index": "agent"},
            r"^some of these ensembles draw one index for a whole team, some one for each agent",
        ),
    ],
)
def test_ensembles_that_do_not_go_together_are_refused(first, second, line, tmp_path):
    folders = [save_run(tmp_path / "a", config_of("simple_push", **first)), save_run(tmp_path / "b", config_of("simple_push", **second))]

    with pytest.raises(ValueError, match=line):
        load_company(folders)


def test_a_run_is_given_once(tmp_path):
    folder = save_run(tmp_path / "a", PUSH)

    with pytest.raises(ValueError, match=r"a is there twice; give it once: a run's seeds meet each other in any case"):
        load_company([folder, tmp_path / "." / "a"])
