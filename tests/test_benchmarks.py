"""Results of benchmarks are found again by their configuration."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from benchmarks import cache
from benchmarks.ensembles import bootstrap
from benchmarks.target_updates import LAST, measures

from maddpg.config import preset
from maddpg.environments.registry import resolve

CONFIG = resolve(preset("tuned", "simple"))


@pytest.fixture
def results(tmp_path, monkeypatch):
    """An empty folder of results."""
    monkeypatch.setattr(cache, "RESULTS", tmp_path)
    return tmp_path


def stored(results) -> dict:
    """The one result, as it lies there."""
    (path,) = results.iterdir()
    return json.loads(path.read_text())


def test_a_result_is_found_by_its_configuration_alone(results):
    cache.write_result("name", CONFIG, {"config": cache.to_dict(CONFIG), "figure": 1})

    assert cache.find("name", CONFIG) == stored(results)
    assert cache.find("other", CONFIG) is None
    assert cache.find("name", replace(CONFIG, training=replace(CONFIG.training, seed=1))) is None


def test_a_result_from_before_a_setting_counts_as_one_with_its_default(results):
    tables = cache.to_dict(CONFIG)
    del tables["algorithm"]["inference"], tables["teams"], tables["channel"]
    (results / "name-0.json").write_text(json.dumps({"config": tables}))

    assert cache.find("name", CONFIG) == stored(results)
    inferred = replace(CONFIG, algorithm=replace(CONFIG.algorithm, twin_critics=False))
    assert cache.find("name", inferred) is None


def test_a_result_with_a_setting_that_is_no_more_is_passed_over(results):
    tables = cache.to_dict(CONFIG)
    tables["algorithm"]["gone"] = 1
    (results / "name-0.json").write_text(json.dumps({"config": tables}))

    assert cache.find("name", CONFIG) is None


def test_consistency_is_measured_between_seeds_and_within_runs():
    """Two seeds that stay at 0 and at 2, but for one fall of 3 in the second."""
    flat, falling = [0.0] * LAST, [2.0] * (LAST - 1) + [-1.0]
    numbers = measures({"curves": {"0": [9.0, *flat], "1": [9.0, *falling]}})

    final = (np.mean(flat), np.mean(falling))
    assert numbers["return"][0] == pytest.approx(np.mean(final))
    assert numbers["spread between seeds"][0] == pytest.approx(np.std(final, ddof=1))
    assert numbers["largest drop"][0] == pytest.approx(1.5)
    assert numbers["spread within a run"][0] == pytest.approx(np.std(falling, ddof=1) / 2)


def test_the_interval_of_a_pairing_draws_seeds_of_both_sides():
    """One side's seeds differ and the other's do not: with 5 seeds of standard deviation 1 the mean's is about 0.45."""
    side = np.array([-1.27, -0.63, 0.0, 0.63, 1.27])
    for table in (side[:, None] + np.zeros((5, 5)), side[None] + np.zeros((5, 5))):
        mean, low, high = bootstrap(table)
        assert mean == pytest.approx(0, abs=1e-9)
        assert 1.2 < high - low < 2.0
