"""Nash averaging (Balduzzi et al. 2018, "Re-evaluating Evaluation", section 3): players weighted as the strongest mixture would play them.

A meta-player picks a player, another one picks its opponent, and who does better gets the difference. Its equilibrium says who matters, and
nobody can win it by copies: a player that is there twice shares one weight. The maximum-entropy equilibrium is unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

NOTHING = 1e-6
"""Weights below it are none: what the solver of linear programs leaves open."""


@dataclass(frozen=True)
class NashAverage:
    """The equilibrium of a meta-game."""

    weights: np.ndarray  # [player], the maximum-entropy equilibrium
    skills: np.ndarray  # [player], what each gets against that mixture: 0 for those in it, at most 0 for the others

    def to_dict(self) -> dict[str, Any]:
        """Plain lists for JSON."""
        return {"weights": self.weights.tolist(), "skills": self.skills.tolist()}


def nash_average(payoff: Float[np.ndarray, "player opponent"]) -> NashAverage:
    """The maximum-entropy Nash equilibrium of the antisymmetrised meta-game, and each player's payoff against it.

    It is a point of a polytope whose vertices depend on signs: a small difference of two strong players may move all weight from one to the
    other. Look at the intervals of the payoffs before reading much into weights.

    Args:
        payoff: what the player gets from the opponent; (payoff - its transpose) / 2 is what is played.

    Raises:
        ValueError: a payoff that is not finite.
    """
    if not np.isfinite(payoff).all():
        raise ValueError("nash_average: every payoff must be a finite number; fill the diagonal with 0")
    game = (np.asarray(payoff, float) - np.asarray(payoff, float).T) / 2
    scale = np.abs(game).max()
    game = game / scale if scale > 0 else game
    inside = _inner_equilibrium(game)
    weights = _most_entropy(game, inside)
    return NashAverage(weights, scale * (game @ weights))


def _inner_equilibrium(game: Float[np.ndarray, "player opponent"]) -> Float[np.ndarray, " player"]:
    """An equilibrium in which everybody has weight who has some in any: the mean of those that favour each player most."""
    from scipy.optimize import linprog  # type: ignore[import-untyped]

    players = len(game)
    found = []
    for player in range(players):
        # Weights against which nobody wins anything: the value of a symmetric game is 0.
        result = linprog(-np.eye(players)[player], A_ub=game, b_ub=np.zeros(players), A_eq=np.ones((1, players)), b_eq=[1.0], bounds=(0, 1))
        if not result.success:
            raise ValueError(f"nash_average: no equilibrium was found ({result.message})")
        found.append(result.x)
    weights = np.mean(found, axis=0)
    weights = np.where(weights > NOTHING, weights, 0.0)
    return weights / weights.sum()


def _most_entropy(game: Float[np.ndarray, "player opponent"], inside: Float[np.ndarray, " player"]) -> Float[np.ndarray, " player"]:
    """Of all equilibria on the support of `inside` the one with the largest entropy.

    By the dual: it is proportional to exp(-multipliers @ constraints). Against an equilibrium all in the support win exactly nothing, and
    the others at most that.
    """
    from scipy.optimize import minimize

    support: Bool[np.ndarray, " player"] = inside > 0
    constraints = game[:, support]
    tight = np.vstack([constraints[support], np.ones(support.sum())])
    if np.linalg.matrix_rank(tight, tol=1e-7) == support.sum():
        return inside  # there is no other

    def log_total(multipliers: np.ndarray) -> tuple[float, np.ndarray]:
        exponents = -multipliers @ constraints
        largest = exponents.max()
        share = np.exp(exponents - largest)
        return float(largest + np.log(share.sum())), -constraints @ (share / share.sum())

    bounds = [(None, None) if inner else (0, None) for inner in support]
    solved = minimize(
        log_total,
        np.zeros(len(game)),
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"maxiter": 10_000, "ftol": 1e-15, "gtol": 1e-9},
    )
    exponents = -solved.x @ constraints
    share = np.exp(exponents - exponents.max())
    weights = np.zeros(len(game))
    weights[support] = share / share.sum()
    return weights
