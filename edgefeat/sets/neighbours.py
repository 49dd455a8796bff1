"""Exact search: for each query the rows nearest to it, a block of the set at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.measures.similarity import cosine_similarity, euclidean_distance
from edgefeat.options import checks

__all__ = ["Metric", "Neighbours", "find_nearest"]

Metric = Literal["cosine", "euclidean"]
_METRICS: dict[str, Callable[[Features, Features], Features]] = {
    "cosine": cosine_similarity,
    "euclidean": euclidean_distance,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """For each query the rows nearest to it, best first.

    Attributes:
        indices: int64 `(Q, k)`, rows of the set.
        scores: float32 `(Q, k)`, their cosines or distances.
        paths: What those rows are called, a tuple of k for each query.
    """

    indices: NDArray[np.int64]
    scores: Features
    paths: Sequence[Sequence[str]]

    def __len__(self) -> int:
        """How many queries there are."""
        return len(self.indices)


def find_nearest(
    blocks: Iterable[Features],
    paths: Sequence[str],
    queries: Features,
    k: int,
    *,
    metric: Metric,
) -> Neighbours:
    """Search a set for the rows nearest to each query; ties keep their order.

    Args:
        blocks: The rows of the set, a block at a time: float32 `(n, D)`.
        paths: What the rows are called.
        queries: float32 `(Q, D)`, of the same model.
        k: How many rows for each query, at most.
        metric: By cosine or by distance.

    Raises:
        OptionError: A wrong `k` or `metric`.
    """
    compare = _METRICS[checks.choice("metric", metric, *_METRICS)]
    k, sign = checks.whole_number("k", k), -1 if metric == "cosine" else 1
    count = len(queries)
    indices = np.empty((count, 0), np.int64)
    scores = np.empty((count, 0), np.float32)
    start = 0
    for block in blocks:
        here = np.arange(start, start + len(block))
        indices = np.hstack([indices, np.broadcast_to(here, (count, len(block)))])
        scores = np.hstack([scores, compare(queries, block)])
        best = np.argsort(sign * scores, axis=1, kind="stable")[:, :k]
        indices = np.take_along_axis(indices, best, axis=1)
        scores = np.take_along_axis(scores, best, axis=1)
        start += len(block)
    names = tuple(tuple(paths[row] for row in rows) for rows in indices)
    return Neighbours(indices=indices, scores=scores, paths=names)
