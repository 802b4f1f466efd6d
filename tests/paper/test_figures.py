"""The figures: whether what is drawn is what was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import imread

from maddpg.paper.figures import draw
from maddpg.paper.study import Printed
from tests.paper.tiny import FRESH, LISTENER, PUSH, SIZE, put, shelf_in, workshop

EVERY = replace(SIZE, most_seeds=None)
SUCCEEDS = PUSH.measures[1].heading
MADDPG, INFERRED = LISTENER.line_ups
TOGETHER = {measure.heading: [0.25, 0.75] for measure in PUSH.measures}


@pytest.fixture
def figures(monkeypatch):
    """The figures that are saved."""
    saved, save = [], Figure.savefig

    def saving(self, *arguments, **options):
        saved.append(self)
        return save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", saving)
    return saved


@pytest.fixture
def shelf(tmp_path):
    """An empty shelf."""
    return shelf_in(tmp_path)


def curves(start: float, seeds: int = 2, models: bool = False) -> dict:
    """At two steps: `start` and one more for each further seed, then ten more; of the world's metric a hundredth."""
    values = np.array([[start + seed, start + 10 + seed] for seed in range(seeds)]).T
    table = {"steps": [200, 400], "return": values.tolist(), "reached": (values / 100).tolist()}
    pairs = {"inference_kl/a/b": (2 * values).tolist(), "inference_kl/b/a": values.tolist(), "inference_error/a/b": values.tolist()}
    return {"evaluation": table, **({"models": {"steps": [100, 400], **pairs}} if models else {})}


def test_one_team_s_curves(figures, shelf, tmp_path):
    work = workshop(shelf, LISTENER)
    put(work.together(MADDPG), shelf, {}, curves=curves(1))
    put(work.together(INFERRED), shelf, {}, curves=curves(5, models=True))
    path = tmp_path / "figure.png"

    assert draw(LISTENER, shelf, SIZE, ["paper", "tuned"], path)

    assert np.std(imread(path)) > 0
    (figure,) = figures
    assert figure.get_suptitle() == "Communication"
    assert len(figure.axes) == 6  # two settings; returns, the metric, models
    assert [len(axes.lines) for axes in figure.axes] == [0, 0, 0, 2, 2, 2]
    returns, reached, models = figure.axes[3:]
    assert returns.get_title() == "return, mean over agents\ntuned"
    assert reached.get_title() == "share that reaches it\ntuned"
    drawn = {line.get_label(): line.get_xydata().tolist() for line in returns.lines}
    assert drawn == {"MADDPG": [[200, 1.5], [400, 11.5]], "inferred policies": [[200, 5.5], [400, 15.5]]}
    assert reached.lines[0].get_ydata() == pytest.approx([0.015, 0.115])
    assert [line.get_label() for line in models.lines] == ["a's model of b", "b's model of a"]
    assert models.lines[0].get_xydata().tolist() == [[100, 11], [400, 31]]
    assert [line.get_color() for line in returns.lines] == [line.get_color() for line in reached.lines]
    band = returns.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (1, 12)
    assert [text.get_text() for text in returns.get_legend().get_texts()] == ["MADDPG", "inferred policies"]


def test_curves_are_of_the_seeds_of_all_programs(figures, shelf, tmp_path):
    study = replace(LISTENER, seeds=(2, 1))
    for seeds, start in ((range(2), 1), (range(2, 3), 6)):
        piece = workshop(shelf, study, seeds=seeds, size=EVERY).together(INFERRED)
        put(piece, shelf, {}, curves=curves(start, len(seeds), models=True))

    assert draw(study, shelf, EVERY, ["tuned"], tmp_path / "figure.png")

    returns, _, models = figures[0].axes
    assert returns.lines[0].get_ydata().tolist() == [3, 13]
    assert models.lines[1].get_ydata().tolist() == [3, 13]


def test_two_teams_bars(figures, shelf, tmp_path):
    study = replace(FRESH, printed={("", ("DDPG", "DDPG")): {SUCCEEDS: Printed(40.0)}})
    work = workshop(shelf, study)
    put(work.together(("DDPG", "DDPG")), shelf, TOGETHER)
    put(work.apart(("DDPG", "DDPG")), shelf, {heading: [[9.0, 0.1], [0.3, 9.0]] for heading in TOGETHER})
    path = tmp_path / "figure.png"

    assert draw(study, shelf, SIZE, ["tuned"], path)

    assert np.std(imread(path)) > 0
    (figure,) = figures
    good, succeeds = figure.axes
    assert [axes.get_title() for axes in (good, succeeds)] == list(TOGETHER)
    assert [bar.get_height() for bar in good.patches] == pytest.approx([0.5, 0.2])
    assert [bar.get_height() for bar in succeeds.patches] == pytest.approx([40, 50, 20])  # in percent, as the paper's
    _, together, _ = (bars for bars in succeeds.containers if isinstance(bars, BarContainer))
    assert together.errorbar.lines[2][0].get_segments()[0][:, 1] == pytest.approx([0, 100])  # no share is beyond
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["tuned, trained together", "tuned, trained apart", "the paper"]
    assert [text.get_text() for text in good.get_xticklabels()] == ["DDPG v. DDPG"]
    assert good.get_ylabel() == "good agent v. adversary"


def test_every_line_up_has_a_place(figures, shelf, tmp_path):
    put(workshop(shelf, PUSH).apart(("DDPG", "MADDPG")), shelf, {heading: [[1.0, 1.0], [1.0, 1.0]] for heading in TOGETHER})

    assert draw(PUSH, shelf, SIZE, ["tuned"], tmp_path / "figure.png")

    labels = [text.get_text() for text in figures[0].axes[0].get_xticklabels()]
    assert labels == ["MADDPG v. MADDPG", "MADDPG v. DDPG", "DDPG v. MADDPG", "DDPG v. DDPG"]
    (bar,) = figures[0].axes[0].patches
    assert 1.5 < bar.get_x() < 2.5


def test_a_world_of_which_there_is_nothing_yet_is_left_out(figures, shelf, tmp_path):
    study = replace(
        FRESH, worlds={"short": {"episode_length": 5}, "long": {}}, printed={("short", ("DDPG", "DDPG")): {SUCCEEDS: Printed(4)}}
    )
    put(workshop(shelf, study, world="long").together(("DDPG", "DDPG")), shelf, TOGETHER)

    assert draw(study, shelf, SIZE, ["tuned"], tmp_path / "figure.png")

    assert [axes.get_title() for axes in figures[0].axes] == [f"{heading}, long" for heading in TOGETHER]


def test_a_bar_of_a_single_seed_has_no_interval(figures, shelf, tmp_path):
    study = replace(FRESH, seeds=(1,))
    put(workshop(shelf, study, seeds=range(1)).together(("DDPG", "DDPG")), shelf, {heading: [0.5] for heading in TOGETHER})

    assert draw(study, shelf, SIZE, ["tuned"], tmp_path / "figure.png")

    (bars,) = (bars for bars in figures[0].axes[0].containers if isinstance(bars, BarContainer))
    assert bars.errorbar.lines[2][0].get_segments()[0][:, 1] == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("study", [LISTENER, PUSH], ids=lambda study: study.name)
def test_without_results_nothing_is_drawn(study, figures, shelf, tmp_path):
    path = tmp_path / "figure.png"

    assert not draw(study, shelf, SIZE, ["tuned"], path)

    assert figures == []
    assert not path.exists()
