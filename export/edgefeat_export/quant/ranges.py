"""Finds the best range for a tensor's bytes, from a histogram that grows picture by picture."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.quant.scheme import Affine

__all__ = ["Histogram", "best_range"]

_BINS = 2048
_PERCENTILES = (99.9, 99.99, 99.999)  # ranges that are tried: all but so few values
_SHRINKS = (0.95, 0.9, 0.85, 0.8, 0.7)  # ranges that are tried: shares of the full range


class Histogram:
    """Counts values. When one falls outside, the interval doubles: bins merge, and none is lost."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(_BINS, np.int64)
        self.reach = 0.0  # the bins cover -reach to reach
        self.low, self.high = 0.0, 0.0

    def add(self, values: NDArray[np.float32], extremes: tuple[float, float]) -> None:
        """Count some values.

        Args:
            values: A sample, float32 of any shape.
            extremes: The lowest and the highest of all values that the sample was taken from.
        """
        self.low, self.high = min(self.low, extremes[0]), max(self.high, extremes[1])
        needed = max(-self.low, self.high)
        if needed == 0.0:
            return
        if self.reach == 0.0:
            mantissa, exponent = math.frexp(needed)
            self.reach = math.ldexp(1.0, exponent - (mantissa == 0.5))  # the next power of two
        while self.reach < needed:
            self._double()
        bins = (values.astype(np.float64) + self.reach) * (_BINS / 2 / self.reach)
        highest = np.minimum(bins.astype(np.int64), _BINS - 1)  # the reach itself is in the last
        self.counts += np.bincount(highest, minlength=_BINS)

    def _double(self) -> None:
        pairs = self.counts.reshape(-1, 2).sum(1)
        quarter = _BINS // 4
        self.counts = np.concatenate(
            [np.zeros(quarter, np.int64), pairs, np.zeros(quarter, np.int64)]
        )
        self.reach *= 2

    @property
    def centres(self) -> NDArray[np.float64]:
        """The middle of every bin, float64 `(bins,)`."""
        edges = np.linspace(-self.reach, self.reach, _BINS + 1)
        return (edges[:-1] + edges[1:]) / 2


def best_range(histogram: Histogram, *, floor: float, ceiling: float) -> Affine:
    """Return the quantization with the least squared error among the usual candidates.

    Args:
        histogram: What the float model produced.
        floor: No value below is needed, such as 0 after a ReLU.
        ceiling: No value above is needed, such as 6 after a ReLU6.
    """
    low, high = max(histogram.low, floor), min(histogram.high, ceiling)
    if histogram.reach == 0.0:
        return Affine.over(low, high)
    clipped = np.clip(histogram.centres, floor, ceiling)
    candidates = [Affine.over(*pair) for pair in _candidates(histogram, clipped, low, high)]
    errors = [_error(clipped, histogram.counts, one) for one in candidates]
    return candidates[int(np.argmin(errors))]


def _candidates(
    histogram: Histogram, values: NDArray[np.float64], low: float, high: float
) -> Iterator[tuple[float, float]]:
    yield low, high
    share = np.cumsum(histogram.counts) / max(1, histogram.counts.sum())
    for percentile in _PERCENTILES:
        tail = 1 - percentile / 100
        below = values[np.searchsorted(share, tail)]
        above = values[min(len(values) - 1, int(np.searchsorted(share, 1 - tail)))]
        yield max(low, below), min(high, above)
    for shrink in _SHRINKS:
        yield low * shrink, high * shrink


def _error(values: NDArray[np.float64], counts: NDArray[np.int64], affine: Affine) -> float:
    real = values.astype(np.float32)
    difference = affine.dequantize(affine.quantize(real)).astype(np.float64) - values
    # A bin wider than a step hides the rounding inside it, which is uniform: scale**2 / 12.
    inside = np.abs(difference) <= affine.scale / 2
    squared = np.where(inside, affine.scale * affine.scale / 12, difference * difference)
    return math.fsum(squared * counts)
