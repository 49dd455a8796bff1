"""How unlike all pictures that were shown a picture is: its distance from them, by their spread.

The squared distance is (x - m)ᵀ (scatter + λ)⁻¹ (x - m) times λ (Rippel et al., "Modeling the
Distribution of Normal Data in Pre-Trained Deep Features", 2020): directions in which good pictures
differ count little, those in which they never differ count in full. λ is the one under which each
picture is likeliest by the normal distribution of the others. Without a picture of n the scatter
loses n/(n-1) d dᵀ, and d = x - m becomes n/(n-1) d, so all of that comes in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgefeat.teaching.spread import Spread

__all__ = ["Novelty", "fit_novelty"]

Array = NDArray[np.float64]
GRID: tuple[float, ...] = tuple(10 ** (step / 4) for step in range(-12, 13))
"""The λ that are tried, times the scatter's scale: 0.001 to 1000 in steps of 10^(1/4)."""
_NEGLIGIBLE = 0.02  # a direction that takes away less than this share of a square is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """A fitted distance: squared, it is |z|² - |z @ forgiven|² with z = row - mean.

    Attributes:
        mean: What was shown, on average, float64 `(D,)`.
        forgiven: The directions in which it differs, each as long as it is forgiven, `(D, R)`.
        strength: λ as a multiple of the scatter's scale.
        left_out: Each picture's distance from all the others, float64 `(N,)`.
    """

    mean: Array
    forgiven: Array
    strength: float
    left_out: Array


def fit_novelty(features: Array) -> Novelty:
    """Fit the distance to pictures that are all as they should be.

    Args:
        features: One row a picture, float64 `(N, D)`, three rows or more.
    """
    spread = Spread(features, np.zeros(len(features), np.intp), 1)
    strength = max(reversed(GRID), key=lambda one: _likelihood(spread, one * spread.scale))
    ridge = strength * spread.scale
    share = spread.eigenvalues / (spread.eigenvalues + ridge)
    kept = share >= _NEGLIGIBLE
    forgiven = spread.basis[:, kept] * np.sqrt(share[kept])
    if not kept.any():  # nothing differs: a graph needs a column all the same
        forgiven = np.zeros((len(spread.centre), 1))
    squares = ridge * _squares_left_out(spread, ridge)[0]
    return Novelty(
        mean=spread.centre,
        forgiven=forgiven,
        strength=strength,
        left_out=np.sqrt(squares),
    )


def _squares_left_out(spread: Spread, ridge: float) -> tuple[Array, Array]:
    """Return each picture's squared distance from the others, and what its leaving leaves."""
    n = float(spread.counts[0])
    share = n / (n - 1)
    own = spread.products(ridge).rows
    left = np.maximum(1 - share * own, np.finfo(np.float64).tiny)
    return share**2 * own / left, left


def _likelihood(spread: Spread, ridge: float) -> float:
    """Return the log-likelihood of all pictures, each by the others, but for constants."""
    n = float(spread.counts[0])
    squares, left = _squares_left_out(spread, ridge)
    volume = float(np.log(spread.eigenvalues + ridge).sum()) + spread.left * np.log(ridge)
    return float(-((n - 1) * squares.sum() + np.log(left).sum() + n * volume) / 2)
