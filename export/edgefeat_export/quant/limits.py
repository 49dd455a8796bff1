"""What the integers of a layer may be, so that no kernel saturates on the way to its sum.

x86 without VNNI multiplies bytes two by two and adds each two products in 16 bits (`vpmaddubsw`).
Activations go up to 255. So two neighbouring weights of the same sign may add up to at most 128.
A weight that stands alone, or beside one of the other sign, may be as large as int8 allows. That
costs far less fidelity than to hold every weight to half of its range.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.arrays import Floats
from edgefeat_export.quant import exact

__all__ = ["WeightLimits", "neighbours"]

_SWEEPS = 8  # where taps have two neighbours each; where they have one, one sweep is enough
_STRETCHES = np.array([1.0, 1.08, 1.17, 1.27, 1.38, 1.5, 1.7, 2.0])
"""Scales that are tried, relative to the smallest that holds every weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightLimits:
    """The largest integers a layer may have.

    Attributes:
        alone: Largest magnitude of an integer.
        pair: Largest magnitude of what two neighbours of one sign add up to.
        links: `(taps, n)`, the indices of each tap's neighbours; -1 is none.
    """

    alone: int
    pair: int
    links: NDArray[np.int64]

    def bounds(self, rounded: Floats, taps: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return the lowest and the highest integer of one tap: float64 `(groups, out)` each.

        Args:
            rounded: float64 `(groups, out, taps)`, zero where a tap is not rounded yet.
            taps: int64 `(groups,)`, the index of one tap for each group.
        """
        low = np.full(rounded.shape[:2], -float(self.alone))
        high = -low
        groups = np.arange(len(taps))
        for link in self.links[taps].T:
            beside = np.where(link[:, None] < 0, 0.0, rounded[groups, :, link])
            np.maximum(low, -self.pair - np.minimum(beside, 0), out=low)
            np.minimum(high, self.pair - np.maximum(beside, 0), out=high)
        return low, high

    def scale(self, weight: Floats, variance: Floats) -> Floats:
        """Return the scale that loses least: `(groups, out)`.

        A larger scale brings more pairs within their limit, but rounds every weight more coarsely.

        Args:
            weight: float64 `(groups, out, taps)`.
            variance: Variance of the inputs, float64 `(groups, taps)`.
        """
        smallest: Floats = np.maximum(np.abs(weight).max(2) / self.alone, 1e-30)
        if not self.links.size:
            return smallest
        losses = []
        for stretch in _STRETCHES:
            scale = (smallest * stretch)[:, :, None]
            moved = weight - self.fitted(weight, scale[:, :, 0])
            loss = variance[:, None] * (moved * moved + scale * scale / 12)
            losses.append(exact.sum_in_order(loss, 2))
        return np.asarray(smallest * _STRETCHES[np.argmin(losses, axis=0)], np.float64)

    def fitted(self, weight: Floats, scale: Floats) -> Floats:
        """Return weights near the given ones whose pairs keep the limit before rounding.

        Args:
            weight: `(groups, out, taps)`.
            scale: `(groups, out)`.
        """
        levels = weight / scale[:, :, None]
        for first, second in self._pairs():
            a, b = levels[:, :, first], levels[:, :, second]
            over = np.where((a > 0) & (b > 0), np.maximum(a + b - self.pair, 0), 0)
            over += np.where((a < 0) & (b < 0), np.minimum(a + b + self.pair, 0), 0)
            levels[:, :, first] -= over / 2
            levels[:, :, second] -= over / 2
        return np.asarray(levels * scale[:, :, None], np.float64)

    def _pairs(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield lists of pairs in which no tap stands twice; all lists again in each sweep."""
        later = [(np.flatnonzero(link > np.arange(len(link))), link) for link in self.links.T]
        for _ in range(1 if len(later) == 1 else _SWEEPS):
            for first, link in later:
                yield first, link[first]


def neighbours(taps: int, channels: int) -> NDArray[np.int64]:
    """Return which weights of a window a kernel multiplies beside each other: int64 `(taps, n)`.

    Kernels take the taps of a window two by two, pixel by pixel and, within a pixel, channel by
    channel. With an odd number of channels there are two ways to make such pairs, and both must
    keep the limit: where pixels are folded into one (`quant.stem`), one way becomes the other.

    Args:
        taps: How many weights a window has.
        channels: How many numbers a pixel has.
    """
    at = np.arange(taps)
    links = [at ^ 1] if channels % 2 == 0 else [at ^ 1, (at + 1 ^ 1) - 1]
    return np.stack([np.where(link < taps, link, -1) for link in links], 1)
