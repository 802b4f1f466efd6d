"""Arguments, dispatch and exit codes: 0 done, 1 the run failed, 2 the input is wrong, 130 or 143 stopped by Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any

from maddpg.config import Config, preset
from maddpg.environments.foreign import is_factory
from maddpg.environments.vector import EnvironmentFailed
from maddpg.names import unknown_name
from maddpg.settings import merge
from maddpg.storage.run_folder import read_config
from maddpg.storage.zoo import find_run, in_zoo

COMMANDS = ("train", "resume", "evaluate", "compare", "crossplay", "exploit", "reproduce", "export", "messages", "envs", "check-env")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    try:
        import tyro  # noqa: F401
    except ImportError:
        sys.exit('the command line needs its extra: pip install "maddpg[cli]"')
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        sys.exit(_parse(arguments).run())
    except ValueError as error:
        print(f"maddpg: {error}", file=sys.stderr)
        sys.exit(2)
    except (ImportError, EnvironmentFailed) as error:
        print(f"maddpg: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output went away, as `head` does; Python would complain again at exit.
        sys.stdout = None
        sys.exit(1)
    except OSError as error:
        print(f"maddpg: {error.filename or 'a file'} cannot be read or written: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)


def _parse(arguments: list[str]) -> Any:
    """The command, as an object that has `run`."""
    import tyro

    from maddpg.cli.commands import Check, Compare, Crossplay, Environments, Evaluate, Exploit, Export, Messages, Reproduce, Resume, Train

    if not arguments:
        raise ValueError(f"a command is missing: one of {', '.join(COMMANDS)}; maddpg --help says more")
    if not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        raise ValueError(unknown_name("command", arguments[0], COMMANDS))
    config = read_defaults(arguments[1:]) if arguments[:1] == ["train"] else Config("")
    tables = {name: getattr(config, name) for name in ("world", "algorithm", "training", "reward_design", "channel", "host")}
    environment = config.environment if config.environment and not is_factory(config.environment) else tyro.MISSING
    train = Train(environment, **tables, file_teams=config.teams, file_arguments=config.arguments)
    commands: Any = (
        Annotated[Train, tyro.conf.subcommand("train", default=train, description=Train.__doc__)]
        | Annotated[Resume, tyro.conf.subcommand("resume")]
        | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
        | Annotated[Compare, tyro.conf.subcommand("compare")]
        | Annotated[Crossplay, tyro.conf.subcommand("crossplay")]
        | Annotated[Exploit, tyro.conf.subcommand("exploit")]
        | Annotated[Reproduce, tyro.conf.subcommand("reproduce")]
        | Annotated[Export, tyro.conf.subcommand("export")]
        | Annotated[Messages, tyro.conf.subcommand("messages")]
        | Annotated[Environments, tyro.conf.subcommand("envs")]
        | Annotated[Check, tyro.conf.subcommand("check-env")]
    )
    complaint = io.StringIO()
    try:
        with _whole_numbers(), contextlib.redirect_stderr(complaint):
            command, unknown = tyro.cli(
                commands,
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
                prog="maddpg",
                description="Agents that learn to cooperate, compete and communicate.",
                args=arguments,
                return_unknown_args=True,
            )
    except SystemExit as ended:
        if not ended.code:
            raise  # --help
        raise ValueError(_first_paragraph(complaint.getvalue())) from None
    if unknown:
        raise ValueError(_unknown_argument(arguments[0], command, unknown))
    return command


def _first_paragraph(box: str) -> str:
    """What tyro says in the first part of its box, in one line: not the frame, the title and the help text of the argument."""
    words: list[str] = []
    for line in re.sub(r"\x1b\[[0-9;]*m", "", box).splitlines()[1:]:
        content = line.strip(" │╰╯")
        if content.strip("─-"):
            words += content.split()
        elif words:
            break  # a rule, or the frame's lower edge
    # A table of settings that refuses a value has no name that its user knows; the refusal names the setting.
    return re.sub(r"^Error parsing (__\S+: )?", "", " ".join(words))


def _unknown_argument(name: str, command: Any, unknown: Sequence[str]) -> str:
    """One line for words that the command `name` does not take."""
    flags = [word.partition("=")[0] for word in unknown if word.startswith("-")]
    if not flags:
        return f"{name} takes no {unknown[0]!r}; `maddpg {name} --help` says what it takes"
    near = difflib.get_close_matches(flags[0].replace("_", "-"), _flags(command), n=1)
    suggestion = f"did you mean {near[0]}? " if near else ""
    return f"{name} has no flag {flags[0]}; {suggestion}`maddpg {name} --help` lists all"


def _flags(command: Any) -> Iterator[str]:
    """The flags of a command: its fields that may be left out, and those of the tables in it."""
    for item in fields(command):
        value = getattr(command, item.name)
        if is_dataclass(value):
            yield from _flags(value)
        elif not (item.default is MISSING and item.default_factory is MISSING):
            yield "--" + item.name.replace("_", "-")


def read_defaults(arguments: list[str]) -> Config:
    """What flags are laid over: the preset, and the file over the preset."""
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    early.add_argument("--preset", default="tuned")
    early.add_argument("--config", type=Path)
    try:
        known, _ = early.parse_known_args(arguments)
    except argparse.ArgumentError:
        return Config("")  # a flag without its value: the real parser says so
    if known.preset not in ("tuned", "paper"):
        raise ValueError(unknown_name("preset", known.preset, ("tuned", "paper")))
    config = preset(known.preset, "")
    if known.config is None:
        return config
    run = _run_config(known.config)
    if run is not None:
        return read_config(run)
    tables = _read_toml(known.config)
    if "environment" in tables:
        raise ValueError(
            f"--config {known.config} sets environment: that is typed, as in `maddpg train simple_spread`; take it out of the file"
        )
    try:
        return merge(config, tables)
    except ValueError as error:
        raise ValueError(f"--config {known.config}: {error}") from error


def _run_config(path: Path) -> Path | None:
    """The config.json of a run, if that or the run itself was given."""
    if path.suffix == ".json":
        return path
    return find_run(path).existing_config() if path.is_dir() or in_zoo(path) else None


def _read_toml(path: Path) -> dict[str, Any]:
    """The tables of a settings file."""
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ValueError(
            f"--config {path}: {error.strerror or error}; it must be a TOML file with tables such as [algorithm] and [training], or a run"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"--config {path} is not TOML: {error}") from error


def _whole_numbers() -> Any:
    """Whole numbers as people type them: 1500000, 1_500_000 and 1.5e6."""
    import tyro

    registry = tyro.constructors.ConstructorRegistry()

    def read(words: list[str]) -> int:
        try:
            return int(words[0])
        except ValueError:
            with contextlib.suppress(ValueError):
                if (number := float(words[0])).is_integer():
                    return int(number)
            raise ValueError(f"{words[0]!r} is not a whole number, such as 1500000, 1_500_000 or 1.5e6") from None

    @registry.primitive_rule
    def whole_number(info: tyro.constructors.PrimitiveTypeInfo) -> tyro.constructors.PrimitiveConstructorSpec[int] | None:
        if info.type is not int:
            return None
        return tyro.constructors.PrimitiveConstructorSpec(
            nargs=1,
            metavar="INT",
            instance_from_str=read,
            is_instance=lambda value: isinstance(value, int) and not isinstance(value, bool),
            str_from_instance=lambda value: [str(value)],
        )

    return registry
