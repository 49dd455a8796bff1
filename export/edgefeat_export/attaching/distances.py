"""Squared distances of rows to points, by one product of matrices for all points.

    |x - p|² = |x|² - (2 x·p - |p|²)

Rows and points are counted from the points' median, column by column: what all of them share, as
the years before a Unix time, would take the digits that tell them apart, and one point that is far
from all others must not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.attaching.tail import Matrix, TailGraph

__all__ = ["add_nearness"]


def add_nearness(
    tail: TailGraph, matrix: Matrix, points: NDArray[np.float64]
) -> tuple[Matrix, Matrix]:
    """Add `2 x·p - |p|²` of each row and point: the larger, the nearer.

    Args:
        tail: The graph.
        matrix: The rows.
        points: float64 `(P, width)`.

    Returns:
        The rows from the median of the points, float64 `(N, width)`, and the nearness `(N, P)`.
    """
    middle = np.median(points, axis=0)
    rows, centred = tail.apply("Sub", matrix, middle), points - middle
    return rows, tail.linear(rows, 2 * centred.T, -np.square(centred).sum(axis=1))
