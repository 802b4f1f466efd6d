"""Tables of what a team says, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich import box
from rich.table import Table

from maddpg.evaluation.communication import Communication


def message_tables(measured: Mapping[int, Communication]) -> Iterator[tuple[str, Table]]:
    """For a run's seeds, with a title each: what symbols tell, what the team loses without them, and each seed's language."""
    first = next(iter(measured.values()))
    yield f"{first.environment}: what messages tell, in bits, {first.episodes:,} greedy episodes", _information(measured)
    yield f"return of an episode without the messages of {', '.join(first.tampered)}", _returns(measured)
    for seed, communication in measured.items():
        for sender, said in communication.senders.items():
            for secret, telling in said.secrets.items():
                table = _table(["symbol", *telling.options])
                for symbol, counts in zip(said.symbols, telling.language, strict=True):
                    table.add_row(symbol, *map(str, counts))
                yield f"seed {seed}: {sender}'s symbol and {secret}, episodes", table


def _information(measured: Mapping[int, Communication]) -> Table:
    table = _table(
        ["seed", "sender", "entropy", "secret", "bits", "chance", "ceiling"],
        "chance: a symbol without information exceeds this once in twenty times",
    )
    for seed, communication in measured.items():
        for sender, said in communication.senders.items():
            for secret, telling in said.secrets.items() or {"-": None}.items():
                numbers = ["-"] * 3 if telling is None else [f"{value:.2f}" for value in (telling.bits, telling.chance, telling.ceiling)]
                table.add_row(str(seed), sender, f"{said.entropy:.2f}", secret, *numbers)
    return table


def _returns(measured: Mapping[int, Communication]) -> Table:
    first = next(iter(measured.values()))
    table = _table(["seed", "agent", "as sent", *(f"fall when {name}" for name in first.falls)])
    for seed, communication in measured.items():
        for agent, sent in communication.returns["as sent"].items():
            falls = [communication.falls[name][agent] for name in communication.falls]
            row = [f"{each.mean:.2f} ± {each.standard_error:.2f}" for each in (sent, *falls)]
            table.add_row(str(seed), agent, *row)
    return table


def _table(headings: list[str], caption: str | None = None) -> Table:
    table = Table(caption=caption, box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < 2 else "right", overflow="fold")
    return table
