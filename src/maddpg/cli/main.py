"""Arguments, dispatch and exit codes: 0 done, 1 the run failed, 2 the input is wrong, 130 or 143 stopped by Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import operator
import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

from maddpg.cli.saying import as_typed
from maddpg.cli.words import check_words, find_flags, read_whole
from maddpg.config import CheckpointConfig, Config, preset
from maddpg.environments.foreign import is_factory
from maddpg.environments.vector import EnvironmentFailed
from maddpg.names import unknown_name
from maddpg.settings import merge
from maddpg.storage.run_folder import read_config
from maddpg.storage.zoo import find_run, in_zoo

TYPED_ALONE = ("environment", "preset", "config", "out", *(item.name for item in fields(CheckpointConfig)))
"""What a file of settings does not set."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    try:
        import tyro  # noqa: F401
    except ImportError:
        sys.exit('the command line needs its extra: pip install "maddpg[cli]"')
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments == ["--version"]:
        print(f"maddpg {metadata.version('maddpg')}")
        sys.exit(0)
    try:
        sys.exit(_parse(arguments).run())
    except ValueError as error:
        print(f"maddpg: {as_typed(str(error), _flags(arguments))}", file=sys.stderr)
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

    from maddpg.cli.commands import BY_NAME, Train

    if not arguments:
        raise ValueError(f"a command is missing: one of {', '.join(BY_NAME)}; maddpg --help says more")
    asks = {"-h", "--help"} & set(arguments)
    if arguments[0] not in BY_NAME and not (arguments[0].startswith("-") and asks):
        raise ValueError(unknown_name("command", arguments[0], BY_NAME))
    config = read_defaults(arguments[1:]) if arguments[:1] == ["train"] else Config("")
    if not asks:
        check_words(arguments[0], BY_NAME[arguments[0]], arguments[1:], config.environment)
    tables = {name: getattr(config, name) for name in ("world", "algorithm", "training", "reward_design", "channel", "host")}
    environment = config.environment if config.environment and not is_factory(config.environment) else tyro.MISSING
    train = Train(environment, **tables, file_teams=config.teams, file_arguments=config.arguments)
    commands: Any = functools.reduce(
        operator.or_,
        (
            Annotated[kind, tyro.conf.subcommand(name, default=train, description=kind.__doc__)]
            if kind is Train
            else Annotated[kind, tyro.conf.subcommand(name)]
            for name, kind in BY_NAME.items()
        ),
    )
    complaint = io.StringIO()
    try:
        with _whole_numbers(), contextlib.redirect_stderr(complaint):
            return tyro.cli(
                commands,
                config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
                prog="maddpg",
                description="Agents that learn to cooperate, compete and communicate.",
                args=arguments,
            )
    except SystemExit as ended:
        if not ended.code:
            raise  # --help
        raise ValueError(_first_paragraph(complaint.getvalue())) from None


def _flags(arguments: list[str]) -> Collection[str]:
    """The flags of the command that was typed."""
    from maddpg.cli.commands import BY_NAME

    return find_flags(BY_NAME[arguments[0]]) if arguments and arguments[0] in BY_NAME else ()


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


def read_defaults(arguments: list[str]) -> Config:
    """What flags are laid over: the preset, and the file over the preset."""
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    early.add_argument("--preset", default="tuned")
    early.add_argument("--config", type=Path)
    try:
        known, _ = early.parse_known_args(arguments)
    except argparse.ArgumentError:
        return Config("")  # a flag without its value: `check_words` says so
    if known.preset not in ("tuned", "paper"):
        raise ValueError(unknown_name("preset", known.preset, ("tuned", "paper")))
    config = preset(known.preset, "")
    if known.config is None:
        return config
    run = _run_config(known.config)
    if run is not None:
        return read_config(run)
    tables = _read_toml(known.config)
    for name in _settings(tables):
        if name in TYPED_ALONE:
            example = "simple_spread" if name == "environment" else f"simple_spread --{name.replace('_', '-')} ..."
            raise ValueError(f"--config {known.config} sets {name}: that is typed, as in `maddpg train {example}`; take it out of the file")
    try:
        return merge(config, tables)
    except ValueError as error:
        raise ValueError(f"--config {known.config}: {error}") from error


def _settings(tables: Mapping[str, Any]) -> Iterator[str]:
    """Names of settings in a file: those of tables, and those in them; what is in [arguments] and [teams] bears names of its own."""
    for name, value in tables.items():
        yield name
        if isinstance(value, Mapping) and name not in ("arguments", "teams"):
            yield from value


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

    @registry.primitive_rule
    def whole_number(info: tyro.constructors.PrimitiveTypeInfo) -> tyro.constructors.PrimitiveConstructorSpec[int] | None:
        if info.type is not int:
            return None
        return tyro.constructors.PrimitiveConstructorSpec(
            nargs=1,
            metavar="INT",
            instance_from_str=lambda words: read_whole(words[0]),
            is_instance=lambda value: isinstance(value, int) and not isinstance(value, bool),
            str_from_instance=lambda value: [str(value)],
        )

    return registry
