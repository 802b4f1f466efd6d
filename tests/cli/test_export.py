"""`maddpg export`: files that act as the run does, and one line for what cannot be exported."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from maddpg import MADDPG, load_policy
from maddpg.storage.zoo import ZOO
from tests.runs import AGENTS, ROUND, ROUNDS, SEEDS, command


def test_an_export_acts_as_the_run_does(small_run, tmp_path, capsys):
    assert command("export --seed 4 --out", tmp_path / "actors", small_run) == 0

    printed = capsys.readouterr()
    assert printed.out.splitlines() == [str(tmp_path / "actors" / f"{agent}.json") for agent in AGENTS]
    assert printed.err.startswith("next: python -c")
    team, model = load_policy(tmp_path / "actors"), MADDPG.load(small_run)
    for value in np.linspace(-2, 2, 20):
        seen = {agent.name: np.full(agent.observation_size, value, np.float32) for agent in model.parts.spec.agents}
        expected = model.predict(seen, seed=SEEDS[1])
        for agent, action in team.act(seen).items():
            np.testing.assert_allclose(action, expected[agent], atol=1e-6)
    described = team["agent_0"].description
    assert (described.environment, described.team, described.seed) == ("simple_push", "good", 4)
    assert described.steps == ROUND * ROUNDS


def test_one_agent_goes_into_the_run_itself(small_run, tmp_path, capsys):
    run = shutil.copytree(small_run, tmp_path / "run")

    assert command("export --agent agent_0 --format onnx", run) == 0

    assert {path.name for path in (run / "export").iterdir()} == {"agent_0.json", "agent_0.onnx"}
    assert load_policy(run / "export" / "agent_0.onnx").act(np.zeros(19)).shape == (5,)


def test_a_team_of_the_zoo_goes_beside_and_never_into_the_package(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert command("export zoo:simple") == 0

    assert {path.name for path in (tmp_path / "simple-export").iterdir()} == {"agent_0.json", "agent_0.safetensors"}
    assert not (ZOO / "simple" / "export").exists()


@pytest.fixture
def refusal(small_run, tmp_path, monkeypatch, capsys):
    """A function: export what must be refused; what it says in one line, without the program's name."""
    shutil.copytree(small_run, tmp_path / "run")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    monkeypatch.chdir(tmp_path)

    def run(line):
        before = sorted(tmp_path.rglob("*"))
        assert command(line) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert sorted(tmp_path.rglob("*")) == before, "it left something behind"
        (said,) = printed.err.splitlines()
        return said.removeprefix("maddpg: ")

    return run


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("empty", "empty is not a run: it has no config.json; give a folder that `maddpg train` made"),
        ("run --agent agent_1", "unknown agent 'agent_1'; did you mean 'agent_0'? Known: adversary_0, agent_0"),
        ("run --format pickle", "unknown format 'pickle'. Known: safetensors, onnx, stablehlo"),
        ("run --seed 9", "--seed 9: this was trained with 3, 4"),
        ("run --sub-policy 1", "--sub-policy 1: each agent has one policy here, and no ensemble; leave it out"),
        ("run --sub-policy average", "--sub-policy 'average': each agent has one policy here, and no ensemble; leave it out"),
        ("run --sub-policy mean", "--sub-policy 'mean': it must be average, or the number of a sub-policy"),
        ("run --out full", "full is not empty; give --out a new folder, so that nothing saved is lost"),
        ("run --env mine:make", "--env 'mine:make': this run was trained on simple_push; give that, or leave it out"),
    ],
)
def test_what_cannot_be_exported_is_refused(words, line, refusal):
    assert refusal(f"export {words}") == line


def test_another_environment_needs_to_be_trusted(refusal, tmp_path):
    config = tmp_path / "run" / "config.json"
    tables = json.loads(config.read_text())
    tables["config"] |= {"environment": "mine:make", "world": {}}
    config.write_text(json.dumps(tables))

    assert refusal("export run") == "this run was trained on mine:make; pass --env mine:make if you trust it: its code is run"
