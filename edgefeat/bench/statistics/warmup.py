"""Where warm-up ends: the leading stretch of a series that is slower than what follows.

The series is cut into pieces of constant level by optimal partitioning with a penalty for each cut
(Jackson et al. 2005; Barrett et al., "Virtual Machine Warmup Blows Hot and Cold", 2017, do the same
for benchmarks). It works on logarithms of the medians of five or more calls, so that neither single
outliers nor the scale of the latencies matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_SPREAD", "Steadiness", "find_warmup", "levels"]

MOST_SPREAD = 1.10
"""If the slowest level is above so many times the fastest, the machine changed its speed."""

_FEWEST_CALLS_A_BUCKET = 5
_MOST_BUCKETS = 400  # the search is quadratic: longer series use larger buckets
_PENALTY = 4.0  # times ln(buckets) times the noise; BIC's 2 cut too often on real machines
_SHORTEST_LEVEL = 3  # buckets; a shorter level cannot be told from a burst of outliers
_WARMUP_RATIO = 1.03  # a leading level this many times slower than the rest is warm-up
_LEAST_NOISE = 1e-3  # share of a latency: no real series is steadier than 0.1 %
_NORMAL_QUARTILE = 0.6745  # median absolute deviation of a normal distribution, in deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class Steadiness:
    """How a series settled.

    Attributes:
        warmup: How many of the first calls are warm-up.
        spread: Slowest level after warm-up over the fastest; 1.0 is one level.
        steady: False if `spread` is above `MOST_SPREAD`, or if no level lasted for half the series.
    """

    warmup: int
    spread: float
    steady: bool


def find_warmup(latencies: NDArray[np.float64]) -> Steadiness:
    """Return how many leading calls are warm-up, and whether the rest is steady.

    Args:
        latencies: Times in any unit, float64 `(calls,)`, above 0, in the order of the calls.
    """
    bounds = levels(latencies)
    pieces = [latencies[a:b] for a, b in pairwise(bounds)]
    medians = [float(np.median(piece)) for piece in pieces]
    first = 0
    while first < len(pieces) - 1:
        rest = float(np.median(latencies[bounds[first + 1] :]))
        if medians[first] < rest * _WARMUP_RATIO:
            break
        first += 1
    settled = bounds[first] <= len(latencies) // 2
    if not settled:  # warm-up does not take most of a run: the machine changed its speed
        first = 0
    spread = max(medians[first:]) / min(medians[first:])
    return Steadiness(
        warmup=bounds[first], spread=spread, steady=settled and bool(spread <= MOST_SPREAD)
    )


def levels(latencies: NDArray[np.float64]) -> list[int]:
    """Return the bounds of the pieces of constant level: 0, ..., the number of calls.

    Args:
        latencies: Times in any unit, float64 `(calls,)`, above 0, in the order of the calls.
    """
    calls = len(latencies)
    bucket_calls = max(_FEWEST_CALLS_A_BUCKET, -(-calls // _MOST_BUCKETS))
    buckets = calls // bucket_calls
    if buckets < 2 * _SHORTEST_LEVEL:
        return [0, calls]
    table = latencies[: buckets * bucket_calls].reshape(buckets, bucket_calls)
    values = np.log(np.median(table, axis=1))
    cuts = _partition(values, _PENALTY * np.log(buckets) * _noise(values))
    return [0, *(cut * bucket_calls for cut in cuts), calls]


def _noise(values: NDArray[np.float64]) -> float:
    """Return the variance within levels.

    It comes from the differences of neighbours, which hold the noise and hardly ever a change of
    level; a difference has twice the variance of a value.
    """
    steps = np.abs(np.diff(values))
    deviation = float(np.median(steps)) / _NORMAL_QUARTILE / np.sqrt(2)
    return float(max(deviation, _LEAST_NOISE)) ** 2


def _partition(values: NDArray[np.float64], penalty: float) -> list[int]:
    """Return the cuts that minimise the squared error plus `penalty` for each cut."""
    count = len(values)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    squares = np.concatenate([[0.0], np.cumsum(values**2)])
    best = np.full(count + 1, np.inf)
    best[0] = -penalty
    came_from = np.zeros(count + 1, np.int64)
    for end in range(_SHORTEST_LEVEL, count + 1):
        starts = np.arange(0, end - _SHORTEST_LEVEL + 1)
        total = sums[end] - sums[starts]
        error = squares[end] - squares[starts] - total**2 / (end - starts)
        costs = best[starts] + error + penalty
        chosen = int(np.argmin(costs))
        best[end], came_from[end] = costs[chosen], starts[chosen]
    cuts = []
    end = int(came_from[count])
    while end > 0:
        cuts.append(end)
        end = int(came_from[end])
    return cuts[::-1]
