"""Every study is well formed: its kinds, worlds, sides, measures and the paper's numbers belong together."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from maddpg.evaluation.rollout import Episodes
from maddpg.paper.registry import ALL, STUDIES, choose_studies
from maddpg.paper.reproduce import plan
from maddpg.paper.settings import EPISODE, FULL, KINDS, QUICK, SETTINGS, run_config
from maddpg.training.build import build
from maddpg.training.shelf import digest
from tests.paper.tiny import put, shelf_in

AGENTS = {
    ("communication", ""): 2,
    ("inference", ""): 2,
    ("navigation", "N = 3"): 3,
    ("navigation", "N = 6"): 6,
    ("predator-prey", "prey 30% faster"): 4,
    ("predator-prey", "prey 100% faster"): 4,
    ("deception", "N = 2"): 3,
    ("deception", "N = 4"): 5,
    ("covert", ""): 3,
    ("ensembles-keep-away", ""): 2,
    ("ensembles-deception", "N = 2"): 3,
    ("ensembles-predator-prey", "prey 30% faster"): 4,
}


def test_all_tables_are_there():
    assert {(name, world) for name, study in STUDIES.items() for world in study.worlds} == set(AGENTS)
    assert all(study.name == name for name, study in STUDIES.items())


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_its_parts_belong_together(study):
    assert set(study.kinds) <= set(KINDS)
    assert set(study.changes) <= set(SETTINGS)
    assert all(count > 1 for count in study.seeds)  # or nobody is a stranger
    assert len(study.line_ups) == len(study.kinds) ** len(study.sides)
    headings = {measure.heading: measure for measure in study.measures}
    assert len(headings) == len(study.measures)
    for (world, line_up), numbers in study.printed.items():
        assert world in study.worlds
        assert line_up in study.line_ups
        assert set(numbers) <= set(headings)
        for heading, number in numbers.items():
            if headings[heading].percent:
                assert -100 <= number.value <= 100
                assert number.value == round(number.value, 1) or heading == "margin"


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(("name", "world"), AGENTS)
def test_its_worlds_can_be_built_and_have_what_is_counted(name, world, setting):
    study = STUDIES[name]
    parts = build(run_config(study, world, setting, study.line_ups[0], FULL, range(2)))
    environment = parts.device_environment()
    metrics = jax.eval_shape(lambda key: environment.metrics(environment.reset(key)[0]), jax.random.key(0))
    played = Episodes(np.zeros((2, 7, parts.spec.agent_count)), {key: np.zeros((2, 7, *value.shape)) for key, value in metrics.items()})

    assert parts.spec.agent_count == AGENTS[name, world]
    assert parts.spec.episode_length == EPISODE
    assert set(parts.spec.teams) == set(study.sides)
    assert len(parts.spec.teams) == len(study.sides)
    assert set(study.afresh) <= set(parts.spec.teams)
    for measure in study.measures:
        assert np.shape(measure.of(played)) == (2, 7)
    assert set(study.curves) <= set(environment.aggregates)


def test_the_worlds_of_a_study_differ():
    for study in STUDIES.values():
        configs = [run_config(study, world, "tuned", study.line_ups[0], FULL, range(2)) for world in study.worlds]
        assert all(config not in configs[:row] for row, config in enumerate(configs))


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """All pieces of every study by itself: (study, piece)."""
    shelf = shelf_in(tmp_path_factory.mktemp("nothing"))
    return [(study, piece) for study in STUDIES.values() for piece in plan([study], shelf, FULL, FULL.settings).pieces]


def test_one_name_is_one_result(pieces):
    """Also where two studies need it: what they read from it must be the same then."""
    known: dict[tuple[str, int], tuple] = {}
    shared = set()
    for study, piece in pieces:
        seeds = piece.configs[0].training.all_seeds
        about = (piece.configs, piece.trains, [measure.heading for measure in study.measures], list(study.sides), seeds)
        if (piece.name, seeds.start) in known:
            assert known[piece.name, seeds.start] == about
            shared.add(piece.name)
        known[piece.name, seeds.start] = about

    runs = {name.removesuffix("-tuned-maddpg") for name in shared if name.endswith("-tuned-maddpg")}
    assert runs == {"paper-simple-speaker-listener", "paper-simple-adversary-n-2", "paper-simple-tag-prey-30-faster"}


def test_one_run_is_not_trained_under_two_names(pieces):
    runs = [piece for _, piece in pieces if piece.trains and "-afresh-" not in piece.name]
    names = {(piece.name, piece.configs[0].training.seed) for piece in runs}
    settings = {digest(*piece.configs) for piece in runs}

    assert len(settings) == len(names) < len(runs)


def test_studies_together_need_each_piece_once(pieces, tmp_path):
    both = [STUDIES[name] for name in ("communication", "inference")]
    together = [piece.name for piece in plan(both, shelf_in(tmp_path), FULL, FULL.settings).pieces]

    assert sorted(together) == sorted({piece.name for study, piece in pieces if study in both})
    assert len(together) == 6


def test_quick_results_are_not_taken_for_full_ones(tmp_path):
    study, shelf = STUDIES["communication"], shelf_in(tmp_path)
    for piece in plan([study], shelf, QUICK, ["tuned"]).pieces:
        put(piece, shelf, {})

    assert plan([study], shelf, QUICK, ["tuned"]).missing == []
    full = plan([study], shelf, FULL, ["tuned"])
    assert len(full.missing) == len(full.pieces) == 2


def test_studies_are_chosen_by_name_each_once():
    assert choose_studies(["covert", "communication", "covert"]) == [STUDIES["communication"], STUDIES["covert"]]
    assert choose_studies([ALL, "covert"]) == list(STUDIES.values())


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ([], r"^reproduce needs the name of a table: one of communication, inference, .*, or all$"),
        (["covert", "covrt"], r"^unknown table 'covrt'; did you mean 'covert'\? Known: communication, .*, all$"),
        (["al"], r"did you mean 'all'\?"),
    ],
)
def test_a_name_that_there_is_not_is_refused(names, line):
    with pytest.raises(ValueError, match=line):
        choose_studies(names)
