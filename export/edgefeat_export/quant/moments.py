"""Means and covariances of a layer's inputs, from windows that are sampled picture by picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.arrays import Floats
from edgefeat_export.quant import exact

__all__ = ["Moments"]

_WANTED_BITS = 22  # beside 9 bits of a level, products of 4 million windows add exactly


class Moments:
    """Means and covariances of a layer's inputs in the float network and in the quantized one.

    Args:
        scale: What one level of the quantized input stands for.
    """

    def __init__(self, scale: float) -> None:
        self.count = 0  # windows
        self._scale = scale
        self._sums: list[Floats] = []

    def add(self, wanted: NDArray[Any], levels: NDArray[Any]) -> None:
        """Add windows of both networks at the same places.

        Args:
            wanted: Real numbers of the float network, float32 or float64 `(groups, n, taps)`.
            levels: Whole numbers of the quantized network with the zero point at 0, float32
                `(groups, n, taps)`.
        """
        wanted, levels = exact.on_grid(wanted, _WANTED_BITS), levels.astype(np.float64)
        parts = [
            wanted.sum(1),
            levels.sum(1),
            levels.swapaxes(1, 2) @ levels,
            wanted.swapaxes(1, 2) @ levels,
        ]
        self.count += wanted.shape[1]
        self._sums = (
            [a + b for a, b in zip(self._sums, parts, strict=True)] if self._sums else parts
        )

    def covariances(self) -> tuple[Floats, Floats]:
        """Return two covariances, `(groups, taps, taps)` each.

        The first is that of the delivered inputs. The second is that of the float inputs (rows)
        with the delivered ones (columns).
        """
        wanted, levels, square, cross = (part / self.count for part in self._sums)
        return (
            (square - levels[:, :, None] * levels[:, None, :]) * (self._scale * self._scale),
            (cross - wanted[:, :, None] * levels[:, None, :]) * self._scale,
        )
