"""Wrong input: exit code 2, one line that says what came and what is allowed, no traceback and no folder left behind."""

from __future__ import annotations

import io
import json
import shutil

import pytest

from tests.runs import command


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Each test in an empty folder of its own, where `runs` would be made."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refusal(elsewhere, capsys):
    """A function: run a command that must be refused; what it says, without the program's name."""

    def run(line: str, *words: object) -> str:
        before = sorted(elsewhere.rglob("*"))
        assert command(line, *words) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        said = printed.err.splitlines()
        assert len(said) == 1, said
        assert said[0].startswith("maddpg: ")
        assert sorted(elsewhere.rglob("*")) == before, "it left something behind"
        return said[0].removeprefix("maddpg: ")

    return run


COMMANDS = "train, resume, evaluate, compare, crossplay, exploit, reproduce, export, messages, envs, check-env"
LARGEST = "must lie between 1 and 2_000_000_000"
NO_ENVIRONMENT = "train needs an environment, such as simple_spread; `maddpg envs` lists them"
INFERRED = "says something about inferred policies only; give --inference too, or leave it out"
SEEDS = "every seed must lie between 0 and 1_999_999_999; those beyond are for evaluations"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("", f"a command is missing: one of {COMMANDS}; maddpg --help says more"),
        ("trian simple", f"unknown command 'trian'; did you mean 'train'? Known: {COMMANDS}"),
        ("train simple --stepz 5", "train has no flag --stepz; did you mean --steps? `maddpg train --help` lists all"),
        ("train simple --actor_layer=5", "train has no flag --actor_layer; did you mean --actor-layers? `maddpg train --help` lists all"),
        ("train simple --xyzzy", "train has no flag --xyzzy; `maddpg train --help` lists all"),
        ("train simple simple_tag", "train takes no 'simple_tag'; `maddpg train --help` says what it takes"),
        ("envs --json", "envs has no flag --json; `maddpg envs --help` lists all"),
        ("train simple --preset papr", "unknown preset 'papr'; did you mean 'paper'? Known: tuned, paper"),
        ("train simple --steps -5", f"--steps -5: {LARGEST}"),
        ("train simple --steps 3e9", f"--steps 3000000000: {LARGEST}"),
        ("train simple --steps abc", "--steps 'abc' is not a whole number, such as 64, 1_500_000 or 1.5e6"),
        ("train simple --steps 1.5", "--steps '1.5' is not a whole number, such as 64, 1_500_000 or 1.5e6"),
        ("train simple --steps inf", "--steps 'inf' is not a whole number, such as 64, 1_500_000 or 1.5e6"),
        ("train simple --gamma high", "--gamma 'high' is not a number, such as 0.85"),
        ("train simple --gamma 2", "--gamma 2.0: must lie in [0, 1]"),
        ("train simple --gamma nan", "--gamma nan: must lie in [0, 1]"),
        ("train simple --actor-layers 8 0", "--actor-layers (8, 0): every hidden layer needs at least 1 unit"),
        ("train simple --seed -1", f"--seed -1: {SEEDS}"),
        ("train simple --seed 1999999999 --seeds 2", f"--seed 1999999999: {SEEDS}"),
        ("train simple --seeds 0", f"--seeds 0: {LARGEST}"),
        ("train", NO_ENVIRONMENT),
        ("train --gamma 0.5 --preset paper", NO_ENVIRONMENT),
        ("check-env", f"check-env{NO_ENVIRONMENT.removeprefix('train')}"),
        ("evaluate", "evaluate needs a run: give its folder, such as runs/simple_spread-1"),
        ("train --team good.player=scripted", "--team came without a value; `maddpg train --help` says what it takes"),
        ("train --team good.player=scripted --steps 100", NO_ENVIRONMENT),
        (
            "train --team good.player=scripted simple_tag --steps 100",
            "train needs an environment; --team took 'simple_tag' as its value: put the environment before the flags",
        ),
        (
            "train --actor-layers 64 64 simple --steps 100",
            "train needs an environment; --actor-layers took 'simple' as its value: put the environment before the flags",
        ),
        (
            "evaluate --play runs/a --episodes 5",
            "evaluate needs a run; --play took 'runs/a' as its value: put the run before the flags",
        ),
        ("train simple --actor-layers", "--actor-layers came without a value; give one, such as --actor-layers 64 64"),
        ("train simple --actor-layers --steps 2000", "--actor-layers came without a value; give one, such as --actor-layers 64 64"),
        ("train simple_tag --team --steps 100", "--team came without a value; `maddpg train --help` says what it takes"),
        ("evaluate runs/a --play", "--play came without a value; `maddpg evaluate --help` says what it takes"),
        ("train simple --steps", "--steps came without a value; give one, such as --steps 1500000"),
        ("train simple --gamma --tau 1", "--gamma came without a value; give one, such as --gamma 0.85"),
        ("train simple --config", "--config came without a value; `maddpg train --help` says what it takes"),
        ("train simple --action-mode", "--action-mode came without a value; give one of box, simplex, discrete"),
        ("train simple --agents two", "--agents 'two' is not a whole number, such as 64, 1_500_000 or 1.5e6"),
        ("train simple --actor-layers 8.5", "--actor-layers '8.5' is not a whole number, such as 64, 1_500_000 or 1.5e6"),
        ("train simple --actor-layers 64,64", "--actor-layers '64,64': separate values by spaces: 64 64"),
        ("crossplay a --beside random,still", "--beside 'random,still': separate values by spaces: random still"),
        ("train simple --action-mode boxx", "unknown action mode 'boxx'; did you mean 'box'? Known: box, simplex, discrete"),
        ("train simple --channel-kind symbols", "unknown channel kind 'symbols'. Known: discrete, simplex, continuous"),
        ("reproduce all --settings papr", "unknown value of --settings 'papr'; did you mean 'paper'? Known: paper, tuned"),
        ("train simple --twin-critics false", "--twin-critics takes no value; --no-twin-critics turns it off"),
        ("train simple --twin-critics=False", "--twin-critics takes no value; --no-twin-critics turns it off"),
        ("train simple --twin-critics true", "--twin-critics takes no value; leave 'true' out"),
        ("train simple --no_twin_critics no", "--no-twin-critics takes no value; leave 'no' out"),
        ("train simple --version", "train has no flag --version; `maddpg train --help` lists all"),
        (
            "train simple --noise-steps 5",
            "--noise-steps 5: says how long noise decays, and it does not; give --noise-final too, or leave it out",
        ),
        ("train simple --inference-rate 0.1", f"--inference-rate 0.1: {INFERRED}"),
        ("train simple_push --team good.gamma=1.5", "--team good.gamma=1.5: must lie in [0, 1]"),
        ("train simple_push --team good.gamma=x", "--team good.gamma=x: it must be a number"),
        (
            "train simple_push --team good.player=frozen",
            "--team good.player=frozen: also needs good.run=RUN, the folder of the run that it comes from",
        ),
        (
            "train simple --steps 5000",
            "--steps 5000: nothing would be learned: the warm-up alone takes 10000; give more steps or a smaller --warmup-steps",
        ),
        (
            "train simple --preset paper --steps 20_000",
            "--steps 20000: nothing would be learned: the warm-up alone takes 25600; give more steps or a smaller --warmup-steps",
        ),
    ],
)
def test_the_line_is(words, line, refusal):
    assert refusal(words) == line


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("train simple_sprea", ["'simple_sprea'", "did you mean 'simple_spread'?", "There are: simple, simple_adversary"]),
        ("train xyzzy", ["'xyzzy'", "There are: simple, simple_adversary", "your own as package.module:factory, such as plank:Plank"]),
        ("train plank.Plank", ["There are: simple, simple_adversary", "or your own as package.module:factory, here plank:Plank"]),
        ("train a/plank.py", ["or your own as package.module:factory, here a.plank:NAME, where NAME is what makes it in that file"]),
        ("train plank:Plank()", ["'plank'", "pettingzoo, gymnasium, jaxmarl; or your own as package.module:factory, here plank:Plank"]),
        ("check-env ./plank.py:Plank", ["'./plank.py'", "or your own as package.module:factory, here plank:Plank"]),
        ("train simple --landmarks 3", ["simple has no parameter 'landmarks'", "It takes: "]),
        ("train simple_tag --local-ratio 0.5", ["simple_tag has no parameter 'local_ratio'", "prey_speed"]),
        ("train simple_tag --agents 0", ["--agents 0", "at least 1", "pass e.g. --agents 1"]),
        ("train simple_spread --local-ratio 1.5", ["--local-ratio 1.5", "[0, 1]"]),
        ("train simple --episode-length 0", ["--episode-length 0", "at least 1"]),
        ("train simple_crypto --action-mode box", ["simple_crypto has no action_mode='box'", "'simplex' or 'discrete'"]),
    ],
)
def test_the_line_names(words, parts, refusal):
    line = refusal(words)

    for part in parts:
        assert part in line


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("columns", ["20", "80", "300"])
def test_the_line_is_whole_in_any_terminal(columns, encoding, refusal, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))  # tyro draws frames if it can

    assert refusal("train simple --steps -5") == f"--steps -5: {LARGEST}"
    assert refusal("train simple --steps abc") == "--steps 'abc' is not a whole number, such as 64, 1_500_000 or 1.5e6"


def test_more_memory_than_there_is_is_refused(refusal):
    line = refusal("train simple_spread --steps 2e9 --replay-capacity 2e9 --seeds 1000")

    assert line.startswith("this run needs ")
    assert "GiB of memory (a replay of 2_000_000_000 transitions, batch_size = 1_024, environments = 100, seeds = 1_000, " in line
    assert "but the device has " in line
    assert line.endswith("give a smaller replay_capacity or batch_size, or fewer environments or seeds")


def test_minibatches_take_memory_too(refusal):
    line = refusal("train simple --batch-size 2000000000")

    assert "batch_size = 2_000_000_000" in line
    assert "but the device has " in line


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[training]\nsteps = many", ["settings.toml is not TOML", "line 2"]),
        ("[trainig]\nsteps = 20000", ["unknown setting 'trainig'", "did you mean 'training'?", "world, algorithm, training"]),
        ("[algorithm]\ngama = 0.9", ["unknown setting of algorithm 'gama'", "did you mean 'gamma'?"]),
        ("[algorithm]\ngamma = 'high'", ["algorithm.gamma = 'high'", "must be a number"]),
        ("[algorithm]\nactor_layers = 64", ["algorithm.actor_layers = 64", "must be a list"]),
        ("[algorithm]\nclip_by = 'me'", ["algorithm.clip_by = 'me'", "must be one of agent, tensor"]),
        ("[training]\nsteps = 2.5", ["training.steps = 2.5", "must be a whole number"]),
        ("[training]\nsteps = -1", ["steps = -1", LARGEST]),
        ("training = 3", ["training = 3", "must be a table"]),
        ("environment = 'simple'", ["sets environment", "as in `maddpg train simple_spread`; take it out of the file"]),
        ("[training]\nout = 'here'", ["sets out: that is typed, as in `maddpg train simple_spread --out ...`"]),
        ("checkpoint_minutes = 1", ["sets checkpoint_minutes", "--checkpoint-minutes ..."]),
        ("gamma = 0.9", ["gamma belongs under [algorithm]"]),
        ("[algorithm]\nsteps = 5e6", ["steps belongs under [training], not under [algorithm]"]),
        ("[teams.good]\nbatch_size = 5", ["batch_size belongs under [training], not under [teams.good]"]),
        ("[algorithm]\ngamma = 2", ["algorithm.gamma = 2.0: must lie in [0, 1]"]),
        ("[teams.good]\nplayer = 'frozen'", ["teams.good.player = 'frozen': also needs run=RUN"]),
        ("algoritm = 3", ["did you mean 'algorithm'? Known: arguments, world"]),
    ],
)
def test_a_settings_file_is_checked(text, parts, refusal, tmp_path):
    (tmp_path / "settings.toml").write_text(text)

    line = refusal("train simple --config settings.toml")

    assert line.startswith("--config settings.toml")
    for part in parts:
        assert part in line


def test_a_settings_file_that_cannot_be_read_is_named(refusal, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")

    assert refusal("train simple --config missing.toml").startswith("--config missing.toml: No such file or directory; it must be")
    assert refusal("train simple --config folder").startswith("folder is not a run: it has no config.json; give a folder that")
    assert refusal("train simple --config=binary.toml").startswith("--config binary.toml is not TOML")


def test_a_folder_that_holds_something_is_refused(refusal, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()

    line = refusal("train simple --out full")

    assert line == "full is not empty; give a new folder, so that nothing saved is lost"


def test_a_folder_that_cannot_be_made_is_refused(refusal, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "runs").touch()

    assert refusal("train simple --out file") == "file cannot be written: File exists; give another folder"
    assert refusal("train simple --out file/new") == "file/new cannot be written: Not a directory; give another folder"
    assert refusal("train simple") == "runs cannot be written: File exists; give --out another folder"


# Evaluating ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(small_run, elsewhere):
    """A copy of a run, to be damaged."""
    return shutil.copytree(small_run, elsewhere / "run")


def test_a_folder_that_is_no_run_is_refused(refusal, tmp_path):
    (tmp_path / "empty").mkdir()
    rest = "is not a run: it has no config.json; give a folder that `maddpg train` made"

    assert refusal("evaluate empty") == f"empty {rest}"
    assert refusal("evaluate missing") == f"missing {rest}"


def test_a_run_without_parameters_is_refused(refusal, run):
    (run / "parameters.safetensors").unlink()

    assert refusal("evaluate run") == "run holds no parameters.safetensors: its training has not ended yet"


def test_damaged_parameters_are_refused(refusal, run):
    content = (run / "parameters.safetensors").read_bytes()
    (run / "parameters.safetensors").write_bytes(content[: len(content) // 2])

    assert refusal("evaluate run").startswith("run/parameters.safetensors cannot be read: ")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("{", "run/config.json cannot be read: "),
        ("[]", "run/config.json is not a run's configuration"),
        ('{"schema": 4, "config": {}}', "run/config.json is of schema 4; this version reads 1 to 3"),
        ('{"schema": true, "config": {}}', "run/config.json is of schema True"),
        ('{"schema": 1, "config": {}}', "run/config.json: environment is missing"),
        ('{"schema": 1, "config": {"environment": "simple", "new": 1}}', "run/config.json: unknown setting 'new'"),
        ('{"schema": 1, "config": {"environment": "simpel"}}', "run was trained in 'simpel', which this program does not know; "),
    ],
)
def test_a_damaged_configuration_is_refused(content, part, refusal, run):
    (run / "config.json").write_text(content)

    assert part in refusal("evaluate run")


def test_parameters_of_other_networks_are_refused(refusal, run):
    tables = json.loads((run / "config.json").read_text())
    tables["config"]["algorithm"]["actor_layers"] = [9]
    (run / "config.json").write_text(json.dumps(tables))

    assert refusal("evaluate run").startswith("run/parameters.safetensors: actor/0/bias is float32[2, 2, 1, 8], but this run's is float32")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--episodes 0", "--episodes 0: it must be at least 1"),
        ("--episodes 1e10", "--episodes 10000000000: it must be at most 1000000"),
        ("--env simple_push", "--env 'simple_push': it must be mpe2:NAME, here mpe2:simple_push; or leave it out"),
        ("--env mpe2:simple_tag", "--env 'mpe2:simple_tag': this run was trained in simple_push; give mpe2:simple_push"),
        ("--play good", "--play 'good': it must be NAME=PLAYER, such as good=scripted"),
        ("--play good=a=b", "--play 'good=a=b': it must be NAME=PLAYER, such as good=scripted"),
        ("--play god=still", "unknown team or agent 'god'; did you mean 'good'? Known: adversary, good, adversary_0, agent_0"),
        ("--play good=scriptd", "unknown player 'scriptd'; did you mean 'scripted'? Known: learned, random, still, scripted"),
    ],
)
def test_what_cannot_be_played_is_refused(words, line, refusal, run):
    assert refusal(f"evaluate run {words}") == line


def test_another_version_of_a_world_that_does_not_exist_is_refused(refusal, run):
    assert "did you mean 'simple_push'?" in refusal("evaluate run --env mpe2:simple_pus")


def test_a_variant_that_mpe2_lacks_is_refused(refusal, run):
    tables = json.loads((run / "config.json").read_text())
    tables["config"]["world"]["dynamics"] = "openai"
    (run / "config.json").write_text(json.dumps(tables))

    assert refusal("evaluate run --env mpe2:simple_push").startswith("mpe2 has no dynamics='openai': leave it out")
