"""The pictures: whether what is drawn is what was measured."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from maddpg.evaluation.scores import AgentScore, Evaluation, SeedScore
from maddpg.particles import World, make_scenario
from maddpg.report.curves import draw_curves, read_returns
from maddpg.report.episode import draw_episodes, record
from tests.evaluation.game import ACTORS, ALGORITHM, GAME, LIMIT, play_plainly

SCORE = AgentScore(1.0, 0.1, random=-9.0, still=-8.0, scripted=9.0)


def line(kind: str, seed: int, steps: int, **returns: float) -> dict:
    return {"kind": kind, "seed": seed, "steps": steps} | ({"return": returns} if returns else {})


LINES = [
    line("training", 0, 100),  # no episode has ended yet
    line("training", 0, 200, a=1.0, b=-1.0),
    line("training", 1, 200, a=3.0, b=-3.0),
    line("evaluation", 0, 200, a=10.0, b=20.0),
    line("evaluation", 1, 200, a=30.0, b=40.0),
    line("training", 0, 300, a=2.0, b=-2.0),
    line("training", 1, 300, a=4.0, b=-4.0),
    line("evaluation", 0, 300, a=11.0, b=21.0),
    line("evaluation", 1, 300, a=31.0, b=41.0),
]


@pytest.fixture
def figures(monkeypatch):
    """The figures that are saved."""
    saved, save = [], Figure.savefig

    def saving(self, *arguments, **options):
        saved.append(self)
        return save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", saving)
    return saved


def write(path, lines: list[dict]):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def evaluation(*names: str) -> Evaluation:
    return Evaluation(
        "world", 5, "box", dict.fromkeys(names, "learned"), [SeedScore(seed, dict.fromkeys(names, SCORE), {}) for seed in (0, 1)]
    )


def test_returns_are_read_by_kind_agent_and_seed(tmp_path):
    path = write(tmp_path / "metrics.jsonl", LINES)

    assert read_returns(path, "training")["a"] == {0: {200: 1.0, 300: 2.0}, 1: {200: 3.0, 300: 4.0}}
    assert read_returns(path, "evaluation")["b"] == {0: {200: 20.0, 300: 21.0}, 1: {200: 40.0, 300: 41.0}}


def test_curves_show_every_seed_the_mean_and_the_yardsticks(tmp_path, figures):
    draw_curves(write(tmp_path / "metrics.jsonl", LINES), evaluation("a", "b"), tmp_path / "curves.png")

    assert imread(tmp_path / "curves.png").ndim == 3
    panels = {axes.get_title(): axes for axes in figures[0].axes}
    assert list(panels) == ["a", "b"]
    drawn = [(list(curve.get_xdata()), list(curve.get_ydata())) for curve in panels["a"].lines]
    for values in ([1.0, 2.0], [3.0, 4.0], [10.0, 11.0], [30.0, 31.0]):
        assert ([200, 300], values) in drawn
    labelled = {curve.get_label(): list(curve.get_ydata()) for curve in panels["a"].lines if not curve.get_label().startswith("_")}
    assert labelled == {"trained": [20.0, 21.0], "scripted": [9.0, 9.0], "random": [-9.0, -9.0]}


def test_without_evaluations_the_mean_is_that_of_training(tmp_path, figures):
    draw_curves(
        write(tmp_path / "metrics.jsonl", [line for line in LINES if line["kind"] == "training"]), evaluation("a"), tmp_path / "curves.png"
    )

    labelled = {curve.get_label(): list(curve.get_ydata()) for curve in figures[0].axes[0].lines}
    assert labelled["trained"] == [2.0, 3.0]


def test_a_run_without_a_line_has_a_picture_all_the_same(tmp_path, figures):
    draw_curves(write(tmp_path / "metrics.jsonl", []), evaluation("a", "b", "c", "d"), tmp_path / "curves.png")

    assert len(figures[0].axes) == 4
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_recorded_is_an_episode_from_start_to_end():
    actor = jax.tree.map(lambda leaf: leaf[0], ACTORS)

    states = record(ALGORITHM, GAME, actor, jax.random.key(0), 3)

    np.testing.assert_array_equal(states["clock"], np.tile(np.arange(LIMIT + 1), (3, 1)))
    assert len(np.unique(states["start"])) == 3  # each from a start of its own, which stays
    assert len(play_plainly(states["start"][0, 0], actor, (0, 0)).clocks) <= LIMIT


def test_episodes_show_every_way_and_every_landmark(tmp_path, figures):
    scenario = make_scenario("simple_push", episode_length=4)
    generator = np.random.default_rng(0)
    walk = generator.normal(size=(2, 5, 2, 2)).cumsum(axis=1)  # episode, step, agent, x and y
    landmarks = np.broadcast_to(generator.normal(size=(2, 1, 2, 2)), (2, 5, 2, 2))
    nothing = np.zeros((2, 5))
    worlds = World(position=walk, velocity=walk, message=nothing, landmark=landmarks, choice=nothing, clock=nothing)

    draw_episodes(scenario, worlds, tmp_path / "episodes.png")

    assert imread(tmp_path / "episodes.png").ndim == 3
    assert len(figures[0].axes) == 2
    for episode, axes in enumerate(figures[0].axes):
        ways = np.array([curve.get_xydata() for curve in axes.lines]).reshape(2, 4, 2, 2)  # agent, step, from and to, x and y
        for agent in range(2):
            np.testing.assert_allclose(ways[agent, :, 0], worlds.position[episode, :4, agent], rtol=1e-6)
            np.testing.assert_allclose(ways[agent, :, 1], worlds.position[episode, 1:, agent], rtol=1e-6)
        centres = [circle.center for circle in axes.patches]
        np.testing.assert_allclose(centres[:2], worlds.landmark[episode, 0], rtol=1e-6)
        np.testing.assert_allclose(centres[2:], worlds.position[episode, -1], rtol=1e-6)
