"""Squared distances of rows to points, by one product of matrices for all points.

    |x - p|² = |x|² - (2 x·p - |p|²)        x, p: counted from the middle of the points

Each row reads all points, which takes most of the time of a head by neighbours or by support
vectors, so they are float32 where that decides as float64 does: half the bytes. Counted from their
middle, so that what all points share, as the years before a Unix time, takes no digits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from edgefeat_export.attaching.tail import Matrix, TailGraph

__all__ = ["Points"]

_MANY = 1 << 14  # numbers; fewer are read in no time
_QUERIES = 500


class Points:
    """Points to which rows are near or far.

    Args:
        points: float64 `(P, width)`.
    """

    def __init__(self, points: NDArray[np.float64]) -> None:
        self._middle = points.mean(axis=0)
        self._points = points - self._middle
        self._squares = np.square(self._points).sum(axis=1)

    def compared(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Return squared distances of some points to all, in float64 and by way of float32.

        Returns:
            Two matrices float64 `(Q, P)`; None for so few numbers that float32 would save nothing,
            or where it overflows.
        """
        if self._points.size < _MANY:
            return None
        rows = self._points[:: -(-len(self._points) // _QUERIES)]
        with np.errstate(over="ignore", invalid="ignore"):
            product = rows.astype(np.float32) @ (2 * self._points).T.astype(np.float32)
            single = (product - self._squares.astype(np.float32)).astype(np.float64)
        if not np.isfinite(single).all():
            return None
        own = np.square(rows).sum(axis=1, keepdims=True)
        exact = own - (2 * rows @ self._points.T - self._squares)
        return np.maximum(exact, 0), own - single

    def add(self, tail: TailGraph, matrix: Matrix, *, single: bool) -> tuple[Matrix, Matrix]:
        """Add the product.

        Args:
            tail: The graph.
            matrix: The rows.
            single: Whether it is computed in float32.

        Returns:
            The rows from the middle of the points, and `2 x·p - |p|²` for each point: float64
            `(N, width)` and `(N, P)`.
        """
        rows = tail.apply("Sub", matrix, self._middle)
        weights = 2 * self._points.T
        if not single:
            return rows, tail.linear(rows, weights, -self._squares)
        inputs = [
            tail.cast(rows.name, TensorProto.FLOAT),
            tail.constant(weights, np.float32),
            tail.constant(-self._squares[np.newaxis], np.float32),
        ]
        return rows, Matrix(tail.double(tail.add("Gemm", inputs)), len(self._points))
