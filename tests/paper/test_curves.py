"""Curves from what a run wrote down while it trained."""

from __future__ import annotations

import json

from maddpg.paper.curves import read_curves


def line(kind: str, seed: int, steps: int, **more) -> dict:
    return {"kind": kind, "seed": seed, "steps": steps, **more}


def saved(path, *lines: dict):
    """A metrics file of these lines."""
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return path


def evaluation(seed: int, steps: int, first: float, second: float) -> dict:
    """Returns of two agents; a metric of the world is their sum, one of each agent ten times theirs."""
    metrics = {"sum": first + second, "each": {"a": 10 * first, "b": 10 * second}}
    return line("evaluation", seed, steps, **{"return": {"a": first, "b": second}}, metrics=metrics)


def test_evaluations_become_a_column_for_each_seed(tmp_path):
    metrics = saved(
        tmp_path / "metrics.jsonl",
        line("training", 3, 100, **{"return": {"a": 99.0, "b": 99.0}}),
        evaluation(3, 200, 1.0, 2.0),
        evaluation(4, 200, 3.0, 4.0),
        evaluation(3, 400, 5.0, 6.123456),
        evaluation(4, 400, -7.0, 0.0),
    )

    assert read_curves(metrics) == {
        "evaluation": {
            "steps": [200, 400],
            "return": [[1.5, 3.5], [5.5617, -3.5]],
            "sum": [[3, 7], [11.123, -7]],
            "each": [[15, 35], [55.617, -35]],
        }
    }


def test_models_of_others_are_a_curve_for_each_pair(tmp_path):
    def training(seed: int, steps: int, value: float) -> dict:
        pairs = {"a": {"b": value}, "b": {"a": 2 * value}}
        return line("training", seed, steps, inference_kl=pairs, inference_error={"a": {"b": 3 * value}})

    metrics = saved(
        tmp_path / "metrics.jsonl",
        line("training", 0, 50),  # nothing was learned yet
        *(training(seed, steps, seed + steps) for steps in (100, 150) for seed in (0, 1)),
        evaluation(0, 150, 0.0, 0.0),
        evaluation(1, 150, 0.0, 0.0),
    )

    assert read_curves(metrics)["models"] == {
        "steps": [100, 150],
        "inference_kl/a/b": [[100, 101], [150, 151]],
        "inference_kl/b/a": [[200, 202], [300, 302]],
        "inference_error/a/b": [[300, 303], [450, 453]],
    }


def test_a_run_that_was_never_evaluated_has_none(tmp_path):
    assert read_curves(saved(tmp_path / "metrics.jsonl", line("training", 0, 100))) == {"evaluation": {"steps": []}}
