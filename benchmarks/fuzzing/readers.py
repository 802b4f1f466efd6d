"""Readers: the functions with which the commands and `load_policy` read what is not trusted, and how they end."""

from __future__ import annotations

import contextlib
import io
import traceback
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import jax

from benchmarks.fuzzing.inputs import SETTINGS, Input, Originals, read_files
from benchmarks.fuzzing.watch import Hang, Watch
from maddpg.cli.main import main, read_defaults
from maddpg.config import AlgorithmConfig, CheckpointConfig, Config, TrainingConfig, WorldConfig
from maddpg.environments.registry import resolve
from maddpg.environments.vector import EnvironmentFailed
from maddpg.export import export_actors
from maddpg.policy import load_policy
from maddpg.policy.description import FORMATS
from maddpg.storage.arrays import load_tree, read_metadata
from maddpg.storage.lock import only_one
from maddpg.storage.run_folder import RunFolder, machine
from maddpg.training import checkpointing
from maddpg.training.build import build
from maddpg.training.plan import plan
from maddpg.training.run import NotSaved, Run
from maddpg.training.saved import NETWORKS, fresh_networks, load_actors, trained_steps

LONGEST_LINE = 2_000
"""Characters that a user reads."""
LONGEST = 5.0
"""Seconds that an input may take; on the command line it may compile what it trains."""
LONGEST_COMMAND = 300.0
LARGEST = 512 * 2**20
"""Bytes that it may take beside what the program has."""
DEEP = 10
"""One of so many configurations is built and planned too, which takes long."""
SETTINGS_TEXT = """\
arguments = {}
[world]
agents = 2
episode_length = 5
local_ratio = 0.5
action_mode = "box"
[algorithm]
actor_layers = [4]
critic_layers = [4, 4]
critic_view = "all"
twin_critics = true
policy = "stochastic"
gamma = 0.9
tau = 1e-2
noise_final = 0.1
ensemble_size = 2
inference = true
inference_layers = [4]
[training]
steps = 80
seeds = 2
environments = 4
batch_size = 8
replay_capacity = 40
warmup_steps = 20
log_interval = 20
evaluation_interval = 40
evaluation_episodes = 2
[reward_design]
reward_sharing = "team_mean"
reward_own_share = 0.5
potential = ["distance=-1"]
[channel]
channel_senders = ["all"]
channel_size = 3
[host]
max_faults = 100
[teams.agents]
agents = ["agent_0"]
player = "learning"
actor_rate = 1e-3
"""
COMMANDS = {"checkpoint": "resume {}", "config": "evaluate {} --episodes 2", "networks": "export {}"}
COMMANDS |= {"settings": "train simple_spread --config {}/" + SETTINGS + " --steps 80 --warmup-steps 20 --environments 4 --out {}/new"}


@dataclass(frozen=True)
class Outcome:
    """How one input ended."""

    number: int
    kind: str
    damage: str
    result: str
    """loaded, refused, or what went wrong."""
    line: str
    """What its user is told."""
    seconds: float
    bytes: int

    @property
    def failed(self) -> bool:
        """Whether it was neither loaded nor refused."""
        return self.result not in ("loaded", "refused")


def configuration() -> Config:
    """The run that is damaged: as small as one with every part can be."""
    algorithm = AlgorithmConfig(actor_layers=(), critic_layers=(), ensemble_size=2, inference=True, inference_layers=())
    training = TrainingConfig(
        steps=80,
        environments=4,
        batch_size=8,
        replay_capacity=40,
        warmup_steps=20,
        log_interval=20,
        evaluation_interval=40,
        evaluation_episodes=2,
        seeds=2,
    )
    return resolve(Config("simple_spread", world=WorldConfig(agents=2, episode_length=5), algorithm=algorithm, training=training))


def make_originals(folder: Path) -> Originals:
    """Train the run three quarters of the way, and export it in every format."""
    parts, often = build(configuration()), CheckpointConfig(checkpoint_steps=20)
    (folder / "run").mkdir()
    run = Run(parts, RunFolder(folder / "run"), checkpoints=often)
    run.advance(15)
    run.close()
    for format in FORMATS:
        export_actors(parts, run.networks()["actor"], [60, 60], folder / "exports" / format, agents=["agent_0"], format=format)
    return Originals(read_files(folder / "run"), read_files(folder / "exports"), SETTINGS_TEXT)


class Readers:
    """Reads inputs that lie in a folder, and says how they end."""

    def __init__(self, watch: Watch, folder: Path) -> None:
        """Everything that is the same for all inputs is made once."""
        self._watch, self._folder = watch, folder
        parts = build(configuration())
        # What takes longer than all the rest, and is the same every time.
        object.__setattr__(parts.loop, "shapes", cache(parts.loop.shapes))
        vars(checkpointing)["machine"] = cache(machine)
        self._parts = parts
        keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), parts.config.training.seeds))
        self._networks = jax.eval_shape(lambda keys: fresh_networks(parts.algorithm, keys), keys)

    def read(self, number: int, given: Input, by_command: bool = False) -> Outcome:
        """Read what lies in the folder, as one of the commands does or by that command itself."""
        said: list[str] = []
        result, line = "loaded", ""
        reader = {
            "checkpoint": self._checkpoint,
            "config": self._config,
            "settings": self._settings,
            "networks": self._stored,
            "export": self._export,
        }[given.kind]
        with self._watch.over(LONGEST_COMMAND if by_command else 4 * LONGEST) as taken:
            try:
                if by_command:
                    result, line = self._command(given)
                else:
                    reader(number, given, said)
            except (ValueError, NotSaved, EnvironmentFailed) as error:
                result, line = "refused", str(error)
            except Hang:
                result = "hang"
            except BaseException as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                result = f"{type(error).__name__} in {Path(place.filename).name}, {place.name}"
                line = str(error)[:LONGEST_LINE]
        for text in (line, *said):
            if result in ("loaded", "refused") and not (text.isprintable() and len(text) < LONGEST_LINE):
                result, line = f"not one line ({'long' if text.isprintable() else 'control characters'})", text[:LONGEST_LINE]
        if not by_command and result in ("loaded", "refused") and taken["seconds"] > LONGEST:
            result = "slow"
        if not by_command and taken["bytes"] > LARGEST:
            result = "memory"
        if self._watch.seen:
            result, line = "touched", self._watch.seen[0]
        return Outcome(number, given.kind, given.damage, result, line, taken["seconds"], int(taken["bytes"]))

    def _checkpoint(self, number: int, given: Input, said: list[str]) -> None:
        """As `maddpg resume`, up to where training begins."""
        del number, given
        folder = RunFolder(self._folder)
        checkpoints = folder.read_checkpoint_config()
        with only_one(folder.path):
            Run(self._parts, folder, checkpoints=checkpoints, say=said.append, resume=True)

    def _config(self, number: int, given: Input, said: list[str]) -> None:
        """As `maddpg resume` and `maddpg evaluate` do; deeper for some."""
        del given, said
        folder = RunFolder(self._folder)
        config = folder.read_config()
        folder.read_checkpoint_config()
        if number % DEEP == 0:
            parts = build(config)
            plan(parts)
            load_actors(folder, config, parts.algorithm)

    def _settings(self, number: int, given: Input, said: list[str]) -> None:
        """As `maddpg train --config FILE` does; deeper for some."""
        del given, said
        config = read_defaults(["simple_spread", "--config", str(self._folder / SETTINGS)])
        if number % DEEP == 0:
            plan(build(resolve(replace(config, environment="simple_spread"))))

    def _stored(self, number: int, given: Input, said: list[str]) -> None:
        """As `maddpg evaluate` and `maddpg export` do."""
        del given, said
        folder = RunFolder(self._folder)
        config = self._parts.config
        if number % DEEP == 0:
            load_actors(folder, config, self._parts.algorithm)
        for path in (folder.parameters, folder.best):
            read_metadata(path)
            load_tree(path, {name: self._networks[name] for name in NETWORKS if name in self._networks})
        trained_steps(folder, config)

    def _export(self, number: int, given: Input, said: list[str]) -> None:
        """As whoever acts with it."""
        del number, said
        format = Path(next(iter(given.files))).parts[0]
        load_policy(self._folder / format)

    def _command(self, given: Input) -> tuple[str, str]:
        """The command line in this process: how it ended, and the one line of a refusal."""
        words = COMMANDS[given.kind].replace("{}", str(self._folder)).split()
        told, complained = io.StringIO(), io.StringIO()
        code: object = 0
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(complained):
            try:
                main(words)
            except SystemExit as ended:
                code = ended.code
        lines = complained.getvalue().strip().split("\n")
        if code == 0:
            return "loaded", ""
        return ("refused", lines[-1]) if code in (1, 2) and "maddpg: " in lines[-1] else (f"exit code {code}", "\n".join(lines))
