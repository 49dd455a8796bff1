"""Where warm-up ends: the leading stretch of a series that is slower than what follows.

The series is cut into pieces of constant level by optimal partitioning with a penalty for each
change (Jackson et al. 2005; as Barrett et al., "Virtual Machine Warmup Blows Hot and Cold", 2017,
do for benchmarks). It works on logarithms of medians of five calls, so single outliers and the
scale of the latencies do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNSTEADY", "Steadiness", "find_warmup", "levels"]

_BUCKET = 5
_MOST_BUCKETS = 400  # the search is quadratic: longer series use larger buckets
_PENALTY = 4.0  # times ln(buckets) times the noise: BIC's 2 missed too often on real neighbours
_SHORTEST = 3  # buckets: less cannot be told from a burst of outliers
_SLOWER = 1.03  # a leading level this much above the rest is warm-up
UNSTEADY = 1.10  # later levels this far apart are a machine that changed its speed


@dataclass(frozen=True, slots=True, kw_only=True)
class Steadiness:
    """How a series settled.

    `warmup` calls lead and are to be left out. `spread` is the slowest level after them over the
    fastest, 1.0 for one level. `steady` is False if that is above 1.1 or nothing settled.
    """

    warmup: int
    spread: float
    steady: bool


def find_warmup(latencies: NDArray[np.float64]) -> Steadiness:
    """Return how many leading calls are warm-up, and whether the rest is steady.

    Args:
        latencies: `(n,)` positive, in the order of the calls.
    """
    bounds = levels(latencies)
    pieces = [latencies[a:b] for a, b in pairwise(bounds)]
    medians = [float(np.median(piece)) for piece in pieces]
    first = 0
    while first < len(pieces) - 1:
        rest = float(np.median(latencies[bounds[first + 1] :]))
        if medians[first] < rest * _SLOWER:
            break
        first += 1
    settled = bounds[first] <= len(latencies) // 2
    if not settled:  # slower to the last: that is not warm-up but another machine
        first = 0
    spread = max(medians[first:]) / min(medians[first:])
    return Steadiness(
        warmup=bounds[first], spread=spread, steady=settled and bool(spread <= UNSTEADY)
    )


def levels(latencies: NDArray[np.float64]) -> list[int]:
    """Return the bounds of the pieces of constant level: 0, ..., n."""
    n = len(latencies)
    bucket = max(_BUCKET, -(-n // _MOST_BUCKETS))
    count = n // bucket
    if count < 2 * _SHORTEST:
        return [0, n]
    table = latencies[: count * bucket].reshape(count, bucket)
    values = np.log(np.median(table, axis=1))
    cuts = _partition(values, _PENALTY * np.log(count) * _noise(values))
    return [0, *(cut * bucket for cut in cuts), n]


def _noise(values: NDArray[np.float64]) -> float:
    """Return the variance within levels, from neighbours' differences, which ignore the levels."""
    steps = np.abs(np.diff(values))
    deviation = float(np.median(steps)) / 0.6745 / np.sqrt(2)
    return float(max(deviation, 1e-3)) ** 2  # 0.1 %: no series is steadier than that


def _partition(values: NDArray[np.float64], penalty: float) -> list[int]:
    """Return the cuts that minimise squared error plus `penalty` for each cut."""
    n = len(values)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    squares = np.concatenate([[0.0], np.cumsum(values**2)])
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    came_from = np.zeros(n + 1, np.int64)
    for end in range(_SHORTEST, n + 1):
        starts = np.arange(0, end - _SHORTEST + 1)
        total = sums[end] - sums[starts]
        error = squares[end] - squares[starts] - total**2 / (end - starts)
        costs = best[starts] + error + penalty
        chosen = int(np.argmin(costs))
        best[end], came_from[end] = costs[chosen], starts[chosen]
    cuts = []
    end = int(came_from[n])
    while end > 0:
        cuts.append(end)
        end = int(came_from[end])
    return cuts[::-1]
