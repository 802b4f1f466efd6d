"""Is one algorithm better than another? A permutation test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from maddpg.statistics import improvement_p_value


def test_in_one_task_it_is_the_exact_test_of_mann_and_whitney():
    generator = np.random.default_rng(0)
    for runs, others in ((3, 3), (4, 6), (10, 10)):
        first, second = generator.normal(0.8, size=runs), generator.normal(size=others)
        exact = mannwhitneyu(first, second, method="exact").pvalue
        assert improvement_p_value([first], [second]) == pytest.approx(exact, abs=0.015)


def test_three_runs_of_each_are_never_surer_than_one_in_ten():
    assert improvement_p_value([np.array([7.0, 8.0, 9.0])], [np.array([1.0, 2.0, 3.0])]) == pytest.approx(0.1, abs=0.01)


def test_both_directions_count():
    low, high = [np.arange(5.0)], [np.arange(5.0) + 10]
    assert improvement_p_value(low, high) == improvement_p_value(high, low) < 0.02


def test_equal_runs_are_no_evidence():
    assert improvement_p_value([np.array([1.0, 2.0])], [np.array([1.0, 2.0])]) == 1


def test_runs_are_dealt_within_their_task_only():
    """Between tasks scores differ by far more than between algorithms: a deal over all of them would drown the difference."""
    first = [np.array([2.0, 3.0, 4.0]) + 100 * task for task in range(4)]
    second = [np.array([0.0, 0.5, 1.0]) + 100 * task for task in range(4)]
    assert improvement_p_value(first, second) < 0.001


def test_tasks_must_be_the_same():
    with pytest.raises(ValueError, match="2 tasks beside 1"):
        improvement_p_value([np.zeros(3), np.zeros(3)], [np.zeros(3)])
