"""What all tables of results are made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def spread(values: Sequence[float]) -> str:
    """Mean and standard error over seeds."""
    return f"{np.mean(values):.2f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.2f}"


def fill(text: str, tables: Mapping[str, Sequence[str]]) -> str:
    """A page with what stands between each pair of markers, <!-- name --> and <!-- end -->, made anew: lines for each name."""
    for name, rows in tables.items():
        before, rest = text.split(f"<!-- {name} -->\n")
        after = rest.split("<!-- end -->", 1)[1]
        text = f"{before}<!-- {name} -->\n" + "\n".join(rows) + f"\n<!-- end -->{after}"
    return text
