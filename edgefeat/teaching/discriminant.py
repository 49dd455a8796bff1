"""The classifier: a regularised linear discriminant, chosen by leave-one-out in closed form.

Of a picture x the class k has the score

    g_k(x) = (x - c)ᵀ B (m_k - c) - (m_k - c)ᵀ B (m_k - c) / 2,    B = (scatter + λ)⁻¹

with class means m, their mean c and the scatter within the classes (Friedman, "Regularized
Discriminant Analysis", 1989, with one covariance). A large λ leaves the nearest class mean, a small
one the classical discriminant. Classes weigh alike, however many pictures each has.

Without picture x of class y (n pictures) the scatter loses n/(n-1) d dᵀ, where d = x - m_y, and
m_y moves by -d/(n-1). By the formula of Sherman and Morrison the scores without x follow from inner
products with x, so that nothing is fitted again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgefeat.teaching.calibration import Sharpness, fit_sharpness
from edgefeat.teaching.spread import Spread

__all__ = ["Discriminant", "fit_discriminant", "scores_left_out"]

Array = NDArray[np.float64]
NEAREST_MEAN = 1e6
"""The largest λ, times the scatter's scale: the class whose mean is nearest."""
GRID: tuple[float, ...] = (*(10 ** (step / 4) for step in range(-12, 13)), NEAREST_MEAN)
"""The λ that are tried, times the scatter's scale: 0.001 to 1000 in steps of 10^(1/4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discriminant:
    """A fitted classifier; scores are `rows @ weights + bias`.

    Attributes:
        weights: float64 `(D, K)`.
        bias: float64 `(K,)`.
        sharpness: What probabilities are made with: softmax of the scores times this.
        strength: λ as a multiple of the scatter's scale.
        left_out: The scores of each picture by the classifier that never saw it, `(N, K)`.
        loss: The mean log-loss of these scores; each class weighs the same.
    """

    weights: Array
    bias: Array
    sharpness: float
    strength: float
    left_out: Array
    loss: float


def fit_discriminant(features: Array, labels: NDArray[np.intp], classes: int) -> Discriminant:
    """Fit the classifier, and choose λ by the log-loss of pictures that were left out.

    Args:
        features: One row a picture, float64 `(N, D)`.
        labels: The class of each, `(N,)`, from 0.
        classes: How many classes there are, two or more; each has two rows at least.
    """
    spread = Spread(features, labels, classes)
    tried: Iterator[tuple[Sharpness, float, Array]] = (
        (fit_sharpness(scores, labels), strength, scores)
        for strength in reversed(GRID)  # the simplest among equals is taken
        for scores in (scores_left_out(spread, labels, strength * spread.scale),)
    )
    fitted, strength, scores = min(tried, key=lambda one: one[0].loss)
    weights = spread.solved_means(strength * spread.scale).T
    middle = spread.means - spread.centre
    bias = -np.einsum("kd,dk->k", middle, weights) / 2 - spread.centre @ weights
    return Discriminant(
        weights=weights,
        bias=bias,
        sharpness=fitted.sharpness,
        strength=strength,
        left_out=scores,
        loss=fitted.loss,
    )


def scores_left_out(spread: Spread, labels: NDArray[np.intp], ridge: float) -> Array:
    """Return each picture's scores by the classifier of all other pictures: float64 `(N, K)`.

    Args:
        spread: The scatter of all pictures.
        labels: The class of each, `(N,)`, from 0.
        ridge: λ, above 0.
    """
    xx, xm, mm = spread.products(ridge)
    every = np.arange(len(labels))
    n = spread.counts[labels].astype(np.float64)
    own = xm[every, labels]
    dd = xx - 2 * own + mm[labels, labels]  # d B d, and so on
    dx = xx - own
    dm = xm - mm[labels]
    moved = 1 / ((n - 1) * len(spread.counts))  # the centre moves by -d times this
    shift = np.repeat(moved[:, np.newaxis], len(spread.counts), axis=1)
    shift[every, labels] -= 1 / (n - 1)  # m_k - c, and this times d, without the picture
    d_of_mean = dm + shift * dd[:, np.newaxis]
    x_of_mean = xm + shift * dx[:, np.newaxis] + moved[:, np.newaxis] * d_of_mean
    of_means = np.diag(mm) + 2 * shift * dm + shift**2 * dd[:, np.newaxis]
    share = n / (n - 1)
    gain = (share / (1 - share * dd))[:, np.newaxis]
    d_of_x = (dx + moved * dd)[:, np.newaxis]
    scores: Array = x_of_mean + gain * d_of_x * d_of_mean
    scores -= (of_means + gain * d_of_mean**2) / 2
    return scores
