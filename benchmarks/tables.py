"""What all tables of results are made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from maddpg.statistics import student_interval


def over_seeds(values: Sequence[float]) -> str:
    """Mean over seeds with Student's 95% interval."""
    found = student_interval(np.array(values))
    return f"{found.estimate:.2f} ({found.low:.2f} to {found.high:.2f})"


def fill(text: str, tables: Mapping[str, Sequence[str]]) -> str:
    """A page with what stands between each pair of markers, <!-- name --> and <!-- end -->, made anew: lines for each name."""
    for name, rows in tables.items():
        before, rest = text.split(f"<!-- {name} -->\n")
        after = rest.split("<!-- end -->", 1)[1]
        text = f"{before}<!-- {name} -->\n" + "\n".join(rows) + f"\n<!-- end -->{after}"
    return text
