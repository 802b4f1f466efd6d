"""Tables of a cross-play, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich import box
from rich.table import Table

from maddpg.evaluation.standings import Standings
from maddpg.statistics import Interval, NashAverage
from maddpg.training.exploiting import Exploitation


def standings_tables(standings: Standings) -> Iterator[tuple[str, Table]]:
    """With a title each: the matrix of each side's returns, and what each run comes to."""
    rows, columns = standings.roles
    for side, name in enumerate(standings.sides):
        title = f"{standings.environment}: return of {name}; {rows} from the row's run, {columns} from the column's"
        yield title, _matrix(standings, side)
    yield "return of each run's agents", _runs(standings)
    if standings.elo is not None and standings.nash is not None:
        yield "ratings", _ratings(standings, standings.elo, standings.nash)


def exploitation_table(environment: str, found: Exploitation) -> Table:
    """What each seed of a frozen team gets, and loses against those who learned against it."""
    table = _table(
        [f"seed of {found.team}", "responses", "beside its own", "against the strongest", "loses"],
        "return of each of its agents, with 95% intervals over episodes; of the means over seeds",
    )
    table.title = f"{environment}: {found.team} and those who learned against it"
    for row, seed in enumerate(found.seeds):
        cells = [interval_text(interval, row) for interval in (found.own, found.against, found.loss)]
        table.add_row(str(seed), str(found.responses[row]), *cells)
    table.add_section()
    table.add_row("mean", "", f"{found.own.estimate.mean():.2f}", interval_text(found.mean_against), interval_text(found.mean_loss))
    return table


def interval_text(interval: Interval, *place: int, separator: str = " ", digits: int = 2) -> str:
    """An entry with its bounds, as in -7.91 (-8.20 to -7.60); without them where nobody knows any."""
    estimate, low, high = (values[place] for values in (interval.estimate, interval.low, interval.high))
    bounds = "" if np.isnan(low) else f"{separator}({low:.{digits}f} to {high:.{digits}f})"
    return f"{estimate:.{digits}f}{bounds}"


def _matrix(standings: Standings, side: int) -> Table:
    table = _table(["", *(f"{number}" for number in range(1, len(standings.runs) + 1))], _caption(standings))
    for row, name in enumerate(standings.runs):
        cells = [interval_text(standings.matrix, row, column, side, separator="\n") for column in range(len(standings.runs))]
        table.add_row(f"{row + 1} {name}", *cells)
    return table


def _runs(standings: Standings) -> Table:
    others = "other runs" if len(standings.runs) > 1 else "other seeds"
    table = _table(["run", "seeds", *(f"{name} beside {whom}" for name in standings.sides for whom in ("its own", others))])
    for row, name in enumerate(standings.runs):
        cells = [
            interval_text(interval, row, side, separator="\n")
            for side in range(len(standings.sides))
            for interval in (standings.together, standings.others)
        ]
        table.add_row(f"{row + 1} {name}", str(standings.seeds[row]), *cells)
    return table


def _ratings(standings: Standings, elo: Interval, nash: NashAverage) -> Table:
    table = _table(["run", "meetings won", "Elo", "Nash weight", "Nash skill"], "in either role, against all others; Elo's mean is 0")
    others = np.asarray(standings.wins).sum(axis=1) / (len(standings.runs) - 1)
    for row, name in enumerate(standings.runs):
        table.add_row(
            f"{row + 1} {name}",
            f"{100 * others[row]:.0f}%",
            interval_text(elo, row, digits=0),
            f"{nash.weights[row]:.2f}",
            f"{nash.skills[row]:.2f}",
        )
    return table


def _caption(standings: Standings) -> str:
    if max(standings.seeds) == 1:
        return "95% intervals over episodes; one seed says nothing about others"
    return "95% intervals over seeds and episodes; a run beside itself: its seeds that were not trained together"


def _table(headings: list[str], caption: str | None = None) -> Table:
    table = Table(caption=caption, box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right", overflow="fold")
    return table
