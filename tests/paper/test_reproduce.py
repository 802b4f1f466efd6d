"""A study's work: what is trained, who meets whom, and that nothing is done twice."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest

from maddpg.config import TeamConfig
from maddpg.evaluation.crossing import cross
from maddpg.evaluation.evaluate import EVALUATION_SEED
from maddpg.paper.curves import read_curves
from maddpg.paper.reproduce import plan
from maddpg.paper.settings import run_config, run_name
from maddpg.storage.files import write_json
from maddpg.storage.lock import only_one
from maddpg.storage.run_folder import RunFolder
from maddpg.training.build import build
from maddpg.training.health import NotFinite
from maddpg.training.run import NotSaved
from maddpg.training.saved import load_actors
from maddpg.training.shelf import ENDED, Shelf
from tests.paper.tiny import FRESH, PUSH, SIZE, put, shelf_in, tiny, workshop
from tests.saved_runs import save_run

GOOD, SUCCEEDS = (measure.heading for measure in PUSH.measures)
BOTH = [PUSH, FRESH]
EVERY = replace(SIZE, most_seeds=None)
MADDPG, DDPG = (("MADDPG",) * 2, ("DDPG",) * 2)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A shelf with everything that both studies need, and what it said meanwhile.

    MADDPG's run was there before: it has learned nothing.
    """
    said: list[str] = []
    shelf = shelf_in(tmp_path_factory.mktemp("made"), said)
    config = config_of(MADDPG)
    folder = shelf.folder(run_name(PUSH, "", "tuned", MADDPG), config)
    folder.path.parent.mkdir()
    save_run(folder.path, config)
    folder.metrics.write_text("")
    write_json(folder.path / ENDED, {"training_minutes": 3.5})
    plan(BOTH, shelf, SIZE, SIZE.settings).carry_out()
    return shelf, tuple(said)


def config_of(line_up):
    return run_config(PUSH, "", "tuned", line_up, SIZE, range(2))


def actors_of(shelf, line_up):
    return shelf.actors(run_name(PUSH, "", "tuned", line_up), config_of(line_up))[0]


def crossed(shelf, good, adversary, matched=False):
    """Episodes [adversary's seed, good agent's seed, ...], by what tests of their own hold."""
    parts = build(config_of(MADDPG))
    actors = {"good": actors_of(shelf, good), "adversary": actors_of(shelf, adversary)}
    return cross(parts.algorithm, parts.device_environment(), actors, SIZE.episodes, jax.random.key(EVALUATION_SEED), matched)


def pieces(shelf, studies=BOTH) -> list[str]:
    return [piece.name.removeprefix("paper-simple-push-tuned-") for piece in plan(studies, shelf, SIZE, SIZE.settings).pieces]


def test_everything_is_made_once_in_an_order_that_can_be_followed(made):
    shelf, said = made

    assert pieces(shelf) == [
        *("maddpg", "ddpg"),
        *("apart-maddpg-maddpg", "apart-maddpg-ddpg", "apart-ddpg-maddpg", "apart-ddpg-ddpg"),
        "afresh-good-ddpg-ddpg",
    ]
    trained = [line.split(":")[0].rpartition("paper-simple-push-tuned-")[2] for line in said if line.startswith("training ")]
    assert trained == ["ddpg", "ddpg-against-good"]
    done = [line for line in said if " done, " in line]
    assert done[0].startswith("1 of 7 done, paper-simple-push-tuned-maddpg: ")
    assert [" min left" in line for line in done] == [True] * 6 + [False]
    assert len(list(shelf.results.iterdir())) == 7
    assert plan(BOTH, shelf, SIZE, SIZE.settings).missing == []


def test_only_what_is_missing_is_made_and_the_same_again(made):
    shelf = replace(made[0], say=(said := []).append)
    (path,) = shelf.results.glob("*-apart-maddpg-ddpg-*.json")
    before = path.read_bytes()
    path.unlink()

    planned = plan(BOTH, shelf, SIZE, SIZE.settings)
    assert [piece.name for piece in planned.missing] == ["paper-simple-push-tuned-apart-maddpg-ddpg"]
    planned.carry_out()

    assert path.read_bytes() == before
    assert [line.partition(":")[0] for line in said] == ["1 of 1 done, paper-simple-push-tuned-apart-maddpg-ddpg"]


def test_a_run_s_sides_meet_seed_by_seed_and_its_curves_are_kept(made):
    shelf, _ = made
    result = workshop(shelf, PUSH).together(DDPG).find(shelf)
    alone = crossed(shelf, DDPG, DDPG)

    for seed in range(2):
        assert result["means"][GOOD][seed] == pytest.approx(alone.returns[seed, seed, :, 1].mean(), rel=1e-5)
        assert result["means"][SUCCEEDS][seed] == pytest.approx(alone.metrics["agent_success"][seed, seed].mean())
    assert (len(result["means"][GOOD]), result["episodes"]) == (2, SIZE.episodes)
    assert 0 < result["training_minutes"] < 3.5
    folder = shelf.folder("paper-simple-push-tuned-ddpg", config_of(DDPG))
    assert result["curves"] == read_curves(folder.metrics)
    assert result["curves"]["evaluation"]["steps"] == [200, 400]


def test_strangers_meet_and_the_first_axis_is_the_first_side_s(made):
    """The environment has the adversary first, the table the good agent."""
    shelf, _ = made
    expected = crossed(shelf, good=MADDPG, adversary=DDPG).returns[..., 1].mean(axis=2)  # [adversary's seed, good agent's seed]

    means = np.array(workshop(shelf, PUSH).apart(("MADDPG", "DDPG")).find(shelf)["means"][GOOD])

    np.testing.assert_allclose(means, expected.T, rtol=1e-5)
    assert not np.allclose(means, expected)
    other = np.array(workshop(shelf, PUSH).apart(("DDPG", "MADDPG")).find(shelf)["means"][GOOD])
    np.testing.assert_allclose(other, crossed(shelf, good=DDPG, adversary=MADDPG).returns[..., 1].mean(axis=2).T, rtol=1e-5)


def test_kinds_are_what_they_are_called(made):
    shelf, _ = made
    results = [workshop(shelf, PUSH).together(kind).find(shelf) for kind in (MADDPG, DDPG)]

    assert [result["config"]["algorithm"]["critic_view"] for result in results] == ["all", "own"]
    assert [result["training_minutes"] == 3.5 for result in results] == [True, False]
    assert not np.allclose(*(result["means"][GOOD] for result in results))


def test_what_decides_a_fresh_opponent_is_all_of_its_settings_wherever_it_lies(tmp_path):
    here, there = (workshop(shelf_in(tmp_path / place), FRESH).afresh(DDPG, "good").configs for place in ("here", "there"))

    assert here == there
    settings, response = here
    assert settings == config_of(DDPG)
    assert (response.algorithm.critic_view, tuple(response.training.all_seeds)) == ("all", (2, 3))
    assert response.teams["good"] == TeamConfig(player="frozen", run="paper-simple-push-tuned-ddpg")


@pytest.fixture(scope="module")
def response(made):
    """The run of the opponents that learned afresh, and its actors."""
    (path,) = made[0].runs.glob("*-against-good-*")
    folder = RunFolder(path)
    config = folder.read_config()
    return config, load_actors(folder, config, build(config).algorithm)


def test_fresh_opponents_see_everything_and_learn_against_those_who_stay_as_they_are(made, response):
    shelf, _ = made
    config, actors = response
    own = config_of(DDPG)
    source = shelf.folder(run_name(PUSH, "", "tuned", DDPG), own)

    assert config.teams == {"good": TeamConfig(player="frozen", run=str(source.path))}
    assert (config.algorithm.critic_view, own.algorithm.critic_view) == ("all", "own")
    assert config.training == replace(own.training, seed=2)  # others than those whom it has met
    frozen = actors_of(shelf, DDPG)
    for mine, theirs in zip(jax.tree.leaves(actors), jax.tree.leaves(frozen), strict=True):
        np.testing.assert_array_equal(mine[:, 1], theirs[:, 1])
        if theirs[:, 0].any():  # biases begin at zero
            assert not np.allclose(mine[:, 0], theirs[:, 0])


def test_fresh_opponents_meet_those_against_whom_they_learned(made, response):
    shelf, _ = made
    actors = {"good": actors_of(shelf, DDPG), "adversary": response[1]}
    parts = build(config_of(DDPG))
    key = jax.random.key(EVALUATION_SEED)
    expected = cross(parts.algorithm, parts.device_environment(), actors, SIZE.episodes, key).returns[..., 1].mean(axis=2)

    result = workshop(shelf, FRESH).afresh(DDPG, "good").find(shelf)

    np.testing.assert_allclose(result["means"][GOOD], np.diagonal(expected), rtol=1e-5)
    assert not np.allclose(result["means"][GOOD], workshop(shelf, PUSH).together(DDPG).find(shelf)["means"][GOOD])
    assert result["training_minutes"] > 0


def test_the_first_program_of_every_study_is_made_first(tmp_path):
    shelf = shelf_in(tmp_path)
    studies = [replace(FRESH, seeds=(2, 2)), replace(PUSH, seeds=(3,), kinds=("MADDPG",))]
    made = [
        (piece.name.rpartition("tuned-")[2], piece.configs[0].training.all_seeds) for piece in plan(studies, shelf, EVERY, ["tuned"]).pieces
    ]

    first = [("ddpg", range(2)), ("apart-ddpg-ddpg", range(2)), ("afresh-good-ddpg-ddpg", range(2))]
    second = [("maddpg", range(3)), ("apart-maddpg-maddpg", range(3))]
    assert made == [*first, *second, *((name, range(2, 4)) for name, _ in first)]


def test_where_sides_learn_together_they_all_have_runs(tmp_path):
    shelf = shelf_in(tmp_path)
    apart = ["apart-maddpg-maddpg", "apart-maddpg-ddpg", "apart-ddpg-maddpg", "apart-ddpg-ddpg"]

    assert pieces(shelf, [replace(PUSH, together=True)]) == ["maddpg", "maddpg-ddpg", "ddpg-maddpg", "ddpg", *apart]
    trains = [piece.trains for piece in plan([PUSH], shelf, SIZE, SIZE.settings).pieces]
    assert trains == [True] * 2 + [False] * 4


def test_fresh_opponents_of_mixed_sides_have_no_settings_of_the_team_that_they_replace(tmp_path, monkeypatch):
    """Where the adversary was DDPG, those who come in its place see everything too."""
    asked = []

    def note(self, name, config):
        asked.append(config)
        return {}, 0.0

    monkeypatch.setattr("maddpg.training.shelf.Shelf.actors", note)
    monkeypatch.setattr("maddpg.paper.reproduce.Workshop._play", lambda self, config, actors, matched: pytest.fail("never"))
    study = replace(FRESH, kinds=("MADDPG", "DDPG"))
    piece = workshop(shelf_in(tmp_path), study).afresh(("MADDPG", "DDPG"), "good")
    with pytest.raises(pytest.fail.Exception, match="never"):
        piece.make()

    own, fresh = asked
    assert own.teams == {"adversary": TeamConfig(critic_view="own")}
    assert set(fresh.teams) == {"good"}
    assert (fresh.teams["good"].player, fresh.algorithm.critic_view) == ("frozen", "all")


def test_more_work_is_ahead_where_there_is_more_to_train(tmp_path):
    def work(**changes):
        study = replace(PUSH, kinds=("MADDPG",), changes={"tuned": lambda config: change(tiny(config), **changes)})
        return workshop(shelf_in(tmp_path), study).together(MADDPG).work()

    def change(config, seeds=2, **algorithm):
        changed = replace(config, algorithm=replace(config.algorithm, **algorithm))
        return replace(changed, training=replace(config.training, seeds=seeds))

    least = work()
    assert work(seeds=4) == 2 * least
    for more in ({"ensemble_size": 2}, {"inference": True}, {"actor_layers": (64, 64)}):
        assert work(**more) > least
    assert work(twin_critics=False) < least


def test_a_run_that_fails_is_told_and_does_not_keep_the_others_from_being_made(tmp_path, monkeypatch):
    said: list[str] = []
    shelf = shelf_in(tmp_path, said)
    made = []

    def make(self, name, config):
        if "-maddpg" in name:
            raise NotFinite("NaN in the actor")
        made.append(name)
        raise NotSaved("the disk is full")

    monkeypatch.setattr(Shelf, "actors", make)
    planned = plan([PUSH], shelf, SIZE, SIZE.settings)

    planned.carry_out()
    assert said[0] == "paper-simple-push-tuned-maddpg failed: NaN in the actor"
    assert said[1] == "paper-simple-push-tuned-ddpg failed: the disk is full"
    assert made
    assert len(planned.missing) == len(planned.pieces) == 6


def test_what_another_process_is_making_is_left_to_it(tmp_path, monkeypatch):
    shelf = shelf_in(tmp_path, said := [])
    study = replace(PUSH, kinds=("DDPG",))
    planned = plan([study], shelf, SIZE, SIZE.settings)
    run, meeting = planned.pieces
    folder = shelf.folder(run.name, *run.configs).path
    folder.mkdir(parents=True)
    waited = []

    def other_process(seconds):
        waited.append(seconds)
        for piece in (run, meeting)[len(waited) - 1 :][:1]:
            put(piece, shelf, {})

    monkeypatch.setattr("maddpg.paper.reproduce.time.sleep", other_process)
    with only_one(folder):
        planned.carry_out()

    assert planned.missing == []
    assert len(waited) == 2
    assert set(said) == {"other processes are making all that is left: waiting for them"}
