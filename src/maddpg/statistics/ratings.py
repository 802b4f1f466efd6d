"""Elo ratings by maximum likelihood, from who won how often against whom (the model of Bradley and Terry 1952; Elo 1978)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

SCALE = 400 / np.log(10)
"""Elo's points for a factor of e in the odds of winning: 400 for a factor of ten."""

PRIOR = 1.0
"""Drawn games that every two players are taken to have played beside those that count."""

MOST_STEPS, ENOUGH, ROUNDING = 100, 1e-9, 1e-12


def elo_ratings(wins: Float[np.ndarray, "*draw player opponent"], prior: float = PRIOR) -> Float[np.ndarray, "*draw player"]:
    """The ratings that make the results most likely; their mean is 0, since only differences mean anything.

    Player i is expected to win against j with probability 1 / (1 + 10 ** ((rating j - rating i) / 400)). Whoever never lost would have no
    finite rating, so every two players are taken to have drawn `prior` games besides, which among hundreds changes next to nothing. The
    order in which games were played makes no difference, as it would with updates after each game.

    Ratings are one number for each player, so they cannot show that A beats B, B beats C and C beats A: `nash_average` can.

    Args:
        wins: games that the player won against the opponent, a drawn game half; the diagonal is not looked at.
        prior: above 0.
    """
    players = wins.shape[-1]
    others = 1.0 - np.eye(players)
    wins = (wins + prior / 2) * others
    games = wins + np.swapaxes(wins, -1, -2)
    won = wins.sum(axis=-1)
    level = np.full((players, players), 1.0 / players)  # fixes the mean, which the likelihood leaves open

    def log_likelihood(strength: np.ndarray) -> np.ndarray:
        """[*draw, 1]."""
        lost = np.logaddexp(0.0, strength[..., None, :] - strength[..., :, None])
        return -np.sum(np.sum(wins * lost, axis=-1), axis=-1, keepdims=True)

    strength = np.zeros(won.shape)
    for _ in range(MOST_STEPS):
        expected = games / (1.0 + np.exp(strength[..., None, :] - strength[..., :, None]))
        slope = won - expected.sum(axis=-1)
        spread = expected * np.swapaxes(expected, -1, -2) / np.where(games > 0, games, 1.0)
        curvature = spread.sum(axis=-1)[..., None] * np.eye(players) - spread + level
        step = np.linalg.solve(curvature, slope[..., None])[..., 0]
        # Newton's step can be too long where a player wins nearly always; half of it, and so on, climbs for certain.
        reached, share = log_likelihood(strength), np.ones((*won.shape[:-1], 1))
        while (fallen := log_likelihood(strength + share * step) < reached - np.abs(reached) * ROUNDING).any():
            share = np.where(fallen, share / 2, share)
        strength = strength + share * step
        if np.abs(share * step).max() < ENOUGH:
            break
    return SCALE * (strength - strength.mean(axis=-1, keepdims=True))
