"""Exact search: for each vector the rows nearest to it, a block of the set at a time.

Closeness is computed nearly, a block at a time; what may be among the best goes into a pool. In the
end the pool is computed exactly. Rows that are equally near keep the set's order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.search.products import Metric, Vectors
from edgefeat.search.rows import Block, Rows

if TYPE_CHECKING:
    from edgefeat.arrays import Features

__all__ = ["Best", "find_best"]

_VECTORS_AT_ONCE = 1024
_ROWS_AT_ONCE = 2048  # beside so many vectors their scores take 8 MB
_ROWS_FOR_FEW = 16384
_FEW = 16
_CROWD = 4  # times k: more candidates of one block are thinned out
_POOL = 64  # times k: more candidates than these are computed exactly at once

Best = tuple[NDArray[np.int64], NDArray[np.float32]]
"""For each vector the positions of its best rows, and their cosines or distances, best first."""


def find_best(
    rows: Rows,
    vectors: Rows | Features,
    k: int,
    *,
    metric: Metric = Metric.COSINE,
    wanted: NDArray[np.bool_] | None = None,
) -> Best:
    """Return the rows nearest to each vector, and how near they are.

    Args:
        rows: What is searched.
        vectors: What is searched for: float32 `(Q, D)`, or rows of another set.
        k: How many rows for each vector, at most.
        metric: By cosine or by distance.
        wanted: Which rows may be found, `(N,)`; None allows all.

    Returns:
        int64 `(Q, k)` and float32 `(Q, k)`, best first: positions, and cosines or distances. k is
        smaller where fewer rows may be found.

    Raises:
        SinkError: A number is not finite.
    """
    k = min(k, len(rows) if wanted is None else int(np.count_nonzero(wanted)))
    positions = np.empty((len(vectors), k), np.int64)
    scores = np.empty((len(vectors), k), np.float32)
    if k:
        for there, part in _parts(vectors):
            some = Vectors(part, rows, metric=metric)
            positions[there], scores[there] = _best_of(rows, some, k, wanted)
    return positions, scores


def _parts(vectors: Rows | Features) -> Iterator[tuple[NDArray[np.intp], Features]]:
    if isinstance(vectors, Rows):
        for block in vectors.blocks(_VECTORS_AT_ONCE):
            yield block.positions, block.decode()
    else:
        for start in range(0, len(vectors), _VECTORS_AT_ONCE):
            part = vectors[start : start + _VECTORS_AT_ONCE]
            yield np.arange(len(part)) + start, part


def _best_of(rows: Rows, vectors: Vectors, k: int, wanted: NDArray[np.bool_] | None) -> Best:
    pool = _Pool(vectors, k)
    for block in rows.blocks(_ROWS_FOR_FEW if len(vectors) <= _FEW else _ROWS_AT_ONCE):
        allowed = None if wanted is None else wanted[block.positions]
        if allowed is not None and not allowed.any():
            continue
        nearly = vectors.nearly(block)
        if allowed is not None and not allowed.all():
            nearly[:, ~allowed] = -np.inf
        pool.add(block, nearly)
    return pool.best()


class _Pool:
    """The pairs of a vector and a row that may be among the best.

    Args:
        vectors: What is searched for.
        k: How many rows each vector wants.
    """

    def __init__(self, vectors: Vectors, k: int) -> None:
        self._vectors, self._k = vectors, k
        self._of_vector = np.empty(0, np.intp)
        self._positions = np.empty(0, np.intp)
        self._closeness = np.empty(0)
        self._bars = np.full(len(vectors), -np.inf)

    def add(self, block: Block, nearly: NDArray[np.floating]) -> None:
        """Take what may be among the best out of a block.

        Args:
            block: The rows.
            nearly: What `Vectors.nearly` says of them.
        """
        over = nearly >= _rounded_down(self._bars, nearly.dtype)
        many = np.count_nonzero(over)
        if not many:
            return
        if many > _CROWD * self._k * len(nearly) and self._k < nearly.shape[1]:
            kth = np.partition(nearly, -self._k, axis=1)[:, -self._k]
            over &= nearly >= _rounded_down(kth - 2 * self._vectors.margin, nearly.dtype)
        of_vector, of_block = np.nonzero(over)
        self._of_vector = np.concatenate([self._of_vector, of_vector])
        self._positions = np.concatenate([self._positions, block.positions[of_block]])
        self._closeness = np.concatenate([self._closeness, nearly[over]])
        self._prune()
        if len(self._positions) > _POOL * self._k * len(nearly):  # many are equally near
            self._settle()

    def best(self) -> Best:
        """Return for each vector its best rows, computed exactly."""
        self._settle()
        shape = len(self._vectors), self._k
        scores = self._vectors.as_score(self._closeness)
        return self._positions.reshape(shape), scores.reshape(shape)

    def _prune(self) -> None:
        """Leave out what cannot be among the best any more, and raise the bars."""
        order = np.lexsort((-self._closeness, self._of_vector))
        first = np.searchsorted(self._of_vector[order], np.arange(len(self._bars) + 1))
        full = np.flatnonzero(np.diff(first) >= self._k)
        kth = self._closeness[order[first[full] + self._k - 1]]
        self._bars[full] = kth - 2 * self._vectors.margin
        self._keep(self._closeness >= self._bars[self._of_vector])

    def _settle(self) -> None:
        """Compute the pool exactly and keep the best k for each vector; of equals, the first."""
        scores = self._vectors.exactly(self._of_vector, self._positions)
        self._closeness = self._vectors.as_closeness(scores)
        order = np.lexsort((self._positions, -self._closeness, self._of_vector))
        self._keep(order)
        first = np.searchsorted(self._of_vector, self._of_vector)
        self._keep(np.arange(len(first)) - first < self._k)

    def _keep(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> None:
        self._of_vector = self._of_vector[which]
        self._positions = self._positions[which]
        self._closeness = self._closeness[which]


def _rounded_down(bars: NDArray[np.floating], dtype: np.dtype[Any]) -> NDArray[np.floating]:
    """Return bars as a column of the type of what they are compared with, above minus infinity.

    NumPy would convert the whole matrix if the types differed.
    """
    lowest = np.finfo(dtype).min
    rounded = np.maximum(bars, float(lowest)).astype(dtype)
    column: NDArray[np.floating] = np.maximum(np.nextafter(rounded, lowest), lowest)[:, np.newaxis]
    return column
