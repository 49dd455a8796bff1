"""The head's arithmetic: whole numbers inside float64, so that every CPU gives the same scores.

A sum of float products depends on its order, and orders differ between CPUs. Whole numbers below
2^53 are exact in float64, whatever the order. So features are multiplied by a power of two and
rounded, weights too, and each sum of products stays below 2^52: the label of a picture is a
comparison of exact numbers. A feature keeps 17 bits below the largest one that was shown, with
room for one eight times as large; what is larger still is cut there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, frexp, log2

import numpy as np
from numpy.typing import NDArray

__all__ = ["Grid", "Rounded", "grid_of", "rounded_map"]

Array = NDArray[np.float64]
_SUM_BITS = 52  # a sum of products stays below this power of two
_MOST_BITS = 20  # for a feature, and for a weight
_ROOM_BITS = 3  # how much larger a feature may be than all that were shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How a feature becomes a whole number: `round(clip(feature * scale, -limit, limit))`.

    Attributes:
        scale: A power of two.
        limit: A power of two: no whole number is larger.
    """

    scale: float
    limit: float

    def __call__(self, features: NDArray[np.floating]) -> Array:
        """Return whole numbers, float64 `(N, D)`, of features, float32 or float64 `(N, D)`."""
        with np.errstate(over="ignore"):  # infinite, and cut at the limit: as in a graph
            scaled = features.astype(np.float32, copy=False) * np.float32(self.scale)
        limit = np.float32(self.limit)
        whole: Array = np.rint(np.clip(scaled, -limit, limit)).astype(np.float64)
        return whole


def grid_of(features: NDArray[np.floating], *, spare_bits: int = 0) -> Grid:
    """Return the grid that suits some features, float32 or float64 `(N, D)`.

    Args:
        features: What was shown.
        spare_bits: How many bits less a sum of products may have.
    """
    bits = min(_MOST_BITS, (_SUM_BITS - spare_bits - _bits(features.shape[1])) // 2)
    largest = float(np.abs(features).max(initial=0.0)) or 1.0
    exponent = bits - _ROOM_BITS - frexp(largest)[1]
    return Grid(scale=2.0 ** min(max(exponent, -100), 100), limit=2.0**bits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounded:
    """A linear map of whole numbers: `grid(rows) @ weights + bias` is `unit` times what is meant.

    Attributes:
        weights: Whole numbers, int32 `(D, K)`.
        bias: Whole numbers, float64 `(K,)`.
        unit: A power of two.
    """

    weights: NDArray[np.int32]
    bias: Array
    unit: float

    def __call__(self, whole: Array) -> Array:
        """Return whole numbers, float64 `(N, K)`, of what `Grid` gave, float64 `(N, D)`."""
        sums: Array = whole @ self.weights.astype(np.float64) + self.bias
        return sums


def rounded_map(weights: Array, bias: Array, grid: Grid) -> Rounded:
    """Round a linear map of features.

    Args:
        weights: float64 `(D, K)`.
        bias: float64 `(K,)`.
        grid: How features become whole numbers.
    """
    bits = min(_MOST_BITS, _SUM_BITS - _bits(len(weights)) - int(log2(grid.limit)))
    largest = float(np.abs(weights).max(initial=0.0))
    # The bias must stay a whole number below 2^51 too.
    exponent = min(
        bits - frexp(largest)[1] if largest else 0,
        _SUM_BITS - 1 - int(log2(grid.scale)) - frexp(float(np.abs(bias).max()) or 1.0)[1],
    )
    factor = 2.0**exponent
    unit = factor * grid.scale
    return Rounded(
        weights=np.rint(weights * factor).astype(np.int32),
        bias=np.rint(bias * unit) + 0.0,  # no minus zero
        unit=unit,
    )


def _bits(count: int) -> int:
    """Return how many bits a sum of so many numbers has more than one of them."""
    return ceil(log2(max(count, 1)))
