"""The noise floor of a scene: how large a distance is that noise alone will hardly reach.

The largest of many blocks, and the distance of features, have tails that fall off like
exp(-x / scale) (Gumbel's distribution). So two percentiles give the scale, and a threshold that is
passed once in a million frames: the median, and so many times the way to the upper percentile.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from edgefeat.measures.percentiles import min_samples, stated

__all__ = ["FEWEST", "passed_by_noise_once", "upper_quantile"]

_ONCE_IN = 1e6  # frames; at two a second a week
_UPPER = (0.99, 0.95, 0.9)
_MEDIAN = 0.5
FEWEST = min_samples(_UPPER[-1])
"""How many distances a threshold needs at least."""


def upper_quantile(count: int) -> float | None:
    """Return the highest percentile of a scale that so many numbers support; None if none."""
    return next((q for q in _UPPER if count >= min_samples(q)), None)


def passed_by_noise_once(ascending: Sequence[float]) -> float | None:
    """Return the distance that noise passes once in a million frames; None if too few are known.

    Args:
        ascending: Distances while nothing happened, sorted.
    """
    quantile = upper_quantile(len(ascending))
    middle = stated(ascending, _MEDIAN)
    upper = None if quantile is None else stated(ascending, quantile)
    if quantile is None or middle is None or upper is None:
        return None
    steps = (_reduced(1 - 1 / _ONCE_IN) - _reduced(_MEDIAN)) / (
        _reduced(quantile) - _reduced(_MEDIAN)
    )
    return middle + steps * (upper - middle)


def _reduced(quantile: float) -> float:
    """Return the quantile of Gumbel's distribution of scale 1."""
    return -log(-log(quantile))
