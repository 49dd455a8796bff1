"""The mean over each target pixel's area, naively, in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]


def overlaps(source: int, target: int) -> NDArray[np.float64]:
    """How much of each source pixel lies in each target pixel; a target pixel's sum to 1."""
    edges = np.arange(target + 1) * source / target
    cells = np.arange(source)
    high, low = np.minimum(edges[1:, None], cells + 1), np.maximum(edges[:-1, None], cells)
    return np.clip(high - low, 0, None) * target / source


def naive_area(pixels: NDArray[np.uint8], size_hw: Size) -> NDArray[np.float64]:
    """The exact mean over each target pixel's area, not rounded."""
    values = pixels.astype(np.float64)
    for axis, target in enumerate(size_hw):
        weights = overlaps(values.shape[axis], target)
        values = np.moveaxis(np.tensordot(weights, values, (1, axis)), 0, axis)
    return values
