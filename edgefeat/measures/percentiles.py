"""Percentiles of a sample, and whether the sample is large enough to state them.

A percentile of n numbers is stated only if n supports it by MLPerf's early-stopping rule: t of the
n numbers may lie above the stated value if P[Binomial(n, 1 - quantile) <= t] <= 1 %. At least one
number must be allowed to. That takes 11 numbers for p50, 64 for p90, 130 for p95, 662 for p99 and
6,636 for p99.9.

Sources: Reddi et al., "MLPerf Inference Benchmark" (arXiv 1911.02549); MLPerf LoadGen's
`early_stopping.cc` and `results.cc` (confidence 0.99, tolerance 0). The intervals are the classic
distribution-free ones between order statistics (David & Nagaraja, "Order Statistics", 7.1).
Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import ceil, exp, lgamma, log

from edgefeat.errors import OptionError
from edgefeat.record import Record

__all__ = [
    "QUANTILES",
    "Percentile",
    "label",
    "min_samples",
    "over_allowed",
    "percentile",
    "stated",
]

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
"""The percentiles that every report shows, as numbers between 0 and 1."""

_EARLY_STOPPING_RISK = 0.01  # 1 - LoadGen's confidence
_INTERVAL_RISK = 0.05  # the intervals hold the true percentile in 95 % of samples
_ROUNDING = 1e-9  # 0.9 * 10 must not be rounded up to rank 10


class Percentile(Record):
    """One percentile of a sample, in the sample's unit.

    All figures assume that the numbers are independent of each other. Where a report's calls come
    from five processes or more, `low` and `high` allow for the differences between processes.

    Attributes:
        quantile: Which percentile: 0.9 is p90.
        samples: How many numbers the sample holds.
        needed: How many numbers this percentile needs to be stated.
        value: The percentile by nearest rank; null if `samples` is less than `needed`.
        low: Lower end of the 95 % confidence interval; null if the sample has no such end.
        high: Upper end of the 95 % confidence interval; null if the sample has no such end.
        mlperf: LoadGen's early-stopping estimate: with 99 % confidence the true percentile is at
            most this. Null if `value` is.
    """

    quantile: float
    samples: int
    needed: int
    value: float | None
    low: float | None
    high: float | None
    mlperf: float | None


def label(quantile: float) -> str:
    """Return the usual name: `p50`, `p99.9`."""
    return f"p{quantile * 100:.10g}"


def stated(ascending: Sequence[float], quantile: float) -> float | None:
    """Return a percentile by nearest rank, or None if the sample is too small for it.

    Args:
        ascending: The sample, sorted. An array of NumPy will do.
        quantile: Which percentile, between 0 and 1.

    Raises:
        OptionError: `quantile` is not between 0 and 1.
    """
    count = len(ascending)
    if count < min_samples(quantile):
        return None
    return float(ascending[ceil(quantile * count - _ROUNDING) - 1])


def percentile(ascending: Sequence[float], quantile: float) -> Percentile:
    """Return a percentile with its confidence interval, or that the sample is too small for it.

    Args:
        ascending: The sample, sorted.
        quantile: Which percentile, between 0 and 1.

    Raises:
        OptionError: `quantile` is not between 0 and 1.
    """
    value = stated(ascending, quantile)
    count = len(ascending)
    low = high = mlperf = None
    if value is not None:
        mlperf = ascending[count - over_allowed(count, quantile)]
        low, high = _interval(ascending, quantile)
    return Percentile(
        quantile=quantile,
        samples=count,
        needed=min_samples(quantile),
        value=value,
        low=low,
        high=high,
        mlperf=mlperf,
    )


@cache
def min_samples(quantile: float) -> int:
    """Return the smallest sample in which one number may lie above the stated percentile."""
    _check(quantile)
    high = 2
    while over_allowed(high, quantile) < 1:
        high *= 2
    low = high // 2
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (low, middle) if over_allowed(middle, quantile) >= 1 else (middle, high)
    return high


def over_allowed(count: int, quantile: float) -> int:
    """Return how many of `count` numbers may exceed a value that still bounds the percentile.

    This is the largest t with P[Binomial(count, 1 - quantile) <= t] <= 1 %; -1 if there is none.
    """
    _check(quantile)
    allowed = -1
    for t, cumulative in enumerate(_binomial_cdf(count, 1 - quantile)):
        if cumulative > _EARLY_STOPPING_RISK:
            break
        allowed = t
    return allowed


def _interval(ascending: Sequence[float], quantile: float) -> tuple[float | None, float | None]:
    """Return the order statistics that hold the percentile between them in 95 % of samples."""
    low: float | None = None
    for rank, cumulative in enumerate(_binomial_cdf(len(ascending), quantile)):
        if cumulative <= _INTERVAL_RISK / 2 and rank < len(ascending):
            low = ascending[rank]
        if cumulative >= 1 - _INTERVAL_RISK / 2:
            return low, ascending[rank] if rank < len(ascending) else None
    return low, None


def _binomial_cdf(count: int, probability: float) -> Iterator[float]:
    """Yield P[Binomial(count, probability) <= k] for k = 0, 1, ..."""
    total = 0.0
    for k in range(count + 1):
        choose = lgamma(count + 1) - lgamma(k + 1) - lgamma(count - k + 1)
        total += exp(choose + k * log(probability) + (count - k) * log(1 - probability))
        yield total


def _check(quantile: float) -> None:
    if not 0 < quantile < 1:
        raise OptionError(f"expected a number between 0 and 1, got {quantile}", option="quantile")
