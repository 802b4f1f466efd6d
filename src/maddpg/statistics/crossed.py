"""Means over pairings of two sides' seeds, and how sure they are: both sides' seeds are drawn again."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float


def crossed_mean(
    table: Float[np.ndarray, "row column"], strangers: Bool[np.ndarray, "row column"], rows: np.ndarray, columns: np.ndarray
) -> Float[np.ndarray, " draw"]:
    """Means of a table over the rows and columns drawn, [draw, seed] each, of those pairs alone that are strangers."""
    chosen = (rows[:, :, None], columns[:, None, :])
    met = strangers[chosen]
    # A draw may hold nothing but one seed of a run and itself: it says nothing, and is NaN.
    count = np.where(met.any(axis=(1, 2)), met.sum(axis=(1, 2)), np.nan)
    means: np.ndarray = np.where(met, table[chosen], 0.0).sum(axis=(1, 2)) / count
    return means
