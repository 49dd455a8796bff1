"""Cosines and distances of vectors to a block of rows: fast and nearly, or slowly and exactly.

A search looks at all rows fast, with an error that is bounded (`margin`), and computes exactly
only what comes near enough to matter. So its results do not depend on the size of blocks, on the
order of rows, or on the library that multiplies.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SinkError
from edgefeat.measures.similarity import l2_normalise
from edgefeat.search.integers import MOST_VECTORS, Digits
from edgefeat.search.rows import Block, Rows

if TYPE_CHECKING:
    from edgefeat.arrays import Features

__all__ = ["Metric", "Vectors"]

_PAIRS = 1024  # so many pairs are computed exactly at a time: two arrays of float64
_ROUNDING = 6e-8  # largest relative error of a float32


class Metric(StrEnum):
    """What makes two vectors near: a high cosine, or a small Euclidean distance."""

    COSINE = "cosine"
    EUCLIDEAN = "euclidean"


class Vectors:
    """Vectors that are compared with rows.

    Args:
        vectors: float32 `(Q, D)`.
        rows: What they will be compared with.
        metric: What makes two vectors near.

    Raises:
        SinkError: A number is not finite.
    """

    def __init__(self, vectors: Features, rows: Rows, *, metric: Metric = Metric.COSINE) -> None:
        exact = vectors.astype(np.float64)
        lengths = np.linalg.norm(exact, axis=1)
        if not np.isfinite(lengths).all():
            raise SinkError(
                "a vector to search for holds a number that is not finite",
                remedy="Leave such vectors out, or extract again.",
            )
        self._metric, self._rows, self._lengths = metric, rows, lengths
        self._exact = exact if metric is Metric.EUCLIDEAN else l2_normalise(exact)
        few = len(vectors) <= MOST_VECTORS and rows.has_whole
        ends = np.cumsum(rows.widths)[:-1]
        parts = np.split(self._exact, ends, axis=1) if few else []
        self._digits = [Digits(part) for part in parts]
        self._floats = self._exact.astype(np.float32)
        # Roundings of a sum go both ways: a sum of 1280 products errs by about 4 of them.
        error = _ROUNDING * (8 + vectors.shape[1] ** 0.5)
        if largest := self._largest():
            error += sum(one.left_over for one in self._digits) / largest
        longest = float(rows.lengths.max(initial=0.0))
        scale = 1.0 if metric is Metric.COSINE else (self._largest() + longest) ** 2
        self.margin = error * scale
        """How far `nearly` may be from the truth."""

    def __len__(self) -> int:
        return len(self._exact)

    def nearly(self, block: Block) -> NDArray[np.floating]:
        """Return what orders the rows of a block for each vector, nearly: `(Q, n)`.

        It is the cosine, or the squared distance negated; at most `margin` beside the truth.
        """
        products = self._products(block)
        lengths = self._rows.lengths[block.positions]
        if self._metric is Metric.COSINE:
            products /= _not_zero(lengths).astype(products.dtype)
            return products
        squares = 2 * products.astype(np.float64)
        squares -= lengths**2
        squares -= self._lengths[:, np.newaxis] ** 2
        return squares

    def exactly(self, of_vector: NDArray[np.intp], positions: NDArray[np.intp]) -> Features:
        """Return the scores of pairs, computed in float64: float32 `(P,)`, cosines or distances.

        Args:
            of_vector: The vector of each pair, by its position here.
            positions: The row of each pair, by its position in the set.
        """
        scores = np.empty(len(positions), np.float32)
        for start in range(0, len(positions), _PAIRS):
            part = slice(start, start + _PAIRS)
            mine = self._exact[of_vector[part]]
            theirs = self._rows.take(positions[part]).astype(np.float64)
            if self._metric is Metric.COSINE:
                cosines = np.einsum("pd,pd->p", mine, theirs)
                cosines /= _not_zero(self._rows.lengths[positions[part]])
                scores[part] = np.clip(cosines, -1.0, 1.0)
            else:
                scores[part] = np.linalg.norm(mine - theirs, axis=1)
        return scores

    def as_closeness(self, scores: Features) -> NDArray[np.float64]:
        """Return scores as `nearly` has them: cosines, or squared distances negated."""
        wide = scores.astype(np.float64)
        return wide if self._metric is Metric.COSINE else -(wide**2)

    def as_score(self, closeness: NDArray[np.float64]) -> Features:
        """Return what `as_closeness` made as scores again."""
        scores = closeness if self._metric is Metric.COSINE else np.sqrt(-closeness)
        return scores.astype(np.float32)

    def _largest(self) -> float:
        longest = float(self._lengths.max(initial=0.0))
        return longest if self._metric is Metric.EUCLIDEAN else float(longest > 0)

    def _products(self, block: Block) -> NDArray[np.floating]:
        if not (self._digits and block.is_whole):
            return self._floats @ block.decode().T
        total = np.zeros((len(self), len(block)))
        for (codes, scales), digits in zip(block.codes(), self._digits, strict=True):
            products = digits.times(codes)
            products *= scales
            total += products
        return total


def _not_zero(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return lengths to divide by: a zero vector has the cosine 0 with everything."""
    return np.where(lengths > 0, lengths, 1.0)
