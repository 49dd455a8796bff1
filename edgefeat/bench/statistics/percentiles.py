"""Percentiles with their right to exist, and how sure they are.

A percentile of n latencies is stated only when n supports it by MLPerf's early-stopping rule: of n
calls, t may lie above the stated latency if P[Binomial(n, 1 - p) <= t] <= 1 %. At least one must be
allowed to, which takes 64 calls for p90, 130 for p95, 662 for p99 and 6,636 for p99.9.

Sources: Reddi et al., "MLPerf Inference Benchmark" (arXiv 1911.02549); MLPerf LoadGen's
`early_stopping.cc` and `results.cc` (confidence 0.99, tolerance 0). The intervals are the classic
distribution-free ones between order statistics (David & Nagaraja, "Order Statistics", 7.1).
Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, exp, lgamma, log

__all__ = ["QUANTILES", "Percentile", "label", "min_samples", "over_allowed", "percentile"]

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
_EARLY_STOPPING_RISK = 0.01  # LoadGen's 1 - confidence
_INTERVAL_RISK = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """One percentile of a sample, in the sample's unit.

    `value` is None when the sample is too small for it: `samples` < `needed`. `low` and `high` are
    the 95 % confidence interval. `mlperf` is LoadGen's early-stopping estimate: the true percentile
    is at most this, with 99 % confidence. All assume that calls are independent of each other, but
    the interval of five processes or more allows for their differences instead.
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


def percentile(ascending: Sequence[float], quantile: float) -> Percentile:
    """Return one percentile (nearest rank) of a sorted sample, or that the sample is too small.

    Raises:
        ValueError: `quantile` is not between 0 and 1.
    """
    _check(quantile)
    n, needed = len(ascending), min_samples(quantile)
    value = low = high = mlperf = None
    if n >= needed:
        value = ascending[ceil(quantile * n - 1e-9) - 1]
        mlperf = ascending[n - over_allowed(n, quantile)]
        low, high = _interval(ascending, quantile)
    return Percentile(
        quantile=quantile,
        samples=n,
        needed=needed,
        value=value,
        low=low,
        high=high,
        mlperf=mlperf,
    )


@cache
def min_samples(quantile: float) -> int:
    """Return the least n for which one call in n may lie above the stated percentile."""
    _check(quantile)
    high = 2
    while over_allowed(high, quantile) < 1:
        high *= 2
    low = high // 2
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (low, middle) if over_allowed(middle, quantile) >= 1 else (middle, high)
    return high


def over_allowed(n: int, quantile: float) -> int:
    """Return how many of n calls may exceed a latency for it still to bound the percentile.

    The largest t with P[Binomial(n, 1 - quantile) <= t] <= 1 %; -1 if there is none.
    """
    _check(quantile)
    allowed = -1
    for t, cumulative in enumerate(_binomial_cdf(n, 1 - quantile)):
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


def _binomial_cdf(n: int, q: float) -> Iterator[float]:
    """Yield P[Binomial(n, q) <= k] for k = 0, 1, ..."""
    total = 0.0
    for k in range(n + 1):
        choose = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
        total += exp(choose + k * log(q) + (n - k) * log(1 - q))
        yield total


def _check(quantile: float) -> None:
    if not 0 < quantile < 1:
        raise ValueError(f"quantile: expected a number between 0 and 1, got {quantile}")
