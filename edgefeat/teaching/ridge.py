"""A number for each picture: ridge regression, chosen by leave-one-out in closed form.

The prediction is the mean of all numbers plus (x - c)ᵀ w, where w minimises the squared errors plus
λ |w|². Without picture i its error is e_i / (1 - h_i), where h_i is how much the picture pulls its
own prediction (Allen's PRESS).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgefeat.teaching.spread import Spread

__all__ = ["Ridge", "fit_ridge"]

Array = NDArray[np.float64]
GRID: tuple[float, ...] = tuple(10 ** (step / 4) for step in range(-12, 25))
"""The λ that are tried, times the scatter's scale: 0.001 to a million in steps of 10^(1/4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ridge:
    """A fitted regression; predictions are `rows @ weights + bias`.

    Attributes:
        weights: float64 `(D, 1)`.
        bias: float64 `(1,)`.
        strength: λ as a multiple of the scatter's scale.
        left_out: Each picture's prediction by the regression that never saw it, float64 `(N,)`.
    """

    weights: Array
    bias: Array
    strength: float
    left_out: Array


def fit_ridge(features: Array, values: Array) -> Ridge:
    """Fit the regression, and choose λ by the squared errors of pictures that were left out.

    Args:
        features: One row a picture, float64 `(N, D)`.
        values: The number of each, float64 `(N,)`.
    """
    spread = Spread(features, np.zeros(len(values), np.intp), 1)
    mean = float(values.mean())
    inside = (features - spread.centre) @ spread.basis
    moments = inside.T @ (values - mean)

    def solved(strength: float) -> tuple[float, Array, Array]:
        inverse = 1 / (spread.eigenvalues + strength * spread.scale)
        factors = moments * inverse
        errors = values - mean - inside @ factors
        pulls = np.square(inside) @ inverse + 1 / len(values)
        return strength, factors, values - errors / (1 - pulls)

    tried = map(solved, reversed(GRID))  # the simplest among equals is taken
    strength, factors, left_out = min(
        tried, key=lambda one: float(np.square(one[2] - values).sum())
    )
    weights = spread.basis @ factors
    return Ridge(
        weights=weights[:, np.newaxis],
        bias=np.array([mean - spread.centre @ weights]),
        strength=strength,
        left_out=left_out,
    )
