"""Results of benchmarks are found again by their configuration."""

from __future__ import annotations

import json
import signal
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import cache
from benchmarks.ensembles import statistics
from benchmarks.target_updates import LAST, measures
from maddpg.config import AlgorithmConfig, TrainingConfig, preset
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
    cache.write_result("name", CONFIG, {"figure": 1})

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


def test_a_run_that_was_stopped_goes_on(results, monkeypatch, capsys):
    small = AlgorithmConfig(actor_layers=(4,), critic_layers=(4,))
    amount = TrainingConfig(steps=400, environments=10, warmup_steps=10, batch_size=8, log_interval=50, evaluation_interval=0)
    config = resolve(replace(CONFIG, algorithm=small, training=amount))
    monkeypatch.chdir(results)

    def summarise(result, folder):
        return {"lines": folder.metrics.read_text().splitlines(), "networks": folder.parameters.read_bytes().hex()}

    unbroken = cache.trained("whole", config, summarise)
    with monkeypatch.context() as stopped:
        stopped.setattr(cache, "_lines", lambda: lambda progress: signal.raise_signal(signal.SIGINT) if progress.steps else None)
        with pytest.raises(KeyboardInterrupt):
            cache.trained("broken", config, summarise)
    folder = cache.run_folder("broken", config)
    assert folder.checkpoints.is_dir()
    spent = json.loads((folder.path / cache.SPENT).read_text())["minutes"]
    first = folder.metrics.read_text()

    capsys.readouterr()
    broken = cache.trained("broken", config, summarise)

    assert "resumed at step" in capsys.readouterr().out
    assert (broken["lines"], broken["networks"]) == (unbroken["lines"], unbroken["networks"])
    assert len(first.splitlines()) < len(broken["lines"])
    assert broken["training_minutes"] > spent > 0
    assert not folder.checkpoints.exists()


def test_consistency_is_measured_between_seeds_and_within_runs():
    """Two seeds that stay at 0 and at 2, but for one fall of 3 in the second."""
    flat, falling = [0.0] * LAST, [2.0] * (LAST - 1) + [-1.0]
    numbers = measures({"curves": {"0": [9.0, *flat], "1": [9.0, *falling]}})

    final = (np.mean(flat), np.mean(falling))
    assert numbers["return"][0] == pytest.approx(np.mean(final))
    assert numbers["spread between seeds"][0] == pytest.approx(np.std(final, ddof=1))
    assert numbers["largest drop"][0] == pytest.approx(1.5)
    assert numbers["wavering within a run"][0] == pytest.approx(np.std(np.diff(falling), ddof=1) / np.sqrt(2) / 2)


def test_steady_learning_is_no_wavering():
    rising = [float(step) for step in range(LAST)]

    assert measures({"curves": {"0": rising, "1": rising}})["wavering within a run"][0] == pytest.approx(0)


def pairings(singles: float, others: float, known: float) -> dict:
    """Five seeds: an adversary gets `others` against strangers, plus its seed's own skill, and `known` from those it was trained with."""
    skill = np.array([-1.27, -0.63, 0.0, 0.63, 1.27])
    tables = {}
    for adversary in ("single", "ensemble"):
        for good in ("single", "ensemble"):
            table = skill[:, None] + np.zeros((5, 5)) + (singles if adversary == "single" else others)
            if adversary == good:
                np.fill_diagonal(table, known)
            tables[f"{adversary} adversary, {good} good"] = {"adversary": table.tolist(), "good": (-table).tolist()}
    return {"pairings": tables}


def test_those_who_were_trained_together_do_not_count():
    rows = statistics(pairings(singles=1, others=1, known=1_000))

    assert rows["single | single"]["adversary"][0] == pytest.approx(1)
    assert rows["ensemble | ensemble"]["good"][0] == pytest.approx(-1)


def test_the_gain_is_a_difference_of_the_same_seeds():
    """A skill of standard deviation 1 in both kinds: the mean of five seeds has about 0.45, a difference 0.63, so an interval of 2.5."""
    gain, low, high = statistics(pairings(singles=1, others=5, known=0))["gain by an ensemble | single"]["adversary"]

    assert gain == pytest.approx(4, abs=0.2)
    assert 1.5 < high - low < 3.5
    assert low > 2
