"""What saved runs came to, side by side: which runs are one algorithm, whose scores count, and what cannot be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maddpg.config import TeamConfig
from maddpg.training.outcomes import compare_runs, read_outcome
from tests.saved_runs import config_of, save_outcome, with_settings

SPREAD = ("agent_0", "agent_1", "agent_2")
BASE = config_of("simple_spread", seeds=2)


def spread(*values: float) -> dict[str, list[float]]:
    """Returns of each seed: the second agent gets one more than the first, the third one less."""
    return {name: [value + more for value in values] for name, more in zip(SPREAD, (0, 1, -1), strict=True)}


@pytest.fixture
def outcome(tmp_path):
    """A function: an outcome by its name and what `save_outcome` takes."""
    return lambda name, *arguments, **options: read_outcome(save_outcome(tmp_path / name, *arguments, **options))


def test_runs_that_differ_in_seeds_alone_are_one_algorithm(outcome):
    first = outcome("a", BASE, spread(1, 2))
    more = outcome("b", with_settings(BASE, "training", seed=5, seeds=1), spread(3))
    other = outcome("c", with_settings(BASE, "algorithm", gamma=0.9), spread(4, 5))

    (comparison,) = compare_runs([first, other, more])

    assert comparison.side == "all agents"
    assert comparison.normalised
    contenders = [row.contender for row in comparison.rows]
    assert [each.name for each in contenders] == ["a and 1 more", "c"]
    assert contenders[0].differs == {}
    assert contenders[1].differs == {"algorithm.gamma": 0.9}
    np.testing.assert_allclose(contenders[0].scores[0], [0.1, 0.2, 0.3])  # of 10 that scripted play gets
    np.testing.assert_allclose(contenders[1].scores[0], [0.4, 0.5])


def test_a_metric_of_the_world_is_taken_as_it_is(outcome):
    runs = [outcome("a", BASE, spread(1, 2)), outcome("b", with_settings(BASE, "algorithm", gamma=0.9), spread(3, 4))]

    assert [score.tolist() for score in compare_runs(runs, "hits")[0].rows[0].contender.scores] == [[10, 20]]
    assert [score.tolist() for score in compare_runs(runs, "time")[0].rows[0].contender.scores] == [[1.5, 1.5]]
    (plain,) = compare_runs(runs, "return")
    assert (plain.rows[0].contender.scores[0].tolist(), plain.normalised) == ([1, 2], False)
    with pytest.raises(ValueError, match=r"^unknown metric 'hit'; did you mean 'hits'\? Known: score, return, hits, time"):
        compare_runs(runs, "hit")


def test_without_scripted_play_scores_are_returns(outcome):
    runs = [outcome("a", BASE, spread(1, 2)), outcome("b", with_settings(BASE, "algorithm", gamma=0.9), spread(3, 4), scripted=None)]

    (comparison,) = compare_runs(runs)

    assert (comparison.normalised, comparison.score) == (False, "return")
    assert comparison.rows[1].contender.scores[0].tolist() == [3, 4]


def test_curves_are_compared_at_the_steps_that_all_have(outcome):
    first = outcome("a", BASE, spread(1, 2), curves={10: (1, 2), 20: (3, 4), 30: (5, 6)})
    second = outcome("b", with_settings(BASE, "algorithm", gamma=0.9), spread(1, 2), curves={20: (7, 7), 30: (8, 9), 40: (0, 0)})

    (comparison,) = compare_runs([first, second])
    assert comparison.steps[0].tolist() == [20, 30]
    np.testing.assert_allclose(comparison.rows[0].curves[0].estimate, [0.35, 0.55])
    assert comparison.rows[1].area.estimate == pytest.approx((0.75 + 0.8) / 2)

    (without,) = compare_runs([first, outcome("c", with_settings(BASE, "algorithm", gamma=0.8), spread(1, 2))])
    assert without.steps == ()
    assert without.rows[0].area is None


def test_teams_that_compete_are_compared_apart_and_plainly(outcome):
    push = config_of("simple_push", seeds=2)
    runs = [
        outcome(name, replace(push, algorithm=replace(push.algorithm, gamma=gamma)), {"adversary_0": [gamma, 1], "agent_0": [5, 6]})
        for name, gamma in (("a", 0.8), ("b", 0.9))
    ]

    adversary, good = compare_runs(runs)

    assert (adversary.side, adversary.normalised, good.side) == ("adversary", False, "good")
    assert adversary.rows[1].contender.scores[0].tolist() == [0.9, 1]
    assert [each.side for each in compare_runs(runs, team="good")] == ["good"]
    with pytest.raises(ValueError, match=r"^unknown team 'god'; did you mean 'good'\? Known: adversary, good"):
        compare_runs(runs, team="god")


def test_a_team_that_learned_nothing_is_not_compared(outcome):
    push = config_of("simple_push")
    returns = {"adversary_0": [1.0], "agent_0": [5.0]}
    scripted = outcome("b", replace(push, teams={"good": TeamConfig(player="scripted")}), returns, players={"agent_0": "scripted"})

    assert [each.side for each in compare_runs([outcome("a", push, returns), scripted])] == ["adversary"]


def test_tasks_are_worlds(outcome):
    larger, speaker = with_settings(BASE, "world", agents=2), config_of("simple_speaker_listener", seeds=2)
    two = {name: [1.0, 2.0] for name in ("speaker_0", "listener_0")}
    runs = [
        outcome("a", BASE, spread(1, 2)),
        outcome("a2", larger, {"agent_0": [3, 4], "agent_1": [3, 4]}),
        outcome("a3", speaker, two),
        *(
            outcome(f"b{row}", with_settings(config, "algorithm", gamma=0.9), values)
            for row, (config, values) in enumerate(((BASE, spread(5, 6)), (larger, {"agent_0": [7, 8], "agent_1": [7, 8]}), (speaker, two)))
        ),
    ]

    (comparison,) = compare_runs(runs)

    assert comparison.tasks == ("simple_spread agents=3", "simple_spread agents=2", "simple_speaker_listener")
    np.testing.assert_allclose(comparison.rows[0].contender.scores, [[0.1, 0.2], [0.3, 0.4], [0.1, 0.2]])
    assert comparison.rows[0].median.estimate == pytest.approx(0.15)
    with pytest.raises(ValueError, match=r"^returns of different worlds are on a common scale only where one team plays"):
        compare_runs([*runs[:5], outcome("c", with_settings(speaker, "algorithm", gamma=0.9), two, scripted=None)])


def test_what_would_compare_nothing_is_refused(outcome, tmp_path):
    first = outcome("a", BASE, spread(1, 2))
    with pytest.raises(ValueError, match=r"b and \S+a are of the same settings and seed 1; give one of them"):
        compare_runs([first, outcome("b", with_settings(BASE, "training", seed=1), spread(1, 2))])
    config = with_settings(with_settings(BASE, "world", agents=2), "algorithm", gamma=0.9)
    elsewhere = outcome("c", config, {"agent_0": [1, 2], "agent_1": [1, 2]})
    with pytest.raises(ValueError, match=r"a has no run of the same settings in simple_spread, as \S+c has it: give one, or leave it out"):
        compare_runs([first, elsewhere])
    push = outcome("d", config_of("simple_push"), {"adversary_0": [1.0], "agent_0": [1.0]})
    with pytest.raises(ValueError, match=r"a has learning teams all agents, and there is none that all runs have"):
        compare_runs([first, push])


def test_runs_without_an_evaluation_are_refused(outcome, tmp_path):
    outcome("a", BASE, spread(1, 2))
    (tmp_path / "a" / "evaluation.json").write_text('{"players": {"agent_0": "learned"}, "seeds": [{"seed": 0}]}')
    with pytest.raises(ValueError, match=r"a: its evaluation cannot be read \(KeyError: 'agents'\)"):
        read_outcome(tmp_path / "a")
    (tmp_path / "a" / "evaluation.json").unlink()
    with pytest.raises(ValueError, match=r"a holds no evaluation.json: its training has not ended; `maddpg resume \S+a` goes on with it"):
        read_outcome(tmp_path / "a")
