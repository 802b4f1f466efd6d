"""Arguments, dispatch and exit codes: 0 done, 1 the run failed, 2 the input is wrong, 130 stopped by Ctrl-C with what there was."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from maddpg.config import Config, merge, preset, unknown_name


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
    except ImportError as error:
        print(f"maddpg: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output went away, as `head` does; Python would complain again at exit.
        sys.stdout = None
        sys.exit(1)


def _parse(arguments: list[str]) -> Any:
    """The command, as an object that has `run`."""
    import tyro

    from maddpg.cli.commands import Environments, Evaluate, Train

    config = _defaults(arguments[1:]) if arguments[:1] == ["train"] else Config("")
    train = Train(tyro.MISSING, world=config.world, algorithm=config.algorithm, training=config.training)
    commands: Any = (
        Annotated[Train, tyro.conf.subcommand("train", default=train, description=Train.__doc__)]
        | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
        | Annotated[Environments, tyro.conf.subcommand("envs")]
    )
    with _whole_numbers():
        return tyro.cli(
            commands,
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
            prog="maddpg",
            description="Agents that learn to cooperate, compete and communicate.",
            args=arguments,
        )


def _defaults(arguments: list[str]) -> Config:
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
    return config if known.config is None else merge(config, _read_toml(known.config))


def _read_toml(path: Path) -> dict[str, Any]:
    """The tables of a settings file, or of a run's config.json."""
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ValueError(
            f"--config {path}: {error.strerror or error}; it must be a TOML file with tables [world], [algorithm], [training]"
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
            number = float(words[0])  # raises ValueError itself, which names the word
            if not number.is_integer():
                raise ValueError(f"{words[0]} is not a whole number") from None
            return int(number)

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
