"""From scores to honest numbers: probabilities, a threshold for the unknown, an interval.

All of it is fitted to scores of pictures that were left out, never to those that were learnt.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sharpness", "Threshold", "fit_sharpness", "fit_threshold", "interval"]

Array = NDArray[np.float64]
_STEPS = 60
_NEAR_ENOUGH = 1e-9
_Z_95 = 1.959963984540054  # the normal distribution's 97.5th percentile


@dataclass(frozen=True, slots=True)
class Sharpness:
    """What scores are multiplied by before the softmax.

    Attributes:
        sharpness: The factor, above 0.
        loss: The mean log-loss of the probabilities; each class weighs the same.
    """

    sharpness: float
    loss: float


def fit_sharpness(scores: Array, labels: NDArray[np.intp]) -> Sharpness:
    """Return the factor that makes the probabilities of pictures that were left out most likely.

    One picture more than there are, spread over all classes, keeps probabilities below 1 where
    no picture was taken for another class. The loss is convex in the factor: Newton finds it.

    Args:
        scores: float64 `(N, K)`.
        labels: The class of each, `(N,)`, from 0.
    """
    rows, classes = scores.shape
    counts = np.bincount(labels, minlength=classes)
    weights = (1 / (counts * classes))[labels]
    centred = scores - scores.max(axis=1, keepdims=True)
    unit = float(np.sqrt(weights @ np.square(scores - scores.mean(axis=1, keepdims=True)).mean(1)))
    centred /= unit or 1.0
    one_more = 1 / (rows + 1)
    wanted = (1 - one_more) * centred[np.arange(rows), labels] + one_more * centred.mean(axis=1)
    factor, loss = 1.0, np.inf
    step = 0.0
    for _ in range(_STEPS):
        powers = np.exp(factor * centred)
        sums = powers.sum(axis=1)
        new = float(weights @ (np.log(sums) - factor * wanted))
        if new > loss:  # too long a step
            step /= 2
            factor -= step
            continue
        loss = new
        shares = powers / sums[:, np.newaxis]
        expected = np.einsum("nk,nk->n", shares, centred)
        variance = np.einsum("nk,nk->n", shares, np.square(centred)) - expected**2
        slope, curve = float(weights @ (expected - wanted)), float(weights @ variance)
        if abs(slope) < _NEAR_ENOUGH or curve <= 0:
            break
        step = max(-slope / curve, -factor / 2)  # it stays above 0
        step = min(step, 4 * factor)
        factor += step
    return Sharpness(factor / (unit or 1.0), loss)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where the unknown begins.

    Attributes:
        value: Scores below this (of distances: above) are unlike what was shown.
        expected: The share of pictures like those shown that falls there, as one may expect.
    """

    value: float
    expected: float


def fit_threshold(scores: Array, share: float) -> Threshold:
    """Return the score that a share of the pictures that were left out stays below.

    It is one of these scores: with few pictures the smallest one, and then the share to expect is
    1 / (N + 1), which may be larger than what was asked for.

    Args:
        scores: One number a picture, float64 `(N,)`; the larger, the more like what was shown.
        share: Between 0 and 1.
    """
    rank = max(1, floor(share * (len(scores) + 1)))
    value = float(np.partition(scores, rank - 1)[rank - 1])
    return Threshold(value, rank / (len(scores) + 1))


def interval(right: int, of: int) -> tuple[float, float]:
    """Return where a share lies with 95 % confidence (Wilson's interval).

    Args:
        right: How many were right.
        of: How many there were, 1 or more.
    """
    share, square = right / of, _Z_95**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _Z_95 * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return max(0.0, middle - half), min(1.0, middle + half)
