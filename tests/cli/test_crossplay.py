"""`maddpg crossplay`: a matrix by table, by JSON and by picture, and one line for what makes no sense."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from tests.runs import SEEDS, command
from tests.saved_runs import config_of, save_run

EPISODES = 40


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """A run of other networks, which nobody trained."""
    return save_run(tmp_path_factory.mktemp("runs") / "strangers", config_of("simple_push", ensemble_size=2, actor_layers=(6, 5)))


@pytest.fixture(scope="module")
def friends(tmp_path_factory):
    """A run of a team that plays together."""
    return save_run(tmp_path_factory.mktemp("runs") / "friends", config_of("simple_speaker_listener", seeds=2))


def test_json_is_one_object_and_all_of_it(small_run, strangers, tmp_path, capsys):
    line = f"crossplay --json --episodes {EPISODES} --beside scripted --out"
    assert command(line, tmp_path / "out", small_run, strangers) == 0

    printed = capsys.readouterr()
    assert printed.err == ""
    found = json.loads(printed.out, parse_constant=pytest.fail)
    assert found == json.loads((tmp_path / "out" / "crossplay.json").read_text())
    assert (tmp_path / "out" / "heat_map.png").read_bytes().startswith(b"\x89PNG")
    assert found["runs"] == [{"run": "small", "seeds": 2}, {"run": "strangers", "seeds": 1}, {"run": "scripted", "seeds": 1}]
    assert found["policies"][:3] == [*({"run": "small", "seed": seed} for seed in SEEDS), {"run": "strangers", "seed": 0}]
    assert (found["rows"], found["columns"], found["sides"]) == ("adversary", "good", ["adversary", "good"])
    means = np.array(found["policy_means"])
    assert means.shape == (4, 4, 2)
    matrix = np.array(found["matrix"]["estimate"])
    np.testing.assert_allclose(matrix[0, 0], (means[0, 1] + means[1, 0]) / 2)  # of small's own, those not trained together
    np.testing.assert_allclose(matrix[0, 1], means[:2, 2].mean(axis=0))
    assert sum(found["nash"]["weights"]) == pytest.approx(1)
    assert len(found["elo"]["low"]) == 3


def test_seeds_beside_their_own_get_what_evaluate_says(small_run, capsys):
    assert command("crossplay --json --episodes 400", small_run) == 0
    found = json.loads(capsys.readouterr().out)
    assert command("evaluate --json --episodes 400", small_run) == 0
    seeds = json.loads(capsys.readouterr().out)["seeds"]

    for row, seed in enumerate(seeds):
        for side, score in enumerate(seed["agents"].values()):
            assert found["policy_means"][row][row][side] == pytest.approx(score["mean"], abs=6 * score["standard_error"])


def test_the_tables_name_the_runs(small_run, strangers, capsys):
    assert command(f"crossplay --rows good --beside scripted --episodes {EPISODES}", small_run, strangers) == 0

    printed = capsys.readouterr()
    for part in ("return of good; good from the row's run, adversary from the column's", "1 small", "2 strangers", "Nash weight"):
        assert part in printed.out
    assert printed.err.startswith("next: add --out DIR")


def test_in_one_team_each_agent_meets_the_others(friends, capsys):
    assert command(f"crossplay --episodes {EPISODES}", friends) == 0

    printed = capsys.readouterr()
    assert "return of agents; one agent from the row's run, the others from the column's" in printed.out
    assert "beside other seeds" in printed.out
    assert "Elo" not in printed.out


def test_the_best_networks_are_played_where_they_are_wanted(small_run, strangers, capsys):
    numbers = []
    for best in ("", "--best"):
        assert command(f"crossplay --json --episodes 400 {best}", small_run) == 0
        numbers.append(json.loads(capsys.readouterr().out)["policy_means"])
    assert numbers[0] != numbers[1]
    assert command(f"crossplay --best --episodes {EPISODES}", small_run, strangers) == 2
    assert "holds no best.safetensors" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("", "crossplay needs runs: give the folders of two or more, or of one with several seeds, before flags such as --rows"),
        ("--episodes 1 RUN", "--episodes 1: it must be at least 2, and 1000 or more for numbers to believe"),
        ("RUN --rows goood", "unknown team or agent 'goood'; did you mean 'good'? Known: adversary, good, adversary_0, agent_0"),
        ("RUN FRIENDS", "FRIENDS was trained in simple_speaker_listener, RUN in simple_push; cross runs of one world"),
        ("nowhere", "nowhere is not a run: it has no config.json; give a folder that `maddpg train` made"),
    ],
)
def test_what_makes_no_sense_is_refused(words, line, small_run, friends, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = {"RUN": str(small_run), "FRIENDS": str(friends)}

    assert command("crossplay", *(folders.get(word, word) for word in words.split())) == 2

    for name, folder in folders.items():
        line = line.replace(name, folder)
    assert capsys.readouterr().err == f"maddpg: {line}\n"


def test_a_folder_that_cannot_be_written_is_refused_before_anybody_plays(small_run, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("maddpg.cli.commands.crossplay.meet", lambda *_: pytest.fail("it played"))

    assert command("crossplay --out", tmp_path / "file", small_run) == 2

    assert capsys.readouterr() == ("", f"maddpg: --out {tmp_path / 'file'} cannot be written: File exists; give another folder\n")


def test_the_table_is_there_even_if_the_picture_cannot_be_written(small_run, tmp_path, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("maddpg.cli.commands.crossplay.draw_heat_map", full)

    assert command(f"crossplay --episodes {EPISODES} --out", tmp_path / "out", small_run) == 1

    printed = capsys.readouterr()
    assert "return of adversary" in printed.out
    assert printed.err.endswith("No space left on device\n")


def test_a_world_of_another_program_is_named(small_run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["maddpg"])
    run = shutil.copytree(small_run, tmp_path / "run")
    config = (run / "config.json").read_text().replace('"simple_push"', '"gather"')
    (run / "config.json").write_text(config)

    for line in ("crossplay {0} {1}", "compare {1} {0}", "evaluate {0}", "export {0}", "messages {0}", "exploit {0}", "resume {0}"):
        assert command(line.format(run, small_run)) == 2
        assert capsys.readouterr().err == (
            f"maddpg: {run} was trained in 'gather', which this program does not know; if a script of yours registers it, "
            "type python SCRIPT in the place of maddpg\n"
        )
